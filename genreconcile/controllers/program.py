"""Controllers as one program: a shared cache, their loops and workers, and an orderly end.

Invariant: when ``stop`` returns, no run of this program writes any more, and a Lease that it held is given back.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from genreconcile.arguments import refused, require_flag, require_name, require_whole, texts
from genreconcile.cache import Cache
from genreconcile.cluster import Cluster, connect
from genreconcile.controllers.assembly import Shared, loop_of, reads_of_sets_alone, set_loop_of
from genreconcile.controllers.awaiting import await_server
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.leadership import Alone, ByLease, Leadership
from genreconcile.controllers.loop import Loop
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.running import Deadlines
from genreconcile.controllers.setloop import SetLoop
from genreconcile.controllers.sets import ExpectedSet
from genreconcile.controllers.shards import Sharded, Share
from genreconcile.controllers.signals import Signals
from genreconcile.controllers.telling import Telling
from genreconcile.election import Lease
from genreconcile.errors import FAULT, CacheError, InputError, NotLeading, PlanRefused, ReconcileError, code_of
from genreconcile.log import logger
from genreconcile.notice import NOTHING
from genreconcile.objects import GVK
from genreconcile.observe import Listener, Measures, Observing, silent
from genreconcile.process import Process

Source = Controller | ExpectedSet
SOURCES: Final = (Controller, ExpectedSet)

_log = logger("genreconcile.controllers")
_GRACE: Final = 20.0
"""Seconds that runs have to end once the program is asked to."""
_CUT_WITHIN: Final = 2.0
"""Seconds that runs have after that: nothing but a request that was sent before keeps one."""
_SYNC: Final = 60.0
_AGAIN: Final = 5.0
"""Seconds until parents that are not known are looked for again."""
_MOST_WARM: Final = 200
"""The most kinds that are watched in standby since the one that works watches them."""


class Program:
    """Runs controllers from ``start`` (or ``with``) to ``stop``. Arguments as ``run``; with a ``share`` it is one of
    several in its process. After a fork it is of no use in the child.

    Under a Lease it waits in warm standby until it holds it. Once it has lost it, nothing runs any more: ``lost`` says
    why. Nothing runs either where another build of a controller would change too many children: ``refused`` says so.
    Then ``on_end``, where it is set before ``start``, is called, in another thread.
    """

    def __init__(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        *sources: Source,
        cluster: Cluster,
        namespaces: Iterable[str] | None = None,
        cache_limit: int | None = None,
        lease: Lease | None = None,
        accept_changes: bool = False,
        share: Share | None = None,
        observing: Observing = silent,
    ) -> None:
        require_sources(sources)
        if lease is not None and not isinstance(lease, Lease):
            raise refused("lease", lease, "is no Lease; give gr.Lease(name)")
        places = _checked(namespaces, cache_limit, accept_changes=accept_changes)
        self._accepts = accept_changes
        self._sources = sources
        self._share = share
        widens = share is None and reads_of_sets_alone(sources, places)
        self._cache = Cache(cluster, namespaces=() if widens else places) if share is None else share.cache
        self._leadership = self._leadership_of(cluster, lease)
        self._shared = Shared(
            self._leadership.cluster,
            self._cache,
            self._leadership.may_write,
            clock=time.monotonic,
            now=_now,
            reader=Reader(cluster, self._cache, cache_limit=cache_limit) if share is None else share.reader,
            is_ours=_any if share is None else share.is_ours,
            observing=observing,
            leads=lambda: self._leadership.is_leading,
            widens=widens,
        )
        self._loops: list[Loop | SetLoop] = []
        self._runners: list[Deadlines] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._process = Process()
        self.lost = ""
        self.refused = NOTHING
        self.on_end: Callable[[], None] = lambda: None

    def _leadership_of(self, cluster: Cluster, lease: Lease | None) -> Leadership:
        if self._share is not None:
            return self._share.leadership
        return Alone(cluster) if lease is None else ByLease(cluster, lease, _now)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def cache(self) -> Cache:
        """The cache through which it reads."""
        return self._cache

    @property
    def queues(self) -> dict[str, list[Measures[Any]]]:
        """Its queues as they are now, by name of controller or set."""
        return {loop.name: [loop.queue.measures()] for loop in tuple(self._loops)}

    @property
    def holdings(self) -> Mapping[int, bool] | None:
        """None: it works for all parents."""
        return None

    @property
    def is_healthy(self) -> bool:
        """Whether functions can be run: False once too many runs have not ended in time."""
        return all(runner.is_healthy for runner in self._runners)

    @property
    def is_leading(self) -> bool:
        """Whether this program is the one that works: without a Lease always."""
        return self._leadership.is_leading

    @property
    def is_ready(self) -> bool:
        """Whether it works, or could at once if it led: all parents are known, and it has not ended."""
        kinds = kinds_of(self._sources)
        is_over = self._ending.is_set() or bool(self.refused) or not self._loops
        return not is_over and all(self._cache.has_settled(kind) and not self._cache.error(kind) for kind in kinds)

    def start(self) -> None:
        """Read what is there, and begin to run, or to wait for the Lease. Raises ClusterError; CacheError for a kind
        that is not served, and after ``stop``.
        """
        if self._loops:
            raise CacheError("the program: not started: it runs already", code="GR005")
        if self._share is None:
            self._cache.start()
        try:
            for source in self._sources:
                self._loops.append(self._loop(source))
            for loop in self._loops:
                loop.start()
        except BaseException:
            self.stop()
            raise
        self._leadership.tell(self._watched, self._hear)
        self._leadership.start(self._work, self._lose)

    def _watched(self) -> str:
        """The kinds that are watched as a whole, for those who stand by."""
        kinds = (gvk for gvk in self._cache.kinds() if not self._cache.has_metadata_alone(gvk))
        return ",".join(sorted(map(str, kinds)))

    def _hear(self, text: str) -> None:
        """The program that works watches these kinds: so does this one from now on, to be warm when it follows."""
        if not text:
            return
        kinds = text.split(",")[:_MOST_WARM]
        self._spawn([functools.partial(loop.warm, kinds) for loop in self._loops], "warm")

    def _work(self) -> None:
        """Let the workers begin, those of a controller once it is sure that another build does not change too much."""
        for loop in self._loops:
            if isinstance(loop, SetLoop) or self._accepts:
                self._begin(loop)
            else:
                self._spawn([functools.partial(self._survey, loop)], f"{loop.name}-survey")

    def _begin(self, loop: Loop | SetLoop) -> None:
        self._spawn(loop.lives, loop.name)
        _log.info("running %s", loop.name)

    def _spawn(self, lives: Iterable[Callable[[], None]], name: str) -> None:
        """Start a thread for each life, unless the program ends."""
        with self._lock:
            if self._ending.is_set():
                return
            threads = [
                threading.Thread(target=life, name=f"genreconcile-{name}-{number}", daemon=True)
                for number, life in enumerate(lives)
            ]
            self._threads += threads
            for thread in threads:
                thread.start()

    def _survey(self, loop: Loop) -> None:
        """Begin once it is known what another build of the controller would change, and that this is little."""
        while not self._ending.is_set():
            try:
                survey = loop.survey(_SYNC)
            except Exception as error:  # noqa: BLE001 - whatever it is, the workers are to begin once it is over
                told = error if isinstance(error, ReconcileError) else type(error).__name__
                _log.warning(
                    "%s: not running yet: what it would change is not known: %s",
                    loop.name,
                    told,
                    extra={"code": code_of(error, FAULT)},
                )
                self._ending.wait(_AGAIN)
                continue
            if not survey.refusal:
                self._begin(loop)
                return
            loop.refuse(survey)
            self.refused = survey.refusal
            _log.error("%s", self.refused, extra={"code": self.refused.code})
            self.on_end()
            return

    def _lose(self, why: str) -> None:
        """Another process may work from now on: nothing here does so any more. The questions before writes say no
        already.
        """
        self.lost = why
        self._ending.set()
        _log.error("%s: ending", why, extra={"code": NotLeading.code})
        self._leadership.end()
        for loop in self._loops:
            loop.close()
        for runner in self._runners:
            runner.close()
        self.on_end()

    def _loop(self, source: Source) -> Loop | SetLoop:
        if isinstance(source, ExpectedSet):
            return set_loop_of(source, self._shared)
        settings = source.settings
        runner = Deadlines(settings.name, settings.deadline, settings.workers)
        self._runners.append(runner)
        return loop_of(source, self._shared, runner, None if self._share is None else self._share.turns[settings.name])

    def stop(self, grace: float = _GRACE) -> None:
        """Give out no more keys; runs have ``grace`` seconds to end, then they are cut: they write nothing any more. A
        Lease is given back last, once no write is on its way.

        No thread is left but those of functions that do not end; a second call does nothing.
        """
        if not self._process.is_this:  # In a fork, locks may be held for ever.
            return
        with self._lock:  # What is being started is started, and joined below.
            self._ending.set()
        self._leadership.close()
        for loop in self._loops:
            loop.close()
        self._join(0.0 if self.lost else grace)
        self._leadership.end()
        for runner in self._runners:
            runner.close()
        self._join(_CUT_WITHIN)
        for loop in self._loops:
            loop.release()
        if self._share is None:
            self._cache.stop()
        self._leadership.stop()

    def _join(self, seconds: float) -> None:
        """Wait for the workers to end."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))


