"""A crash at any write, before it is sent or after, and another expected set after the restart: no member is lost."""

import pytest

import genreconcile as gr
from support import objects
from support.deletion_ground import Ground, Recorded, statuses

PART_OF = "applyset.kubernetes.io/part-of"
PLURALS = ("configmaps", "services", "secrets", "serviceaccounts")


class Crash(BaseException):
    """What no handler catches."""


class Crashing(Recorded):
    """Dies at one of its writes."""

    def __init__(self, cluster, at, *, sent):
        super().__init__(cluster)
        self._left, self._sent = at, sent

    def request(self, method, path, **settings):
        if method == "GET":
            return super().request(method, path, **settings)
        if self._left == 0 and not self._sent:
            raise Crash
        answer = super().request(method, path, **settings)
        if self._left == 0:
            raise Crash
        self._left -= 1
        return answer


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


def obj(ground, kind, name):
    spec = {"spec": {"ports": [{"port": 80}]}} if kind == "Service" else {}
    return objects.obj("v1", kind, name, ground.namespace, **spec)


def members(ground):
    """All that carries the label of a set, of whatever kind."""
    found = set()
    for plural in PLURALS:
        items = ground.get(ground.path(plural))["items"]
        found |= {(plural, item["metadata"]["name"]) for item in items if PART_OF in item["metadata"].get("labels", {})}
    return found


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(7))
def test_no_member_is_lost(ground, at, sent):
    settings = {"namespace": ground.namespace, "owner": "configmaps/set"}
    first = [obj(ground, "ConfigMap", "a"), obj(ground, "Service", "web")]
    second = [obj(ground, "ConfigMap", "a"), obj(ground, "Secret", "s"), obj(ground, "ServiceAccount", "robot")]
    third = [obj(ground, "ConfigMap", "c")]
    with gr.Reconciler(ground.admin) as before:
        before.reconcile(first, **settings).raise_for_failures()
    crashing = Crashing(ground.admin, at, sent=sent)
    try:
        with gr.Reconciler(crashing, concurrency=1) as dying:
            dying.reconcile(second, **settings)
        died = False
    except Crash:
        died = True
    assert died is (at < 5), "two writes of the parent, two creates, one deletion"
    with gr.Reconciler(ground.admin) as after:
        after.reconcile(third, **settings).raise_for_failures()
        assert members(ground) == {("configmaps", "c")}
        annotations = ground.get(ground.path("configmaps", "set"))["metadata"]["annotations"]
        assert annotations["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap"
        assert statuses(after.reconcile(third, **settings)) == {"c": "unchanged"}


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(3))
def test_no_member_is_lost_of_a_set_that_just_began(ground, at, sent):
    settings = {"namespace": ground.namespace, "owner": "configmaps/set"}
    with pytest.raises(Crash), gr.Reconciler(Crashing(ground.admin, at, sent=sent), concurrency=1) as dying:
        dying.reconcile([obj(ground, "Service", "web"), obj(ground, "Secret", "s")], **settings)
    with gr.Reconciler(ground.admin) as after:
        after.reconcile([obj(ground, "ConfigMap", "c")], **settings).raise_for_failures()
    assert members(ground) == {("configmaps", "c")}
