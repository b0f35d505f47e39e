"""G: writes that fail, or that change nothing, after drift was found correctly."""

import copy

import pytest

import genreconcile as gr
from support.api.passing import Passing
from support.eventually import eventually
from support.objects import definition, version

MEGABYTE = 2**20


def role_binding(world, role="view"):
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return world.obj("rbac.authorization.k8s.io/v1", "RoleBinding", "rb", roleRef=ref)


def stateful_set(world, size="1Gi"):
    labels = {"app": "db"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "db", "image": "db:1"}]}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    claims = [{"metadata": {"name": "data"}, "spec": claim}]
    spec = {"selector": {"matchLabels": labels}, "template": pod, "serviceName": "db", "volumeClaimTemplates": claims}
    return world.obj("apps/v1", "StatefulSet", "db", spec=spec)


def job(world, image="j:1"):
    pod = {
        "metadata": {"labels": {"app": "j"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "j", "image": image}]},
    }
    return world.obj("batch/v1", "Job", "j", spec={"template": pod})


def selector(world, app="web"):
    found = world.deployment()
    found["spec"]["selector"]["matchLabels"] = {"app": app}
    found["spec"]["template"]["metadata"]["labels"] = {"app": app}
    return found


def secret(world, text="eA=="):
    return world.obj("v1", "Secret", "s", immutable=True, data={"k": text})


def config(world, text="x"):
    return world.config(immutable=True, data={"k": text})


def headless(world, address=None):
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]} | ({"clusterIP": address} if address else {})
    return world.obj("v1", "Service", "s", spec=spec)


IMMUTABLE = {
    "G1-role-ref": (role_binding, "edit"),
    "G1-claim-templates": (stateful_set, "2Gi"),
    "G1-job-template": (job, "j:2"),
    "G1-selector": (selector, "other"),
    "G1-immutable-secret": (secret, "eQ=="),
    "G1-immutable-config-map": (config, "y"),
    "G1-cluster-ip": (headless, "None"),
}


@pytest.mark.parametrize("case", IMMUTABLE)
def test_an_immutable_field_is_refused_and_reported(world, case):
    make, other = IMMUTABLE[case]
    world.create(make(world))
    before = world.get(make(world))
    for number in range(2):
        bystander = world.obj("v1", "ConfigMap", f"bystander-{number}")
        failed, created = world.reconcile(make(world, other), bystander)
        assert (failed.status, created.status) == ("failed", "created")
        assert isinstance(failed.error, gr.Invalid)
        assert str(failed.error).startswith(str(failed.key))
        if case == "G1-immutable-secret":
            assert other not in str(failed.error), "a Secret's text stays out of messages"
    assert world.get(make(world)) == before


def test_g2_a_write_that_changes_nothing_is_not_repeated(world):
    """A default without its rule: the server takes the patch that removes it, and keeps the object."""
    gap = gr.Registry(rule for rule in gr.Registry.builtin().rules if rule.id != "deployment-history")
    expected = world.deployment()
    world.create(expected)
    before = world.get(expected)
    writes = Spy(world.cluster)
    with gr.Reconciler(writes, rules=gap) as reconciler:
        statuses = [reconciler.reconcile([expected]).outcomes[0].status for _ in range(6)]
    assert statuses == ["unchanged"] * 6
    assert [method for method, *_ in writes.sent].count("PATCH") == 2
    assert world.get(expected) == before


class Spy(Passing):
    """A cluster that remembers what is written, and does something else first where it is told to."""

    def __init__(self, cluster, first=None):
        super().__init__(cluster)
        self.sent = []
        self.first = [first] if first else []

    def request(self, method, path, **settings):
        if method != "GET":
            self.sent.append((method, settings.get("content_type"), settings.get("query")))
            if self.first:
                self.first.pop()()
        return super().request(method, path, **settings)


def test_g3_patches_say_that_they_are_json_patches(world):
    expected = world.config(data={"k": "1"})
    spy = Spy(world.cluster)
    with gr.Reconciler(spy) as reconciler:
        reconciler.reconcile([expected]).raise_for_failures()
        reconciler.reconcile([{**expected, "data": {"k": "2"}}]).raise_for_failures()
    (_, create, _), (method, patch, query) = spy.sent
    assert (create, method, patch) == ("application/json", "PATCH", "application/json-patch+json")
    assert query == {"fieldManager": "genreconcile", "fieldValidation": "Strict"}
    assert world.get(expected)["data"] == {"k": "2"}


