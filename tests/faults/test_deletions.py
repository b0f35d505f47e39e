"""A parent that is deleted in the middle of a run, in each way, with the garbage collector at work (31)."""

import itertools

import pytest

from faults.conftest import GROUNDS, SEED
from faults.operating import (
    KIND,
    assert_untouched,
    condition,
    controller,
    define,
    foreign,
    live_parent,
    parent_path,
    rest,
    running,
    state,
    tally,
)
from faults.oracles import LABELS, config_map, path_of
from genreconcile.testing import ControlPlane
from support import objects
from support.api.effects import Hold
from support.api.proxy import ProxiedServer
from support.api.server import ScriptedServer
from support.eventually import eventually

pytestmark = [pytest.mark.by("controller"), pytest.mark.quick("scripted")]
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
WAYS = ("Background", "Foreground", "Orphan")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def collecting():
    """A control plane with the garbage collector, which takes half a minute to notice a new kind."""
    with ControlPlane(controller_manager=True) as plane:
        yield plane


@pytest.fixture(params=GROUNDS)
def ground(request):
    """As that of all scenarios, with a garbage collector."""
    if request.param == "scripted":
        with ScriptedServer(SEED, bookmarks=0.5) as server:
            server.namespace = server.add_namespace("shop")
            yield server
        return
    plane = request.getfixturevalue("collecting")
    with ProxiedServer(plane.kubeconfig, seed=SEED) as server:
        server.namespace = plane.create_namespace(f"deletions-{next(_numbers)}")
        yield server


def wanted(ground):
    """Two children with a reference, one without because of its place, one without because a guard protects it."""
    kept = {"annotations": {"genreconcile.dev/prune": "disabled"}}
    return [
        config_map("a", ground.namespace, k="1"),
        config_map("b", ground.namespace, k="1"),
        config_map("kept", ground.namespace, metadata=kept, k="1"),
        objects.obj("rbac.authorization.k8s.io/v1", "ClusterRole", role_of(ground), labels=LABELS, rules=[]),
    ]


def role_of(ground):
    return f"role-{ground.namespace}"


def there(ground):
    """Which of the children are there, and are not being deleted."""
    maps = {name: ground.admin.find(path_of(ground.namespace, name)) for name in ("a", "b", "kept")}
    found = {**maps, "role": ground.admin.find(f"{ROLES}/{role_of(ground)}")}
    return {name for name, obj in found.items() if obj and "deletionTimestamp" not in obj["metadata"]}


STAY = {"Background": {"kept"}, "Foreground": {"kept"}, "Orphan": {"a", "b", "kept", "role"}}
"""What stays without a fault: the table of docs/operators.md."""


@pytest.mark.parametrize("way", WAYS)
def test_s31_a_parent_that_is_deleted_at_rest(ground, way):
    """What the others are compared with."""
    define(ground)
    with running(ground, controller()) as opened:
        state(ground, wanted(ground))
        eventually(lambda: condition(ground) == ("True", "Reconciled"))
        rest(ground, opened)
        theirs = foreign(ground)
        ground.admin.delete(parent_path(ground, "parent"), way)
        eventually(lambda: live_parent(ground) is None, lambda: live_parent(ground))
        eventually(lambda: there(ground) == STAY[way], lambda: there(ground))
        assert_untouched(ground, theirs)
    assert_made_once(ground, {"a", "b", "kept", "role"}, way)


def is_seen_to_go(opened, ground):
    record = opened.cache.record(KIND, "parent", namespace=ground.namespace)
    return record is None or record.deleting


def assert_made_once(ground, made, way):
    """Our own creates and deletions of each object: no more than without a fault."""
    maps, roles = tally(ground), tally(ground, plural="clusterroles")
    assert maps == {name: (1, 0) for name in ("a", "b", "kept") if name in made}, "the collector deletes those"
    assert roles in ({role_of(ground): (1, way != "Orphan")}, {})


@pytest.mark.parametrize("moment", ["sent", "answered"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("way", WAYS)
def test_s31_a_parent_that_is_deleted_in_mid_run(ground, way, nth, moment):
    """While the nth create is on its way, or its answer: nothing is created for a parent that is seen to go, nothing is
    created twice, and what was there goes or stays as it would have. One create may have been on its way.
    """
    define(ground)
    hold = Hold(commit=moment == "answered")
    ground.faults.add(
        hold, "create", nth=nth, where=lambda request: request.target.resource in {"configmaps", "clusterroles"}
    )
    with running(ground, controller()) as opened:
        state(ground, wanted(ground))
        assert hold.arrived.wait(45)
        before = there(ground)
        ground.admin.delete(parent_path(ground, "parent"), way)
        eventually(lambda: is_seen_to_go(opened, ground), "the program has seen it")
        hold.released.set()
        eventually(lambda: live_parent(ground) is None, lambda: live_parent(ground))
        late = {"a", "b", "kept", "role"} - before
        stay = STAY[way] & before
        # A reference to a parent that is gone is the collector's business; what has none is the program's.
        eventually(lambda: there(ground) - late == stay, lambda: (there(ground), before))
        if way != "Orphan":
            eventually(lambda: there(ground) <= {"kept"}, lambda: there(ground))
        made = set(tally(ground)) | ({"role"} if tally(ground, plural="clusterroles") else set())
    assert_made_once(ground, made, way)
