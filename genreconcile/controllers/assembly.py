"""The parts of one controller, or of one set, put together.

Invariant: all of a program share one cache; each writes under its own field manager.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from genreconcile.access import Access
from genreconcile.apply.leading import LeadingCluster
from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.controllers.build import build
from genreconcile.controllers.children import Children
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.coverage import Coverage
from genreconcile.controllers.dependencies import Dependencies
from genreconcile.controllers.loop import Loop
from genreconcile.controllers.ownwrites import OwnWrites
from genreconcile.controllers.parent import Finalizers
from genreconcile.controllers.queue import Queue
from genreconcile.controllers.readiness import ReadyCheck
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.run import Parts
from genreconcile.controllers.running import Runner
from genreconcile.controllers.setloop import SetLoop
from genreconcile.controllers.sets import ExpectedSet
from genreconcile.controllers.status import INTEREST, News, Restless, StatusWriter
from genreconcile.controllers.statuses import Statuses
from genreconcile.controllers.warned import Warned
from genreconcile.normalize import Registry
from genreconcile.objects import ObjectKey
from genreconcile.observe import Observing, silent
from genreconcile.reconcile import Reconciler
from genreconcile.settings import Options


@dataclass(frozen=True, slots=True)
class Shared:
    """What the controllers of one program share. ``may_write`` is asked before each write. ``clock`` gives seconds that
    only grow, ``now`` the time of day. ``waits``: reads wait until they are as new as an edit of the parent.
    ``is_ours``: whether a parent is run here. ``observing`` makes what is told of a controller's runs,
    while it ``leads``. ``widens``: the cache reads the namespaces of sets, as they come.
    """

    cluster: Cluster
    cache: Cache
    may_write: Callable[[], bool]
    clock: Callable[[], float]
    now: Callable[[], dt.datetime]
    reader: Reader
    waits: bool = True
    is_ours: Callable[[ObjectKey], bool] = lambda _: True
    observing: Observing = silent
    leads: Callable[[], bool] = lambda: True
    widens: bool = False


def loop_of(
    controller: Controller, shared: Shared, runner: Runner, turns: AbstractContextManager[Any] | None = None
) -> Loop:
    """The loop of one controller, which has not started; each run waits for one of ``turns``.

    Raises CacheError for a kind of parents that is not served, ClusterError where the server cannot be asked.
    """
    settings, cluster, cache = controller.settings, shared.cluster, shared.cache
    resource = cache.add(settings.kind, interest=INTEREST)
    rules = settings.rules if settings.rules is not None else Registry.builtin()
    news = News()
    own = OwnWrites(cluster, resource, news)
    reconciler = Reconciler(
        own,
        cache=cache,
        rules=rules,
        field_manager=settings.field_manager,
        on_immutable=settings.on_immutable,
        may_write=shared.may_write,
    )
    options = Options(field_manager=settings.field_manager, may_write=shared.may_write)
    catalog = Catalog(cluster, rules, cache.discovery)
    writer = StatusWriter(
        cluster,
        resource,
        settings.field_manager,
        shared.may_write,
        catalog=catalog,
        cache=cache,
        news=news,
        restless=Restless(clock=shared.clock),
        now=shared.now,
    )
    children = Children(
        reconciler,
        settings,
        resource,
        access=Access(cluster),
        cache=cache,
        check=ReadyCheck(catalog, shared.now),
        build=build(controller, rules),
    )
    parts = Parts(
        controller=controller,
        resource=resource,
        runner=runner,
        children=children,
        finalizers=Finalizers(LeadingCluster(own, options), cache, settings),
        statuses=Statuses(settings.name, writer),
        own=own,
        dependencies=Dependencies[ObjectKey](),
        observer=shared.observing(settings.name).asking(shared.leads),
        warned=Warned(settings.name, shared.clock),
    )
    queue = Queue[ObjectKey](min_interval=settings.min_interval, clock=shared.clock)
    return Loop(
        parts, cache, queue, shared.reader, waits=shared.waits, is_ours=shared.is_ours, turns=turns or nullcontext()
    )


def set_loop_of(expected: ExpectedSet, shared: Shared) -> SetLoop:
    """The loop of one set, which has not started."""
    reconciler = Reconciler(
        shared.cluster,
        cache=shared.cache,
        rules=expected.rules,
        field_manager=expected.field_manager,
        may_write=shared.may_write,
    )
    namespace = shared.cluster.namespace or "default"
    queue = Queue[str](clock=shared.clock)
    own = expected.settings.get("namespace") or namespace
    coverage = Coverage(shared.cluster, shared.cache, expected.prune, own) if shared.widens else None
    return SetLoop(
        expected,
        reconciler,
        shared.cache,
        queue,
        own,
        observer=shared.observing(expected.name).asking(shared.leads),
        warned=Warned(expected.name, shared.clock),
        coverage=coverage,
    )


def reads_of_sets_alone(sources: Iterable[Controller | ExpectedSet], namespaces: Sequence[str] | None) -> bool:
    """Whether a program of these sources reads no more than its sets need: it has no controllers, and was not told
    what to read.
    """
    return namespaces is None and all(isinstance(source, ExpectedSet) for source in sources)