def test_g4_a_terminating_object_is_neither_patched_nor_recreated(world):
    expected = world.config(data={"k": "1"}, metadata={"finalizers": ["example.com/hold"]})
    world.create(expected)
    live = world.delete(expected)
    world.wait_for(expected, live)
    changed = {**expected, "data": {"k": "2"}}
    (outcome,) = world.reconcile(changed)
    assert outcome.status == "skipped"
    assert world.get(expected)["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
    world.send(
        "PATCH", world.path(expected), [{"op": "remove", "path": "/metadata/finalizers"}], "application/json-patch+json"
    )
    assert eventually(lambda: world.reconcile(changed).outcomes[0].status == "created")


def test_g6_a_create_that_another_writer_wins(world):
    expected = world.config(data={"k": "mine"})
    spy = Spy(world.cluster, first=lambda: world.post(world.config(data={"k": "theirs", "more": "x"})))
    with gr.Reconciler(spy) as reconciler:
        (outcome,) = reconciler.reconcile([expected])
    assert outcome.status == "configured"
    assert world.get(expected)["data"] == {"k": "mine"}


def test_g6_an_update_whose_object_goes_away(world):
    expected = world.config(data={"k": "1"})
    world.create(expected)
    spy = Spy(world.cluster, first=lambda: world.delete(expected))
    with gr.Reconciler(spy) as reconciler:
        (outcome,) = reconciler.reconcile([{**expected, "data": {"k": "2"}}])
    assert outcome.status == "created"
    assert world.get(expected)["data"] == {"k": "2"}


def test_g6_a_terminating_namespace(world):
    name = f"{world.namespace}-ends"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    world.create(namespace)
    world.delete(namespace)
    inside = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": name}}
    (outcome,) = world.reconcile(inside)
    assert outcome.status == "failed"
    assert isinstance(outcome.error, gr.Forbidden)
    assert "being terminated" in str(outcome.error)


def test_g6_a_definition_that_is_not_yet_established(world):
    group = f"{world.namespace}.established.dev"
    crd = definition(group, version())
    thing = world.obj(f"{group}/v1", "Thing", "t")
    assert world.reconcile(thing, crd).counts["created"] == 2
    assert world.reconcile(thing, crd).counts["unchanged"] == 2


@pytest.mark.parametrize("kind", ["TokenReview", "SelfSubjectReview"], ids=lambda kind: f"G7-{kind}")
def test_a_kind_whose_creation_returns_no_object(world, kind):
    """What cannot be listed and watched cannot be reconciled: refused before anything is written."""
    spy = Spy(world.cluster)
    with gr.Reconciler(spy) as reconciler:
        bad = {"apiVersion": "authentication.k8s.io/v1", "kind": kind, "metadata": {"name": "x"}}
        (outcome,) = reconciler.reconcile([bad])
    assert outcome.status == "failed"
    assert "cannot list" in str(outcome.error)
    assert spy.sent == []


def test_g8_a_cluster_scoped_object_with_a_namespace(world):
    result = world.reconcile(world.obj("v1", "Namespace", f"{world.namespace}-g8"))
    assert [outcome.status for outcome in result] == ["created"]
    assert "cluster-scoped" in result.warnings[0]


def test_g8_a_namespaced_object_without_a_namespace(world):
    expected = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "g8"}}
    before = copy.deepcopy(expected)
    for status in ("created", "unchanged"):
        (outcome,) = world.reconcile(expected, namespace=world.namespace)
        assert (outcome.status, outcome.key.namespace) == (status, world.namespace)
    assert expected == before


def test_g9_nothing_of_ours_is_stored_in_the_object(world):
    """So objects may be as big as the server allows, annotations included."""
    text = {"a": "x" * (MEGABYTE - 2000)}
    expected = world.config(data=text)
    assert "annotations" not in world.create(expected)["metadata"]
    annotated = world.config("annotated", metadata={"annotations": {"example.com/big": "y" * (2**18 - 50)}})
    live = world.create(annotated)
    assert list(live["metadata"]["annotations"]) == ["example.com/big"]
    world.edit(expected, {"op": "add", "path": "/data/b", "value": "z"})
    world.repair(expected)
    assert "annotations" not in world.get(expected)["metadata"]
