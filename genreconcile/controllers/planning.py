"""A dry run of operators and sets: what they would do, parent by parent.

Invariant: nothing is written, not even where the code of a user asks for it through this package: runs are those of a
program, on a cluster that keeps their writes, and that stands on one which refuses whatever is no read.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from genreconcile.access import Access, Right, is_review
from genreconcile.arguments import require_name, texts
from genreconcile.cache import Cache
from genreconcile.cluster import Around, Cluster
from genreconcile.compare.patch import Patch
from genreconcile.controllers.assembly import Shared, loop_of, reads_of_sets_alone, set_loop_of
from genreconcile.controllers.completing import Completing
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.loop import Loop
from genreconcile.controllers.pretended import PretendedCluster, Sent, is_pretended
from genreconcile.controllers.program import Source, kinds_of, require_sources
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.running import Deadlines
from genreconcile.controllers.sets import ExpectedSet
from genreconcile.controllers.status.verdict import message_of
from genreconcile.controllers.upgrade import Survey
from genreconcile.errors import ClusterError, ReconcileError, code_of
from genreconcile.kinds.discovery import Discovery
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change, Plan
from genreconcile.report.operators import OnParent, Planned, Write

_SYNC: Final = 60.0
_DEEPEST: Final = 10
"""The most controllers that are planned through, each the parent's of the next one's parents."""
_VERBS: Final = {"create": "create", "update": "patch", "delete": "delete"}


class ReadingCluster(Around):
    """Sends reads, and the questions for rights, which store nothing; anything else raises ClusterError."""

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **more: Any) -> bytes:
        """See ``Cluster.request``."""
        if method != "GET" and not is_review(path):
            raise ClusterError(
                f"{method} {self.server}{path}: not sent: this is a dry run, which writes nothing", code="GR909"
            )
        return self._request(method, path, query=query, **more)


def planned(
    sources: Sequence[Source],
    cluster: Cluster,
    namespaces: Iterable[str] | None = None,
    *,
    accept_changes: bool = False,
) -> list[Planned]:
    """As ``planning``, whose cache it leaves."""
    with planning(sources, cluster, namespaces, accept_changes=accept_changes) as (found, _):
        return found


@contextlib.contextmanager
def planning(
    sources: Sequence[Source],
    cluster: Cluster,
    namespaces: Iterable[str] | None = None,
    *,
    accept_changes: bool = False,
) -> Iterator[tuple[list[Planned], Cache]]:
    """What the sources would do now, each parent once, and once more where what another one would do changes it, made
    ones included; and the cache, which watches all that was read. Arguments as of ``run``; functions see
    ``ctx.is_plan``.

    Raises InputError, CacheError for a kind of parents that the server does not have, NotSynced where the parents are
    not known in time.
    """
    require_sources(tuple(sources))
    places = None if namespaces is None else texts("namespaces", namespaces, require_name)
    reading = ReadingCluster(cluster)
    with contextlib.ExitStack() as stack:
        widens = reads_of_sets_alone(sources, places)
        cache = stack.enter_context(Cache(reading, namespaces=() if widens else places))
        completing = Completing(reading, cache.discovery, kinds_of(sources))
        pretended = PretendedCluster(reading, completing.completed, _now)
        shared = Shared(
            pretended, cache, may_write=lambda: True, clock=time.monotonic, now=_now, reader=Reader(reading, cache),
            widens=widens,
        )  # fmt: skip
        rehearsals = {}
        for source in sources:
            if isinstance(source, Controller):
                rehearsal = rehearsals[source.settings.name] = _Rehearsal(source, shared, pretended)
                stack.callback(rehearsal.close)
        if not accept_changes:  # Before anything is pretended.
            for rehearsal in rehearsals.values():
                rehearsal.survey()
        found: list[Planned] = []
        for source in sources:
            if isinstance(source, ExpectedSet):
                found.append(_of_set(source, shared))
            else:
                found += rehearsals[source.settings.name].run()
        for _ in range(_DEEPEST):
            again = [one for rehearsal in rehearsals.values() for one in rehearsal.run_again()]
            found += [one for one in again if one.has_changes or not one.is_judged]
            if not again:
                break
        yield found, cache


class _Rehearsal:
    """The runs of one controller on a cluster that keeps all writes."""

    def __init__(self, controller: Controller, shared: Shared, pretended: PretendedCluster) -> None:
        self._settings = controller.settings
        self._runner = Deadlines(self._settings.name, self._settings.deadline, 1)
        self._loop: Loop = loop_of(controller, shared, self._runner)
        self._discovery = shared.cache.discovery
        self._pretended = pretended
        self._survey: Survey | None = None
        self._seen: dict[ObjectKey, int] = {}
        """The resourceVersion in which a run has left each parent."""

    def survey(self) -> None:
        """Find out whether another build of the controller would change too much."""
        self._survey = self._loop.survey(_SYNC)

    def run(self) -> Iterator[Planned]:
        """Run all parents."""
        if self._survey is None or not self._survey.refusal:
            yield from self._rehearsed(lambda *_: True)
            return
        yield Planned(self._settings.name, None, refusal=str(self._survey.refusal), code=self._survey.refusal.code)
        self._loop.refuse(self._survey)
        sent = self._pretended.taken()
        for key in self._survey.parents:
            own = [one for one in sent if (one.place.namespace, one.place.name) == (key.namespace, key.name)]
            yield self._told(key, None, None, own)

    def run_again(self) -> Iterator[Planned]:
        """Run the parents that others have pretended to make or to change since."""
        if self._survey is None or not self._survey.refusal:
            yield from self._rehearsed(lambda key, version: is_pretended(version) and version != self._seen.get(key))

    def _rehearsed(self, is_due: Callable[[ObjectKey, int], bool]) -> Iterator[Planned]:
        for key, run in self._loop.rehearse(_SYNC, is_due):
            self._seen[key] = self._loop.version(key)
            sent = self._pretended.taken()
            is_told = run.planned is not None and any(change.error is not None for change in run.planned.changes)
            error = None if is_told else run.error
            yield self._told(key, run.planned, error, sent)

    def _told(self, key: ObjectKey, plan: Plan | None, error: Exception | None, sent: Sequence[Sent]) -> Planned:
        resource = self._loop.parts.resource
        place = (resource.gvk.group, resource.plural, key.namespace, key.name)
        on_parent = [
            OnParent(one.place.subresource, Change("update", resource.gvk, key, Patch(one.operations), live=one.live))
            for one in sent
            if one.verb == "patch" and one.place[:4] == place
        ]
        rights = frozenset(one.right for one in sent) | (_rights(plan, self._discovery) if plan else frozenset())
        writes = [_write(one) for one in sent]
        text = "" if error is None else message_of(error, lambda text: text)
        return Planned(self._settings.name, key, plan, text, rights, on_parent, writes, code=code_of(error))

    def close(self) -> None:
        """End its threads."""
        self._runner.close()
        self._loop.release()


def _write(sent: Sent) -> Write:
    place = sent.place
    return Write(sent.verb, place.group, place.plural, place.subresource, place.namespace, place.name)


def _of_set(source: ExpectedSet, shared: Shared) -> Planned:
    loop = set_loop_of(source, shared)
    try:
        plan = loop.planned()
        return Planned(source.name, None, plan, rights=_rights(plan, shared.cache.discovery))
    except ReconcileError as error:
        return Planned(source.name, None, error=str(error), code=error.code)
    except Exception as error:  # noqa: BLE001 - the function is the user's
        return Planned(source.name, None, error=message_of(error, lambda text: text))
    finally:
        loop.release()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


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
