"""The identity of a connection, headers and a client certificate, kept up to date while the program runs.

Invariants: credentials are replaced by others, never by none; credentials that cannot be renewed stay, the failure is
logged, and they are asked for again after ten seconds; the context and its server stay as chosen at the start.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from genreconcile.cluster.credentials import Cooldown
from genreconcile.cluster.exec_plugin import Granted
from genreconcile.cluster.impersonation import impersonation_headers
from genreconcile.cluster.kubeconfig import Chosen
from genreconcile.cluster.proof import Proof, grant, prove, signature
from genreconcile.cluster.tls import UnusableError, pool_manager, tls_context
from genreconcile.cluster.validation import server_url
from genreconcile.errors import ClusterError
from genreconcile.log import logger

if TYPE_CHECKING:
    import urllib3

_LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the files and at the clock."""

_log = logger("genreconcile.cluster")


class Identity:
    """The identity of a context. Thread-safe. ``load`` returns the context, and is called again after a 401.

    Raises Unreachable and Unauthorized where no usable context or credentials are found. ``on_new_tls`` is called with
    a new pool manager when connections must be opened anew.
    """

    def __init__(
        self,
        load: Callable[[], Chosen],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._load, self._clock, self._now = load, clock, now
        self._lock = threading.Lock()
        self._cooldown = Cooldown(clock)
        self._failure: ClusterError | None = None
        self._chosen = load()
        self.server = server_url(self._chosen)
        self._version = 0
        self._seen: object = signature(self._chosen)
        self._granted = grant(self._chosen)
        self._was_fresh = self._is_fresh(self._granted)
        self._proof = prove(self._chosen, self._granted, text_serves=True)
        self.manager = self._manager(self._chosen, self._proof)
        self.on_new_tls: Callable[[urllib3.PoolManager], None] = lambda _: None
        self._impersonated = impersonation_headers(self._chosen.user)
        self._look_at = self._next_look()

    @property
    def namespace(self) -> str:
        """The namespace of the context."""
        return self._chosen.namespace

    @property
    def verifies(self) -> bool:
        """Whether the server's certificate is checked."""
        return not self._chosen.cluster.insecure_skip_tls_verify

    @property
    def current(self) -> object:
        """The version of the credentials that are sent: see ``Renewable``."""
        return self._version

    def headers(self) -> list[tuple[str, str]]:
        """The headers of each request; a name may repeat."""
        authorization = self._proof.authorization
        return [("Authorization", authorization), *self._impersonated] if authorization else self._impersonated

    def refresh(self) -> None:
        """Replace credentials that have expired or whose files have changed. Called before each request; mostly, only a
        clock is read.
        """
        if self._clock() < self._look_at or not self._lock.acquire(blocking=False):
            return  # Another thread refreshes; until then the old credentials may serve.
        try:
            self._look_at = self._clock() + _LOOK_EVERY
            self._catch_up()
            self._look_at = self._next_look()
        except ClusterError as error:
            self._fail(error)
        finally:
            self._lock.release()

    def renew(self, refused: object) -> bool:
        """See ``Renewable``. Raises ClusterError after a failed renewal, in each call until one succeeds."""
        with self._lock:
            if self._version != refused:
                return True  # Another thread was faster.
            if self._cooldown.is_over() or self._has_expired():
                try:
                    self._start_over()
                except ClusterError as error:
                    self._fail(error)
            if self._failure is not None:
                failure = self._failure
                raise type(failure)(str(failure), status=failure.status, code=failure.code)
            return self._version != refused

    def _catch_up(self) -> None:
        seen = signature(self._chosen)
        if self._has_expired():
            self._take(self._chosen, self._ask(self._chosen), seen)
        elif seen != self._seen:
            self._take(self._chosen, self._granted, seen)

    def _start_over(self) -> None:
        self._cooldown.begin()
        chosen = self._load()
        if server_url(chosen) != self.server:
            raise chosen.unusable(f"it names another server than {self.server} now", "start again")
        seen = signature(chosen)
        self._take(chosen, self._ask(chosen), seen)

    def _ask(self, chosen: Chosen) -> Granted | None:
        self._cooldown.begin()
        self._was_fresh = False
        granted = grant(chosen, self._granted)
        self._was_fresh = self._is_fresh(granted)
        return granted

    def _has_expired(self) -> bool:
        """Whether to ask for others now. Those granted when already expired are renewed after the cooldown alone."""
        is_over = self._granted is not None and not self._is_fresh(self._granted)
        return is_over and (self._was_fresh or self._cooldown.is_over())

    def _is_fresh(self, granted: Granted | None) -> bool:
        return granted is None or granted.expires is None or granted.expires > self._now()

    def _next_look(self) -> float:
        expires = self._granted.expires if self._granted is not None else None
        left = _LOOK_EVERY if expires is None else expires - self._now()
        return self._clock() + (min(left, _LOOK_EVERY) if left > 0 else _LOOK_EVERY)

    def _take(self, chosen: Chosen, granted: Granted | None, seen: object) -> None:
        """Take these over, all of them; none where one is not usable."""
        old = self._proof
        was_text = old.authorization == f"Bearer {self._chosen.user.token}"
        proof = prove(chosen, granted, text_serves=was_text)
        is_new_tls = (proof.certificate, proof.key, proof.authority) != (old.certificate, old.key, old.authority)
        manager = self._manager(chosen, proof) if is_new_tls else self.manager
        self._chosen, self._granted, self._proof, self.manager = chosen, granted, proof, manager
        self._impersonated = impersonation_headers(chosen.user)
        self._failure, self._seen = None, seen
        if proof != old:
            self._version += 1
        if is_new_tls:
            _log.info("%s: new certificates: connections are opened anew", self.server)
            self.on_new_tls(manager)

    def _fail(self, error: ClusterError) -> None:
        if str(error) != str(self._failure):
            _log.warning("%s: the credentials stay as they were: %s", self.server, error)
        self._failure = error

    def _manager(self, chosen: Chosen, proof: Proof) -> urllib3.PoolManager:
        cluster = chosen.cluster
        try:
            context = None
            if self.server.startswith("https:"):
                verifies = not cluster.insecure_skip_tls_verify
                context = tls_context(proof.authority, proof.certificate, proof.key, verifies=verifies)
            return pool_manager(self.server, cluster.proxy_url, context, server_name=cluster.tls_server_name)
        except UnusableError as error:
            raise chosen.unusable(str(error), "correct the kubeconfig") from None
