"""Events: what controllers tell of an object, for those who look at it with kubectl.

Invariant: who records is neither held up nor stopped: nothing is sent in his thread, nothing is raised, and what is too
much is dropped and counted.

Equal Events become one with a ``series``, as KEP-383 has it; an object may have as many as client-go allows.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, Self

from cachetools import LRUCache

from genreconcile.arguments import require_choice, require_text
from genreconcile.cluster import Cluster, Interrupt
from genreconcile.cluster.refusal import REFUSED_BY
from genreconcile.data import Own, shipped
from genreconcile.election.times import micro_time
from genreconcile.errors import ClusterError, Forbidden, Gone, NotFound
from genreconcile.gojson import dumps
from genreconcile.log import logger
from genreconcile.objects import name_of, namespace_of, uid_of

_QUEUED: Final = 1_000
_KNOWN: Final = 1_000
_SAME_FOR: Final = 360.0
"""Seconds after the last occurrence in which an equal one belongs to its series."""
_BURST: Final = 25
_INTERVAL: Final = 300.0
_OBJECTS: Final = 4_096
"""The number of objects whose rates are known, as in client-go."""
_TIMEOUT: Final = 5.0
_LONGEST_NAME: Final = 253
_LONGEST_WORD: Final = 128
_LONGEST_NOTE: Final = 1_024
"""In bytes, as is that of a word: the API server does not count characters."""

_log = logger("genreconcile.observe")


class EventCounts(NamedTuple):
    """What became of what was recorded and does not wait any more: an occurrence that the server has taken is
    ``sent``, one that it has not is ``failed``, and one that is unusable, too much or too late is ``dropped``.
    """

    sent: int = 0
    dropped: int = 0
    failed: int = 0


class _Reference(NamedTuple):
    """An object; without its resourceVersion, by which equal Events would differ."""

    apiVersion: str  # noqa: N815 - as in the object
    kind: str
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Self:
        head = str(obj.get("apiVersion") or ""), str(obj.get("kind") or "")
        return cls(*head, namespace_of(obj), name_of(obj), uid_of(obj))

    def to_object(self) -> dict[str, str]:
        return {field: value for field, value in self._asdict().items() if value}


class _Telling(NamedTuple):
    """What is told, whenever that is."""

    regarding: _Reference
    related: _Reference | None
    type: str
    reason: str
    action: str
    note: str

    @property
    def namespace(self) -> str:
        """Where its Event is: of an object without a namespace the server takes it here only."""
        return self.regarding.namespace or "default"

    def to_object(self) -> dict[str, Any]:
        fields = {"regarding": self.regarding.to_object(), "type": self.type, "reason": self.reason}
        fields |= {"related": self.related.to_object()} if self.related is not None else {}
        return {**fields, "action": self.action, "note": self.note}


class _Occurrence(NamedTuple):
    """``at`` is by the clock, ``micro_time`` the time of the day."""

    telling: _Telling
    at: float
    micro_time: str


class _Series(NamedTuple):
    """An Event that the server has; ``at`` is its last occurrence."""

    name: str
    times: int
    at: float


class Recorder:
    """Records Events of ``events.k8s.io/v1``, as ``field_manager``; thread-safe. ``instance`` names this process, by
    default by its host. In a namespace it is off after the first refusal for want of a right.

    ``clock`` gives seconds that only grow, ``now`` the time of the day.
    """

    def __init__(
        self,
        cluster: Cluster,
        field_manager: str,
        *,
        instance: str = "",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._writer = _Writer(cluster, field_manager, instance or socket.gethostname() or field_manager)
        self._clock, self._now = clock, now
        self._rates = _Rates()
        self._changed = threading.Condition()
        self._queue: deque[_Occurrence] = deque()
        self._is_busy = self._is_over = False
        self._forbidden: set[str] = set()
        self._counts = EventCounts()
        self._thread: threading.Thread | None = None
        self._interrupt = Interrupt()

    @property
    def counts(self) -> EventCounts:
        """What became of what was recorded."""
        return self._counts

    def record(  # noqa: PLR0913, PLR0917 - the fields of an Event
        self,
        regarding: Mapping[str, Any],
        type: str,  # noqa: A002 - the API's word
        reason: str,
        action: str,
        note: str,
        related: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell of an object. ``type`` is Normal or Warning; ``reason`` and ``action`` are for machines, in CamelCase;
        ``note`` is for people, all who may read Events. Of ``regarding`` and ``related`` only references are kept.
        """
        try:
            about, other = _Reference.of(regarding), None if related is None else _Reference.of(related)
            telling = _Telling(about, other, _type(type), _word(reason), _word(action), _cut(note, _LONGEST_NOTE))
            self._take(_Occurrence(telling, self._clock(), micro_time(self._now())))
        except Exception as error:  # noqa: BLE001 - see the module's invariant
            self._count(dropped=1)
            _log.debug("an Event is not usable: %s", error.__class__.__name__)

    def flush(self, timeout: float) -> bool:
        """Wait until all that was recorded was handled; False where the time was over first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._is_busy, timeout)

    def close(self, timeout: float = 2.0) -> None:
        """Take no more. What waits is sent within so many seconds, or dropped; a request on its way is ended then."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)
            self._turn_off()
            self._interrupt.set()

    def _take(self, occurrence: _Occurrence) -> None:
        with self._changed:
            is_off = self._is_over or occurrence.telling.namespace in self._forbidden
            has_room = not is_off and len(self._queue) < _QUEUED
            if not has_room or not self._rates.take(occurrence.telling.regarding, occurrence.at):
                self._count(dropped=1)
                return
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="genreconcile-events", daemon=True)
                thread.start()
                self._thread = thread
            self._queue.append(occurrence)
            self._changed.notify_all()

    def _run(self) -> None:
        with self._interrupt:
            while (occurrence := self._next()) is not None:
                is_off = occurrence.telling.namespace in self._forbidden
                is_sent = not is_off and self._send(occurrence)
                with self._changed:
                    self._count(sent=is_sent, failed=not (is_sent or is_off), dropped=is_off)
                    self._is_busy = False
                    self._changed.notify_all()

    def _next(self) -> _Occurrence | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_over)
            self._is_busy = bool(self._queue)
            return self._queue.popleft() if self._queue else None

    def _send(self, occurrence: _Occurrence) -> bool:
        try:
            self._writer.write(occurrence)
        except Exception as error:  # noqa: BLE001 - see the module's invariant
            # A quota, a policy and the end of a namespace refuse as well, and by them no right is missing.
            if isinstance(error, Forbidden) and REFUSED_BY not in error.details:
                self._forbidden.add(occurrence.telling.namespace)
                _log.warning(
                    "no Event is written there any more: not allowed: %s",
                    self._writer.advice(occurrence.telling),
                    extra={"code": Forbidden.code},
                )
            else:
                status = error.status if isinstance(error, ClusterError) else 0
                _log.debug(
                    "an Event of %s is lost: %s %d", occurrence.telling.namespace, error.__class__.__name__, status
                )
            return False
        return True

    def _turn_off(self) -> None:
        with self._changed:
            self._is_over = True
            self._count(dropped=len(self._queue))
            self._queue.clear()
            self._changed.notify_all()

    def _count(self, *, sent: int = 0, dropped: int = 0, failed: int = 0) -> None:
        with self._changed:
            counts = self._counts
            self._counts = EventCounts(counts.sent + sent, counts.dropped + dropped, counts.failed + failed)


