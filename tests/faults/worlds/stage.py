"""The small world on a scripted server: one run is a stage, on which processes come and go.

Invariant: the engine writes one object at a time, so a run is the same each time, revisions and all.
"""

import contextlib

import genreconcile as gr
from faults.worlds import small
from faults.worlds.small import ROUNDS, World, config
from genreconcile.errors import Unreachable
from genreconcile.testing.fake.wire import Refusal
from support.api.effects import Hold, Stale
from support.api.passing import Passing
from support.api.server import ScriptedServer
from support.api.streams import hide
from support.eventually import eventually

BOUND = 120.0
WRITES = small.WRITES + 4
"""To recreate an object: a patch that is refused, a dry run, a deletion and a create."""


class FrozenWorld(World):
    """With an object that can only be recreated."""

    def before(self):
        return [*super().before(), {**config("frozen", self.namespace, k="old"), "immutable": True}]

    def expected(self):
        return [*super().expected(), {**config("frozen", self.namespace, k="new"), "immutable": True}]


class Crash(BaseException):
    """The process is no more: nothing after it is executed, so nothing may catch it."""


class Mortal(Passing):
    """A Cluster whose process dies at its nth write: before it is sent, or after the server has carried it out."""

    def __init__(self, cluster, nth, moment):
        super().__init__(cluster)
        self._nth = nth
        self._moment = moment
        self._seen = 0
        self.dead = False

    def request(self, method, path, **options):
        if method == "GET":
            if self.dead:
                raise Unreachable("dead")
            return super().request(method, path, **options)
        self._seen += 1
        if self.dead or (self._seen == self._nth and self._moment == "before"):
            self._die()
        try:
            return super().request(method, path, **options)
        finally:
            if self._seen == self._nth:
                self._die()

    def stream(self, path, **options):
        if self.dead:
            raise Unreachable("dead")
        return self.cluster.stream(path, **options)

    def _die(self):
        self.dead = True
        raise Crash


class Stage:
    """A fresh server with what is there at first."""

    def __init__(self):
        self.server = ScriptedServer(1, bookmarks=0.05)
        self.world = FrozenWorld("s")
        self.server.add_namespace(self.world.namespace)
        self.server.api.machinery.admission.append(_refuse_thawing)
        self.world.prepare(lambda _, path, obj: self.server.admin.create(path, obj))
        self.begin = self.server.revision

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    @contextlib.contextmanager
    def engine(self, nth=0, moment="before"):
        """A new process; it dies at its nth write, 0: it lives."""
        cluster = Mortal(self.server.connect(), nth, moment)
        with gr.Reconciler(cluster, concurrency=1, on_immutable="recreate", sync_timeout=BOUND) as reconciler:
            yield reconciler
        cluster.close()

    def reconcile(self, reconciler):
        return reconciler.reconcile(self.world.expected(), **self.world.settings)

    def run_until_death(self, nth, moment):
        """Whether the process died: it may have had nothing left to write."""
        with self.engine(nth, moment) as reconciler:
            try:
                self.reconcile(reconciler)
            except Crash:
                return True
        return False

    def restart_on_a_stale_view(self, revision):
        """A new process: all lists are of an older revision, and nothing is told of what came after until it has acted.

        Then the watches replay that.
        """
        faults, hold = self.server.faults, Hold(BOUND)
        stale = faults.add(Stale(revision), "list", times=None)
        faults.add(hold, "watch", times=None)
        with self.engine() as reconciler:
            self.reconcile(reconciler)
            faults.remove(stale)
            hold.released.set()
            self.catch_up(reconciler)
            self.settle(reconciler)

    def settle(self, reconciler):
        """Reach the expected state within so many rounds, and stay there (I1)."""
        for _ in range(ROUNDS):
            result = self.reconcile(reconciler)
            if not result.counts["failed"]:
                break
        result.raise_for_failures()
        sent = len(self.server.log.writes())
        for _ in range(ROUNDS):
            assert self.reconcile(reconciler).counts["unchanged"] == len(self.world.expected())
        assert len(self.server.log.writes()) == sent

    def catch_up(self, reconciler):
        """Wait until the cache has been told of everything, or would have been."""
        cache, revision = reconciler.cache, self.server.revision
        eventually(
            lambda: all(cache.store(kind).seen() >= revision for kind in cache.kinds()), timeout=BOUND, pause=0.01
        )

    def meddle(self):
        """What others do to a set that is in sync: each way to lose, change, exchange and add an object."""
        admin, path = self.server.admin, f"/api/v1/namespaces/{self.world.namespace}/configmaps"
        admin.patch(f"{path}/edited", replace("/data/k", "theirs"))
        admin.delete(f"{path}/new")
        admin.create(path, config("foreign", self.world.namespace, k="v"))
        admin.patch(f"{path}/same", replace("/data/k", "theirs"))
        admin.patch(f"{path}/same", replace("/data/k", "v"))
        admin.create(path, config("flipped", self.world.namespace, k="v"))
        admin.patch(f"{path}/flipped", replace("/metadata/labels/app", "theirs"))
        admin.patch(f"{path}/flipped", replace("/metadata/labels/app", "world"))
        admin.delete(f"{path}/frozen")
        admin.create(path, config("frozen", self.world.namespace, k="theirs"))
        admin.create(path, config("fleeting", self.world.namespace, k="v"))
        admin.delete(f"{path}/fleeting")
        admin.patch(f"/apis/apps/v1/namespaces/{self.world.namespace}/deployments/web", replace("/spec/replicas", 9))

    def run_with_others(self, hidden=0):
        """Converge, let others meddle, converge again. The event with the revision ``hidden`` is never shown; a relist
        at the end tells of it.
        """
        fault = self.server.faults.add(hide(lambda event: _revision(event) == hidden), "watch", times=None)
        with self.engine() as reconciler:
            self.settle(reconciler)
            self.meddle()
            self.catch_up(reconciler)
            self.reconcile(reconciler)
            self.server.faults.remove(fault)
            self.relist(reconciler)
            self.settle(reconciler)

    def events(self):
        """The revisions of all events that watches of a run can show."""
        return [change.revision for change in self.server.api.store.changes_after(self.begin)]

    def relist(self, reconciler):
        """All is listed anew, as after a 410."""
        for kind in reconciler.cache.kinds():
            assert reconciler.cache.relist(kind, BOUND)

    def outcome(self):
        """What runs are compared by: the end state, and how often the engine created and deleted each object (I8)."""
        return self.server.state(), self.server.log.tally()


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def _revision(event):
    return int(event["object"]["metadata"]["resourceVersion"]) if event["type"] != "BOOKMARK" else -1


def _refuse_thawing(verb, obj):
    """As the API server: the data of an immutable ConfigMap stay; here all patches of it are such."""
    if verb == "patch" and obj.get("immutable"):
        message = "Forbidden: field is immutable when `immutable` is set"
        causes = [{"reason": "FieldValueForbidden", "message": message, "field": "data"}]
        said = f'ConfigMap "{obj["metadata"]["name"]}" is invalid: data: {message}'
        raise Refusal(422, said, reason="Invalid", details={"causes": causes})
