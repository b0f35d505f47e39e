"""What must hold, whatever the fault: the invariants, as checks that a scenario calls.

Invariant: no check depends on how long something takes, only on what comes in the end.
"""

from __future__ import annotations

import contextlib

import genreconcile as gr
from genreconcile.cache import Cache, Pace
from genreconcile.errors import ClusterError, ReconcileError
from genreconcile.objects import resource_version_of, uid_of
from genreconcile.ownership import PART_OF
from support import objects
from support.api.streams import error_event
from support.eventually import eventually

QUICK = Pace(
    list_timeout=2.0,
    watch=1.0,
    grace=1.5,
    too_short=0.05,
    first_backoff=0.02,
    longest_backoff=0.2,
)
"""All waiting of the engine, some fifty times faster."""

MAPS = "v1/ConfigMap"
PARENTS = "faults.example.com"
"""The API group of the parents of controllers."""
LABELS = {"app": "web"}


def config_map(name, namespace, *, labels=None, metadata=None, **data):
    return objects.config_map(name, namespace, labels=LABELS if labels is None else labels, metadata=metadata, **data)


def path_of(namespace, name="", plural="configmaps", prefix="/api/v1"):
    return f"{prefix}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


@contextlib.contextmanager
def engine(ground, *, kinds=(), pace=QUICK, timeout=5.0, cluster=None, sync_timeout=5.0, **settings):
    """A Reconciler on a ground, with its own cache of the ground's namespace."""
    cluster = cluster or ground.connect(timeout=timeout)
    with (
        Cache(cluster, kinds, namespaces=[ground.namespace], pace=pace) as cache,
        gr.Reconciler(cluster, cache=cache, sync_timeout=sync_timeout, **settings) as reconciler,
    ):
        yield reconciler
    cluster.close()


def reconcile(reconciler, expected, **settings):
    """One reconcile as a controller's loop does it: what it raises or reports is for the next round."""
    try:
        return reconciler.reconcile(expected, **settings)
    except ReconcileError:
        return None


def converge(ground, reconciler, expected, *, rounds=3, **settings):
    """I1 and I2: reach expected, and stay: then nothing is sent but watches. Returns the last result."""

    def settled():
        since = len(ground.log)
        result = reconcile(reconciler, expected, **settings)
        is_reached = result and _is_settled(result) and differing(ground, expected) == []
        return result if is_reached and ground.log.writes(since=since) == [] else None

    result = eventually(settled, "expected")
    assert_stays(ground, reconciler, expected, rounds=rounds, **settings)
    assert differing(ground, expected) == []
    return result


def assert_stays(ground, reconciler, expected, *, rounds=3, **settings):
    """I1, I2: no write and no request but lists and watches of the cache."""
    since = len(ground.log)
    for _ in range(rounds):
        result = reconciler.reconcile(expected, **settings)
        assert result.counts["unchanged"] == len(expected), list(map(str, result))
    others = ground.log.entries("get", "create", "patch", "update", "delete", since=since)
    assert others == []


def _is_settled(result):
    return not result.failures and {outcome.status for outcome in result} <= {"unchanged"}


def differing(ground, expected):
    """The names of expected objects that the cluster has not, by the administrator's own look."""
    found = []
    for obj in expected:
        live = ground.admin.find(path_of(obj["metadata"]["namespace"], obj["metadata"]["name"])) or {"metadata": {}}
        is_equal = (live.get("data") or {}) == (obj.get("data") or {})
        if not is_equal or _labels(live) != _labels(obj):
            found.append(obj["metadata"]["name"])
    return found


def _labels(obj):
    """Those that are stated: the mark of a controller's child is not."""
    return {name: value for name, value in (obj["metadata"].get("labels") or {}).items() if name != PART_OF}


def writes(ground, since=0):
    """The writes that were sent, but for what a controller writes of its parent, and asks of its own rights."""
    found = ground.log.writes(since=since)
    return [entry for entry in found if entry.target.group not in {PARENTS, "authorization.k8s.io"}]


def patches(ground, since=0, plural="configmaps"):
    """The patches of a kind that were sent; those of a controller's parent and of its status are of another one."""
    return ground.log.entries("patch", since=since, where=lambda entry: entry.target.resource == plural)


def names(ground, plural="configmaps", *, ours=LABELS):
    """The names of the objects that carry our labels."""
    found = ground.admin.list(path_of(ground.namespace, plural=plural)).values()
    return {obj["metadata"]["name"] for obj in found if ours.items() <= (obj["metadata"].get("labels") or {}).items()}


def assert_no_gap(ground, cache, kind=MAPS, path=""):
    """I4: the cache becomes equal to a consistent list."""

    def same():
        listed = ground.admin.list(path or path_of(ground.namespace))
        live = {name: (uid_of(obj), resource_version_of(obj)) for name, obj in listed.items()}
        try:
            records = cache.records(kind, namespace=ground.namespace)
        except ReconcileError:
            return False
        return live == {record.name: (record.uid, str(record.resource_version)) for record in records}

    eventually(same, "the cache equals the list")


class Monotonic:
    """I3, as a subscriber: notes each step back of one object."""

    def __init__(self, cache):
        self.back = []
        self.events = []
        self._newest = {}
        self._cache = cache
        self.stop = cache.subscribe(self)

    def __call__(self, event):
        self.events.append((event.type, event.key.name))
        if event.type == "DELETED":
            self._newest.pop(event.key, None)
            return
        version = int(event.resource_version)
        if version < self._newest.get(event.key, 0):
            self.back.append((event.key.name, version))
        self._newest[event.key] = max(version, self._newest.get(event.key, 0))


def lists(ground, since=0, plural="configmaps"):
    """How many lists of a kind were begun; looks at the server's history, which take one object, are none."""
    found = ground.log.entries("list", since=since, where=lambda entry: entry.target.resource == plural)
    return sum("continue" not in entry.query and entry.query.get("limit") != "1" for entry in found)


def relist(ground, plural="configmaps"):
    """Make the reader list again: its watches end in 410 until it does."""
    before = lists(ground, plural=plural)
    fault = ground.faults.add(error_event(410, "Expired"), "watch", resource=plural, times=None)
    ground.cut_connections()
    eventually(lambda: lists(ground, plural=plural) > before, "a new list")
    ground.faults.remove(fault)


def watches(ground, since=0, plural="configmaps"):
    """The watches of a kind that reached the server, or met a fault."""
    return ground.log.entries("watch", since=since, where=lambda e: e.target.resource == plural)


def attempt(function, *arguments, **settings):
    """The error that a call raises, None where it raises none."""
    try:
        function(*arguments, **settings)
    except (ClusterError, ReconcileError) as error:
        return error
    return None
