"""The small world of a controller on a scripted server: its parent wants one set, and then the other.

Invariant: a process runs its keys in the thread of the test, one write at a time, so a run is the same each time.
"""

import contextlib
import datetime as dt
import functools
import time
from unittest import mock

import genreconcile as gr
from faults.operating import CRDS, GROUP, KIND, NAME, definition, parent_of, parent_path, state, wishes
from faults.worlds.small import ROUNDS, World, config
from faults.worlds.stage import BOUND, Mortal, Stage, replace
from genreconcile.cache import Cache, Pace
from genreconcile.controllers import assembly
from genreconcile.controllers.assembly import Shared
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.running import Inline
from genreconcile.objects import ObjectKey
from genreconcile.ownership.parent import ID
from support.api.server import ScriptedServer

REVIEWS = "/apis/authorization.k8s.io/"
_PACE = Pace(relist=0.2, first_backoff=0.02, longest_backoff=0.2)
"""A kind that a stale view does not have yet is asked for again soon."""
_SOON = 10.0
_NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""The time of all conditions."""


def world_controller():
    """Its children are in two namespaces and in none; the definition and the namespace have no reference."""
    return gr.controller(KIND, name="world", namespaces="*", min_interval=0)(wishes)


class Process:
    """A controller without threads of its own but those of its cache."""

    def __init__(self, cluster, namespace):
        self.key = ObjectKey(GROUP, "Wish", namespace, NAME)
        self.cache = Cache(cluster, pace=_PACE)
        self.cache.start()
        shared = Shared(
            cluster,
            self.cache,
            may_write=lambda: True,
            clock=time.monotonic,
            now=lambda: _NOW,
            reader=Reader(cluster, self.cache),
        )
        one_by_one = functools.partial(assembly.Reconciler, concurrency=1, sync_timeout=BOUND)
        with mock.patch.object(assembly, "Reconciler", one_by_one):
            self.loop = assembly.loop_of(world_controller(), shared, Inline())
        self.loop.start()
        self.cache.wait_for_sync([KIND], BOUND)

    def run(self):
        """Run the parent, and whatever is due after that."""
        self.loop.queue.add(self.key)
        assert self.loop.step(timeout=BOUND)
        while self.loop.step(timeout=0):
            pass

    def rest(self):
        """Run what the parent waits for by itself, which is soon; the resync and the grace of readiness are not."""
        while (due := self.loop.queue.next_time()) is not None and due - time.monotonic() < _SOON:
            self.loop.step(timeout=BOUND)

    def close(self):
        self.loop.close()
        self.loop.release()
        self.cache.stop()


class MortalProcess(Mortal):
    """Of a process that asks for its rights, which is no write."""

    def request(self, method, path, **options):
        if path.startswith(REVIEWS) and not self.dead:
            return self.cluster.request(method, path, **options)
        return super().request(method, path, **options)


class Acting(Stage):
    """A server with a parent that has all of ``before`` as its children, and now wants ``expected``."""

    def __init__(self):
        self.server = ScriptedServer(1, bookmarks=0.05)
        self.world = World("s")
        self.server.namespace = self.server.add_namespace(self.world.namespace)
        self.server.admin.create(CRDS, definition())
        wanted = parent_of(self.world.namespace, self.world.before())
        self.server.admin.create(parent_path(self.server), wanted)
        with self.engine() as process:
            process.run()
        self._look_alikes()
        state(self.server, self.world.expected())
        self.begin = self.server.revision
        self.since = len(self.server.log)

    def _look_alikes(self):
        """What others have: the labels of our children, the mark of our set, and both without the proof."""
        parent = self.server.admin.get(parent_path(self.server, NAME))
        mark = {"applyset.kubernetes.io/part-of": parent["metadata"]["labels"][ID]}
        for name, labels in (("theirs-1", {"app": "world"}), ("theirs-2", {"app": "world", **mark})):
            obj = config(name, self.world.namespace, k="theirs")
            obj["metadata"]["labels"] = labels
            self.server.admin.create(f"/api/v1/namespaces/{self.world.namespace}/configmaps", obj)

    @contextlib.contextmanager
    def engine(self, nth=0, moment="before"):
        """See Stage."""
        cluster = MortalProcess(self.server.connect(), nth, moment)
        process = Process(cluster, self.world.namespace)
        try:
            yield process
        finally:
            process.close()
            cluster.close()

    def reconcile(self, process):
        """See Stage; of a run nothing is told."""
        process.run()

    def settle(self, process):
        """See Stage."""
        for _ in range(ROUNDS):
            sent = self.sent()
            process.run()
            process.rest()
            if self.sent() == sent:
                break
        for _ in range(ROUNDS):
            process.run()
        assert self.sent() == sent

    def sent(self):
        """How many writes the world has seen since it began."""
        found = self.server.log.writes(since=self.since)
        return sum(not entry.path.startswith(REVIEWS) for entry in found)

    def meddle(self):
        """See Stage: each way to lose, change, exchange and add an object, and what others do to the parent."""
        admin, path = self.server.admin, f"/api/v1/namespaces/{self.world.namespace}/configmaps"
        admin.patch(f"{path}/edited", replace("/data/k", "theirs"))
        admin.delete(f"{path}/new")
        admin.create(path, config("foreign", self.world.namespace, k="v"))
        admin.patch(f"{path}/same", replace("/data/k", "theirs"))
        admin.patch(f"{path}/same", replace("/data/k", "v"))
        admin.create(path, config("fleeting", self.world.namespace, k="v"))
        admin.delete(f"{path}/fleeting")
        admin.patch(f"/apis/apps/v1/namespaces/{self.world.namespace}/deployments/web", replace("/spec/replicas", 9))
        parent = parent_path(self.server, NAME)
        admin.patch(parent, {"op": "remove", "path": "/metadata/finalizers"})
        admin.patch(f"{parent}/status", replace("/status/seen", 0))

    def outcome(self):
        """See Stage; without what the server says of definitions, which has the time in it."""
        state = {
            key: {
                name: value for name, value in obj.items() if name != "status" or key[0] != "customresourcedefinitions"
            }
            for key, obj in self.server.state().items()
        }
        tally = self.server.log.tally(since=self.since)
        return state, {key: counts for key, counts in tally.items() if key[0] != "selfsubjectaccessreviews"}
