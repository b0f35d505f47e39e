"""R2.1: what admission refuses stays refused, whatever it says; only validation and a definition's own rules freeze."""

import contextlib

import pytest

import genreconcile as gr
from support.deletion_ground import Recorded
from support.eventually import eventually
from support.objects import definition, struct, version
from support.webhook import Webhook

BUSY = "data cannot be changed while it is busy"
WORDS = (BUSY, "field is immutable", "spec is immutable after creation", "may not change once set")
CONFIGS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
ADMISSION = "admissionregistration.k8s.io/v1"
HINT = "on_immutable"


@contextlib.contextmanager
def for_now(world, *objects):
    """Cluster-wide objects that go when the test does."""
    try:
        world.reconcile(*objects).raise_for_failures()
        yield
    finally:
        for obj in reversed(objects):
            with contextlib.suppress(gr.ReconcileError):
                world.delete(obj)


def policy(world, reason, words, operations=("UPDATE",)):
    """A policy that refuses what carries the key ``busy``, in the namespace of this world."""
    name = f"p-{world.namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": list(operations), "resources": ["configmaps"]}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}
    check = {"expression": "!('busy' in object.data)", "message": words, "reason": reason}
    return [
        {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector},
                "validations": [check],
            },
        },
        {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]


def is_refused(world, obj, operation):
    """Whether admission refuses a patch by now: it sees new objects with a delay."""
    try:
        query = {"dryRun": "All"}
        world.send("PATCH", world.path(obj), [operation], "application/json-patch+json", query)
    except gr.ClusterError:
        return True
    return False


SPARK = {"op": "add", "path": "/data/busy", "value": "probe"}


class Both:
    """Two Reconcilers: one that fails for an immutable field, one that recreates the object."""

    def __init__(self, world):
        self.world, self.cluster = world, Recorded(world.cluster)
        self.reconcilers = [
            gr.Reconciler(self.cluster, namespaces=[world.namespace], on_immutable=choice)
            for choice in ("fail", "recreate")
        ]

    def stays(self, before, after, words):
        """The refusal is the outcome, nothing is deleted, and no hint is given at what would get past it."""
        uid = self.world.get(before)["metadata"]["uid"]
        for reconciler in self.reconcilers:
            self.cluster.requests.clear()
            (outcome,) = reconciler.reconcile([after])
            assert outcome.status == "failed", outcome
            assert words in str(outcome.error), outcome.error
            assert HINT not in str(outcome.error)
            assert "recreate" not in str(outcome.error)
            assert [method for method, _ in self.cluster.writes] == ["PATCH"]
        assert self.world.get(before)["metadata"]["uid"] == uid


@pytest.fixture
def both(world):
    found = Both(world)
    yield found
    for reconciler in found.reconcilers:
        reconciler.close()


@pytest.mark.parametrize("reason", ["Invalid", "Forbidden", "RequestEntityTooLarge"])
def test_r2_1_a_policy_that_refuses_is_not_got_past(world, both, reason):
    before = world.config(data={"k": "v"})
    world.create(before)
    for words in WORDS[:2]:
        with for_now(world, *policy(world, reason, words)):
            assert eventually(lambda: is_refused(world, before, SPARK))
            both.stays(before, world.config(data={"k": "v", "busy": "yes"}), words)
        assert eventually(lambda: not is_refused(world, before, SPARK))


def causes(words):
    """As a webhook may give them: those of an immutable field of the API."""
    return {"causes": [{"reason": "FieldValueInvalid", "field": "data", "message": f'Invalid value: "x": {words}'}]}


STATUSES = [
    {"code": 422, "reason": "Invalid"},
    {"code": 422, "reason": "Invalid", "details": causes("field is immutable")},
    {"code": 422, "details": causes("may not change once set")},
    {"code": 403},
    {"code": 400, "reason": "BadRequest"},
    {"code": 409, "reason": "Conflict"},
    {"code": 404, "reason": "NotFound"},
    {"code": 410, "reason": "Gone"},
    {"code": 500},
    {},
]


@pytest.fixture
def webhook(world, tmp_path):
    """A webhook for the ConfigMaps of this world; it refuses with ``says``, while there is one."""
    with Webhook(tmp_path, lambda _: []) as server:
        server.says = None
        server.refuses = lambda obj: server.says if "busy" in (obj.get("data") or {}) else ""
        rule = {**CONFIGS, "operations": ["CREATE", "UPDATE", "DELETE"]}
        with for_now(world, server.configuration(world.namespace, world.namespace, rule)):
            yield server


def test_r2_1_a_webhook_that_refuses_is_not_got_past(world, both, webhook):
    before, after = world.config(data={"k": "v"}), world.config(data={"k": "v", "busy": "yes"})
    world.create(before)
    webhook.says = {"message": "probe"}
    assert eventually(lambda: is_refused(world, before, SPARK))
    for words in WORDS[:2]:
        for status in STATUSES:
            webhook.says = {**status, "message": f'ConfigMap "settings" is invalid: data: Forbidden: {words}'}
            shown = words if not status.get("details") else "admission webhook"
            both.stays(before, after, shown)


def test_r2_1_a_webhook_that_refuses_a_deletion_as_not_found_is_believed_no_more(world, webhook):
    """Its 404 does not say that the object is gone."""
    obj = world.config(metadata={"labels": {"app": "web"}}, data={"busy": "yes"})
    world.create(obj)
    webhook.says = {"message": "probe"}
    assert eventually(lambda: is_refused(world, obj, SPARK))
    for status in STATUSES:
        webhook.says = {**status, "message": "not found"}
        result = world.reconcile(
            delete_from_namespace=world.namespace, delete_selector={"app": "web"}, kinds=["v1/ConfigMap"],
            allow_empty=True,
        )  # fmt: skip
        assert [outcome.status for outcome in result] == ["failed"], status
        assert "admission webhook" in str(result.outcomes[0].error)
        assert world.plan(obj) == []
    webhook.says = None


def thing(world, **spec):
    return {
        "apiVersion": "frozen.genreconcile.dev/v1",
        "kind": "Thing",
        "metadata": {"name": "t", "namespace": world.namespace},
        "spec": {"busy": False, "name": "a", "size": "s", **spec},
    }


@pytest.fixture(scope="module")
def things(cluster):
    """A kind whose name may not change while it is busy, and whose size may never change."""
    text = {"type": "string"}
    size = {**text, "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "the size is for ever"}]}
    busy = {"rule": "!self.busy || self.name == oldSelf.name", "message": f"the name {BUSY[5:]}"}
    spec = struct(busy={"type": "boolean"}, name=text, size=size) | {"x-kubernetes-validations": [busy]}
    names = {"singular": "thing", "listKind": "ThingList"}
    crd = definition("frozen.genreconcile.dev", version("v1", struct(spec=spec)), names=names)
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([crd]).raise_for_failures()


@pytest.mark.usefixtures("things")
def test_r2_1_of_a_definitions_rules_only_one_that_keeps_a_value_is_immutability(world, both):
    world.create(thing(world, busy=True))
    both.stays(thing(world), thing(world, busy=True, name="b"), f"the name {BUSY[5:]}")
    uid = world.get(thing(world))["metadata"]["uid"]
    grown = thing(world, busy=True, size="l")
    (outcome,) = world.reconcile(grown)
    assert HINT in str(outcome.error)
    with gr.Reconciler(world.cluster, on_immutable="recreate", propagation="background") as reconciler:
        (outcome,) = reconciler.reconcile([grown])
    assert outcome.reason == "recreated: an immutable field differed"
    assert world.get(grown)["metadata"]["uid"] != uid