def run(  # noqa: PLR0913 - keyword-only settings, each with a default
    *sources: Source,
    cluster: Cluster | None = None,
    namespaces: Iterable[str] | None = None,
    cache_limit: int | None = None,
    lease: Lease | None = None,
    accept_changes: bool = False,
    listen: str = "",
    events: bool = True,
) -> None:
    """Run controllers, folders and sets until SIGTERM or SIGINT; then runs have 20 s to end. A second signal ends the
    process at once.

    ``cluster`` is by default the one that kubectl would use, or the one in which the process runs. ``namespaces`` are
    those that are watched; by default all, or for sets alone those of their objects; kinds without a namespace are
    always watched whole. ``cache_limit`` is the
    memory in bytes above which no further kind is watched. Of several processes that are given the same ``lease`` one
    works, and the others wait to follow it; where it has ``shards``, each works for some of the parents.
    ``accept_changes``: run also where another build of a controller ran last, and this one would change many children.
    ``listen``, as ``:8080`` or ``127.0.0.1:8080``, answers ``/metrics``, ``/healthz`` and ``/readyz`` there; it needs
    the extra ``metrics``. ``events``: Events tell of what is done, and of what fails (docs/observability.md).
    Call it in the main thread: only there are signals heard.

    A server that does not answer when it starts (no connection, a time-out, an error of its own, 429) is waited for,
    and the log says why. Raises InputError, Unauthorized and Unreachable for what does not get better by waiting,
    CacheError for a kind of parents that the server does not have, PlanRefused where changes are not accepted, and
    NotLeading once the Lease is lost: the process is to end then, with all that its functions may still be doing.
    """
    require_flag("events", events)
    cluster = cluster if cluster is not None else connect()
    telling = Telling(cluster, events=events)
    program = program_of(
        *sources, cluster=cluster, namespaces=namespaces, cache_limit=cache_limit, lease=lease,
        accept_changes=accept_changes, observing=telling.observer,
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        signals = stack.enter_context(Signals())
        if listen:
            endpoints = stack.enter_context(Listener(listen, functools.partial(telling.state, program)))
            _log.info("listening on port %d", endpoints.port)
        program.on_end = signals.end
        stack.callback(telling.close)
        await_server(cluster, program.cache, kinds_of(sources), signals)
        if not signals.has_ended:
            stack.enter_context(program)
            signals.wait()
        _log.info("stopping")
    if program.refused:
        raise PlanRefused(str(program.refused), code=program.refused.code)
    if program.lost:
        raise NotLeading(f"{program.lost}; this process ends, and waits for its turn once it is started again")


def program_of(  # noqa: PLR0913 - keyword-only, as of ``run``
    *sources: Source,
    cluster: Cluster,
    namespaces: Iterable[str] | None = None,
    cache_limit: int | None = None,
    lease: Lease | None = None,
    accept_changes: bool = False,
    observing: Observing = silent,
) -> Program | Sharded:
    """What ``run`` runs, of its arguments: a Program, or one for each shard where the lease has shards."""
    if not isinstance(lease, Lease) or lease.shards is None:
        return Program(
            *sources, cluster=cluster, namespaces=namespaces, cache_limit=cache_limit, lease=lease,
            accept_changes=accept_changes, observing=observing,
        )  # fmt: skip
    require_sources(sources)
    places = _checked(namespaces, cache_limit, accept_changes=accept_changes)
    make = functools.partial(Program, cluster=cluster, accept_changes=accept_changes, observing=observing)
    return Sharded(
        sources, make, cluster=cluster, lease=lease, now=_now, namespaces=places, cache_limit=cache_limit
    )  # fmt: skip


def kinds_of(sources: Iterable[Source]) -> list[GVK]:
    """The kinds of the parents of controllers."""
    return [source.settings.kind for source in sources if isinstance(source, Controller)]


def _checked(
    namespaces: Iterable[str] | None, cache_limit: int | None, *, accept_changes: bool
) -> tuple[str, ...] | None:
    """The namespaces. Raises InputError for what cannot be used."""
    if cache_limit is not None:
        require_whole("cache_limit", cache_limit, 1)
    require_flag("accept_changes", accept_changes)
    return None if namespaces is None else texts("namespaces", namespaces, require_name)


def _any(_: object) -> bool:
    return True


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def require_sources(sources: tuple[Any, ...]) -> None:
    """Raise InputError for what cannot be run together."""
    if not sources:
        raise InputError(
            "run: not usable: there is nothing to run; give a controller, a folder or a callable", code="GR908"
        )
    for one in sources:
        if not isinstance(one, SOURCES):
            raise refused("run", one, "is no controller; decorate a function with gr.controller(...)")
    names = [one.settings.name if isinstance(one, Controller) else one.name for one in sources]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refused("run", twice, "is the name of two of them; each has its own")