class _Rates:
    """A bucket of tokens for each object, by the generic cell rate algorithm."""

    def __init__(self) -> None:
        self._spent_until: LRUCache[_Reference, float] = LRUCache(_OBJECTS)

    def take(self, of: _Reference, now: float) -> bool:
        """Whether there was a token."""
        spent_until = max(self._spent_until.get(of, -math.inf), now)
        if spent_until - now > (_BURST - 1) * _INTERVAL:
            return False
        self._spent_until[of] = spent_until + _INTERVAL
        return True


class _Writer:
    """Writes Events, and knows which are there; used by one thread."""

    def __init__(self, cluster: Cluster, field_manager: str, instance: str) -> None:
        self._cluster = cluster
        self._kind = shipped(Own).event
        self._query = {"fieldManager": field_manager}
        controller, process = _qualified(field_manager), _cut(instance, _LONGEST_WORD)
        self._reporter = {"reportingController": controller, "reportingInstance": process}
        self._known: LRUCache[_Telling, _Series] = LRUCache(_KNOWN)

    def write(self, occurrence: _Occurrence) -> None:
        """Create an Event, or add to its series. Raises ClusterError."""
        known = self._known.get(occurrence.telling)
        if known is None or occurrence.at - known.at >= _SAME_FOR:
            self._create(occurrence)
            return
        try:
            self._repeat(occurrence, known)
        except (NotFound, Gone):
            self._create(occurrence)

    def advice(self, telling: _Telling) -> str:
        """What to do where the right is missing."""
        return f"allow create and patch of {self._kind.plural}.{self._kind.group} in the namespace {telling.namespace}"

    def _create(self, occurrence: _Occurrence) -> None:
        telling = occurrence.telling
        name = _new_name(telling.regarding.name)
        fields = {"eventTime": occurrence.micro_time, **telling.to_object(), **self._reporter}
        event = self._kind.object.to_object(metadata={"namespace": telling.namespace, "name": name}, **fields)
        self._request("POST", self._kind.path(telling.namespace), event, "application/json")
        self._known[telling] = _Series(name, 1, occurrence.at)

    def _repeat(self, occurrence: _Occurrence, known: _Series) -> None:
        series = _Series(known.name, known.times + 1, occurrence.at)
        self._known[occurrence.telling] = series  # Whether it arrives or not: the next one tells of it too.
        change = {"series": {"count": series.times, "lastObservedTime": occurrence.micro_time}}
        path = self._kind.path(occurrence.telling.namespace, series.name)
        self._request("PATCH", path, change, "application/merge-patch+json")

    def _request(self, method: str, path: str, value: Any, content_type: str) -> None:
        body = dumps(value)
        self._cluster.request(method, path, query=self._query, body=body, content_type=content_type, timeout=_TIMEOUT)


def _type(value: str) -> str:
    require_choice("type", value, Literal["Normal", "Warning"])
    return value


def _word(value: str) -> str:
    require_text("word", value)
    if not value:
        raise ValueError("the API server takes no Event without it")
    return _cut(value, _LONGEST_WORD)


def _cut(text: str, most: int) -> str:
    """A text of at most so many bytes of UTF-8, with an ellipsis where it was longer."""
    data = text.encode(errors="replace")  # Half a pair of surrogates cannot be encoded.
    return data.decode() if len(data) <= most else data[: most - len("…".encode())].decode(errors="ignore") + "…"


def _new_name(of: str) -> str:
    """One that begins as that of the object, as far as the name of a DNS subdomain can."""
    suffix = uuid.uuid4().hex[:16]
    labels = re.sub(r"[^a-z0-9.-]+", "-", of.lower())[: _LONGEST_NAME - len(suffix) - 1].split(".")
    return ".".join([*filter(None, (label.strip("-") for label in labels)), suffix])


def _qualified(field_manager: str) -> str:
    """A qualified name, which the server wants here; that of most field managers as it is."""
    return re.sub(r"[^\w.-]+", "-", field_manager, flags=re.ASCII)[:63].strip("-_.") or "genreconcile"
