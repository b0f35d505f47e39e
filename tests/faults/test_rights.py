"""What a controller's account may not do for a while: list a kind of its children, or delete one of them (19, 21)."""

import pytest

from faults.operating import (
    assert_untouched,
    children,
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
from faults.oracles import LABELS, config_map, differing, path_of
from support import objects
from support.api.effects import Refuse
from support.eventually import eventually

pytestmark = [pytest.mark.by("controller"), pytest.mark.quick("scripted")]


def maps(ground, *names, **data):
    return [config_map(name, ground.namespace, **data) for name in names]


def secret(ground):
    return objects.obj("v1", "Secret", "s", ground.namespace, labels=LABELS, type="Opaque", data={"k": "dg=="})


def settle(ground, opened, expected):
    eventually(lambda: differing(ground, expected) == [], lambda: condition(ground))
    eventually(lambda: children(ground) == {obj["metadata"]["name"] for obj in expected}, lambda: condition(ground))
    rest(ground, opened)


def is_tried(opened, times=3):
    """Wait for so many runs more."""
    runs = len(opened.finished)
    eventually(lambda: len(opened.finished) >= runs + times, "it is tried again")


@pytest.mark.parametrize("is_wanted", [True, False])
def test_s19_a_kind_of_children_that_may_not_be_listed(ground, is_wanted):
    """Unknown is not empty: the child is neither made again nor deleted, and what is left comes once it is known."""
    define(ground)
    more = [secret(ground)] if is_wanted else []
    with running(ground, controller()) as opened:
        state(ground, [*maps(ground, "a", "b", k="1"), secret(ground)])
        settle(ground, opened, maps(ground, "a", "b", k="1"))
        theirs = foreign(ground)
        fault = ground.faults.add(
            Refuse(403, "Forbidden", "is forbidden"), "list", "watch", resource="secrets", times=None
        )
        ground.cut_connections()
        eventually(lambda: opened.cache.error("v1/Secret"), "the program knows")
        state(ground, [*maps(ground, "a", k="2"), *more])
        eventually(lambda: condition(ground)[0] == "False", lambda: condition(ground))
        is_tried(opened, times=1)
        assert tally(ground, plural="secrets") == {"s": (1, 0)}
        ground.faults.remove(fault)
        path = path_of(ground.namespace, "s", plural="secrets")
        eventually(lambda: (ground.admin.find(path) is not None) == is_wanted)
        settle(ground, opened, maps(ground, "a", k="2"))
        assert_untouched(ground, theirs)
    assert tally(ground, plural="secrets") == {"s": (1, 0 if is_wanted else 1)}
    assert tally(ground) == {"a": (1, 0), "b": (1, 1)}


def test_s19_a_parent_is_not_let_go_while_its_children_are_not_known(ground):
    """What has no reference to its parent would stay for ever."""
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    define(ground)
    role = objects.obj(
        "rbac.authorization.k8s.io/v1", "ClusterRole", f"role-{ground.namespace}", labels=LABELS, rules=[]
    )
    with running(ground, controller()) as opened:
        state(ground, [*maps(ground, "a", k="1"), role])
        settle(ground, opened, maps(ground, "a", k="1"))
    refused = Refuse(403, "Forbidden", "is forbidden")
    fault = ground.faults.add(refused, "list", "watch", resource="clusterroles", times=None)
    with running(ground, controller()) as opened:
        eventually(lambda: opened.finished)
        ground.admin.delete(parent_path(ground, "parent"))
        eventually(lambda: condition(ground) == ("False", "NotReadable"), lambda: live_parent(ground))
        assert ground.admin.find(f"{roles}/role-{ground.namespace}")
        ground.faults.remove(fault)
        eventually(lambda: live_parent(ground) is None, lambda: live_parent(ground))
        assert ground.admin.find(f"{roles}/role-{ground.namespace}") is None
    assert tally(ground, plural="clusterroles") == {f"role-{ground.namespace}": (1, 1)}


def test_s21_a_deletion_that_is_denied_is_tried_again_though_the_set_has_changed(ground):
    define(ground)
    denied = Refuse(403, message='admission webhook "guard.example.com" denied the request')
    with running(ground, controller()) as opened:
        state(ground, maps(ground, "a", "b", k="1"))
        settle(ground, opened, maps(ground, "a", "b", k="1"))
        theirs = foreign(ground)
        fault = ground.faults.add(denied, "delete", resource="configmaps", times=None)
        state(ground, maps(ground, "a", k="1"))
        eventually(lambda: condition(ground)[0] == "False")
        state(ground, [secret(ground)])  # Not one child of that kind any more.
        is_tried(opened)
        assert children(ground) == {"a", "b"}
        ground.faults.remove(fault)
        settle(ground, opened, [])
        assert condition(ground) == ("True", "Reconciled")
        assert_untouched(ground, theirs)
    assert tally(ground) == {"a": (1, 1), "b": (1, 1)}
    assert tally(ground, plural="secrets") == {"s": (1, 0)}
