"""A dry run of operators and sets: what they would do, parent by parent.

Invariant: nothing is written, not even where the code of a user asks for it through this package: the cluster that is
handed down refuses whatever is no read.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from genreconcile.access import Access, Right, is_review
from genreconcile.arguments import require_name, texts
from genreconcile.cache import Cache
from genreconcile.cluster import Around, Cluster
from genreconcile.controllers.assembly import Shared, loop_of, set_loop_of
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.loop import Loop
from genreconcile.controllers.program import Source, require_sources
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.running import Deadlines
from genreconcile.controllers.sets import ExpectedSet
from genreconcile.controllers.status.verdict import message_of
from genreconcile.errors import ClusterError, ReconcileError
from genreconcile.kinds.discovery import Discovery
from genreconcile.plan import Plan
from genreconcile.report.operators import Planned

_SYNC: Final = 60.0
_VERBS: Final = {"create": "create", "update": "patch", "delete": "delete"}


class ReadingCluster(Around):
    """Sends reads, and the questions for rights, which store nothing; anything else raises ClusterError."""

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **more: Any) -> bytes:
        """See ``Cluster.request``."""
        if method != "GET" and not is_review(path):
            raise ClusterError(f"{method} {self.server}{path}: not sent: this is a dry run, which writes nothing")
        return self._request(method, path, query=query, **more)


def planned(
    sources: Sequence[Source],
    cluster: Cluster,
    namespaces: Iterable[str] | None = None,
    look: Callable[[Cache], object] = lambda _: None,
) -> Iterator[Planned]:
    """What the sources would do now, each parent once. Arguments as of ``run``; functions see ``ctx.is_plan``. In the
    end ``look`` is called with the cache, which then watches all that was read.

    Raises InputError, CacheError for a kind of parents that the server does not have, NotSynced where the parents are
    not known in time.
    """
    require_sources(tuple(sources))
    places = None if namespaces is None else texts("namespaces", namespaces, require_name)
    reading = ReadingCluster(cluster)
    with Cache(reading, namespaces=places) as cache:
        shared = Shared(
            reading,
            cache,
            may_write=lambda: False,
            clock=time.monotonic,
            now=lambda: dt.datetime.now(dt.UTC),
            reader=Reader(reading, cache),
        )
        for source in sources:
            yield from _of_controller(source, shared) if isinstance(source, Controller) else _of_set(source, shared)
        look(cache)


def _of_controller(controller: Controller, shared: Shared) -> Iterator[Planned]:
    settings = controller.settings
    runner = Deadlines(settings.name, settings.deadline, 1)
    loop: Loop = loop_of(controller, shared, runner)
    try:
        for key, found in loop.planned(_SYNC):
            if isinstance(found, Exception):
                yield Planned(settings.name, key, error=message_of(found, lambda text: text))
            else:
                rights = _rights(found, shared.cache.discovery) if found is not None else frozenset[Right]()
                yield Planned(settings.name, key, found, rights=rights)
    finally:
        runner.close()
        loop.release()


def _of_set(source: ExpectedSet, shared: Shared) -> Iterator[Planned]:
    loop = set_loop_of(source, shared)
    try:
        plan = loop.planned()
        yield Planned(source.name, None, plan, rights=_rights(plan, shared.cache.discovery))
    except ReconcileError as error:
        yield Planned(source.name, None, error=str(error))
    except Exception as error:  # noqa: BLE001 - the function is the user's
        yield Planned(source.name, None, error=message_of(error, lambda text: text))
    finally:
        loop.release()


def missing_rights(found: Iterable[Planned], cluster: Cluster) -> list[Right]:
    """The rights to write what is planned that the account does not have, sorted. Raises Unauthorized, Unreachable."""
    wanted = frozenset[Right]().union(*(one.rights for one in found))
    return sorted(Access(ReadingCluster(cluster)).missing(wanted))


def _rights(plan: Plan, discovery: Discovery) -> frozenset[Right]:
    return frozenset(
        Right(_VERBS[change.operation], resource.gvk.group, resource.plural, change.key.namespace)
        for change in plan.changes
        if change.operation in _VERBS and (resource := discovery.get(change.gvk)) is not None
    )
