"""Kinds that cannot be read, or are not there any more: unknown, never empty; the others go on."""

import pytest

import genreconcile as gr
from genreconcile.errors import ClusterError
from support import objects
from support.deletion_ground import LABELS, Ground, Recorded, statuses
from support.eventually import eventually
from support.objects import obj, version

RBAC = "rbac.authorization.k8s.io/v1"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


def secret(ground, name):
    return obj("v1", "Secret", name, ground.namespace, labels=LABELS, stringData={"k": "v"})


@pytest.fixture
def limited(ground):
    """A user who may do everything with ConfigMaps, and nothing with Secrets."""
    user = f"user-{ground.namespace}"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]
    metadata = {"name": "limited", "namespace": ground.namespace}
    ground.admin_post("roles", {"apiVersion": RBAC, "kind": "Role", "metadata": metadata, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "limited"}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]
    binding = {"apiVersion": RBAC, "kind": "RoleBinding", "metadata": metadata}
    ground.admin_post("rolebindings", {**binding, "roleRef": reference, "subjects": subjects})
    cluster = Recorded(gr.connect(kubeconfig=str(ground.plane.user_kubeconfig(user))))
    assert eventually(lambda: may_list(cluster, ground.path()))
    with gr.Reconciler(cluster, namespaces=[ground.namespace]) as reconciler:
        yield reconciler, cluster


def may_list(cluster, path):
    try:
        cluster.cluster.request("GET", path)
    except gr.Forbidden:
        return False
    return True


def test_scenario_19_a_kind_that_may_not_be_listed_is_unknown(ground, limited):
    reconciler, cluster = limited
    ground.post(ground.config("old"))
    ground.post(secret(ground, "old"), "secrets")
    settings = {**ground.settings, "kinds": ["v1/Secret", "v1/ConfigMap"]}
    expected = [ground.config("a")]
    assert eventually(lambda: reconciler.plan(expected, **settings).counts["delete"] == 1)
    result = reconciler.reconcile(expected, **settings)
    assert statuses(result) == {"a": "created", "old": "deleted"}
    (warning,) = result.warnings
    assert warning.startswith("v1/Secret: nothing deleted: the kind cannot be read: ")
    assert "403 Forbidden" in warning
    assert warning.code == "GR403", "that of the error that it tells"
    assert ground.names("secrets") == {"old"}
    assert cluster.sent("DELETE") == [("DELETE", ground.path("configmaps", "old"))]


def test_scenario_19_an_expected_object_of_such_a_kind_is_not_created_again_and_again(ground, limited):
    reconciler, cluster = limited
    ground.post(ground.config("old"))
    expected = [ground.config("a"), secret(ground, "s")]
    for round_ in range(3):
        result = reconciler.reconcile(expected, **ground.settings)
        assert statuses(result) == {"a": "unchanged" if round_ else "created", "s": "failed", "old": "skipped"}
        assert "its kind cannot be read" in str(result.failures[0].error)
    assert cluster.writes == [("POST", ground.path("configmaps"))]


def test_scenario_19_a_kind_that_becomes_forbidden_in_the_middle_of_a_run(ground, limited):
    reconciler, cluster = limited
    ground.post(ground.config("old"))
    expected = [ground.config("a")]
    assert eventually(lambda: reconciler.plan(expected, **ground.settings).counts["delete"] == 1)
    ground.delete(ground.path("rolebindings", "limited", group=RBAC))
    assert eventually(lambda: not may_list(cluster, ground.path()))
    reconciler.cache.relist("v1/ConfigMap", timeout=0.0)  # As when its watch ends.
    assert eventually(lambda: not reconciler.cache.has_synced("v1/ConfigMap"))
    cluster.requests.clear()
    for _ in range(2):
        result = reconciler.reconcile(expected, **ground.settings)
        assert statuses(result) == {"a": "failed"}
        assert result.warnings[0].startswith("v1/ConfigMap: nothing deleted: the kind cannot be read: ")
    assert cluster.writes == []
    assert "old" in ground.names()


class Failing(Recorded):
    """A cluster whose watches can be made to fail."""

    failing = False

    def stream(self, path, **settings):
        if self.failing:
            raise ClusterError(f"GET {path}: 500 InternalError: scripted", status=500, reason="InternalError")
        return self.cluster.stream(path, **settings)


def test_a_kind_whose_watch_fails_is_compared_and_written_and_not_deleted_from(ground):
    ground.post(ground.config("old"))
    cluster = Failing(ground.admin)
    with gr.Reconciler(cluster, namespaces=[ground.namespace]) as reconciler:
        assert statuses(reconciler.reconcile([ground.config("a"), ground.config("old")]))["a"] == "created"
        cluster.failing = True
        reconciler.cache.relist("v1/ConfigMap")
        assert eventually(lambda: reconciler.cache.error("v1/ConfigMap"))
        result = reconciler.reconcile([ground.config("a", k="v")], **ground.settings)
        assert statuses(result) == {"a": "configured"}
        (warning,) = result.warnings
        assert warning.startswith("v1/ConfigMap: nothing deleted: what is known of the kind may be old: ")
        cluster.failing = False
        assert eventually(lambda: not reconciler.cache.error("v1/ConfigMap"))
        assert statuses(reconciler.reconcile([ground.config("a", k="v")], **ground.settings))["old"] == "deleted"


def definition(ground, *served):
    """``served``: which of v1beta1 and v1 are served; v1beta1 is stored."""
    versions = [version(name, served=name in served, storage=name == "v1beta1") for name in ("v1beta1", "v1")]
    return objects.definition(f"{ground.namespace}.example.dev", *versions)


def thing(ground, name, version="v1beta1"):
    return obj(f"{ground.namespace}.example.dev/{version}", "Thing", name, ground.namespace, labels=LABELS)


def is_served(ground, version):
    try:
        ground.get(ground.path("things", group=f"{ground.namespace}.example.dev/{version}"))
    except gr.NotFound:
        return False
    return True


def test_scenario_18_a_definition_that_is_removed_while_running(ground):
    crd = definition(ground, "v1beta1")
    cluster = Recorded(ground.admin)
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([crd]).raise_for_failures()
        ground.post(ground.config("old"))
        assert statuses(reconciler.reconcile([thing(ground, "t"), ground.config("a")]))["t"] == "created"
        ground.delete(f"{DEFINITIONS}/{crd['metadata']['name']}")
        assert eventually(lambda: not is_served(ground, "v1beta1"))
        expected = [thing(ground, "t"), ground.config("a")]
        assert eventually(lambda: reconciler.plan(expected, **ground.settings).counts["failed"] == 1)
        result = reconciler.reconcile(expected, **ground.settings)
        assert statuses(result) == {"t": "failed", "a": "unchanged", "old": "skipped"}
        assert "no such kind on the server" in str(result.failures[0].error)
        # Once it is not expected any more the others are cleaned up.
        assert statuses(reconciler.reconcile([ground.config("a")], **ground.settings))["old"] == "deleted"
        cluster.requests.clear()
        for _ in range(3):
            assert statuses(reconciler.reconcile([ground.config("a")], **ground.settings)) == {"a": "unchanged"}
        assert cluster.writes == []


def test_scenario_18_a_definition_that_switches_its_version_while_running(ground):
    crd = definition(ground, "v1beta1", "v1")
    where = f"{DEFINITIONS}/{crd['metadata']['name']}"
    with gr.Reconciler(ground.cluster) as reconciler:
        reconciler.reconcile([crd]).raise_for_failures()
        assert statuses(reconciler.reconcile([thing(ground, "old")])) == {"old": "created"}
        ground.patch(where, {"op": "replace", "path": "/spec/versions/0/served", "value": False})
        assert eventually(lambda: not is_served(ground, "v1beta1"))
        assert eventually(lambda: reconciler.plan([ground.config("a")], **ground.settings).counts["delete"] == 1)
        # Until the definition's event has come the former version may be asked: its 404 is no sign of a deletion.
        assert eventually(
            lambda: statuses(reconciler.reconcile([ground.config("a")], **ground.settings)).get("old") == "deleted"
        )
        version = f"{ground.namespace}.example.dev/v1"
        assert ground.cluster.sent("DELETE")[-1] == ("DELETE", ground.path("things", "old", group=version))


def test_scenario_18_an_aggregated_api_that_does_not_answer(ground):
    """Its kinds are unknown; those of other groups are deleted from as ever."""
    group = f"{ground.namespace}.example.dev"
    spec = {
        "group": group,
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "service": {"name": "nothing", "namespace": ground.namespace},
        "insecureSkipTLSVerify": True,
    }
    services = "/apis/apiregistration.k8s.io/v1/apiservices"
    metadata = {"name": f"v1.{group}"}
    down = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": metadata, "spec": spec}
    ground.apply(services, down)
    try:
        ground.post(ground.config("old"))
        with gr.Reconciler(ground.cluster) as reconciler:
            settings = {**ground.settings, "kinds": [f"{group}/v1/Thing"]}
            assert eventually(lambda: reconciler.plan([ground.config("a")], **settings).counts["delete"] == 1)
            result = reconciler.reconcile([ground.config("a")], **settings)
            assert statuses(result) == {"a": "created", "old": "deleted"}
            (warning,) = result.warnings
            assert warning.startswith(f"{group}/v1/Thing: nothing deleted: ")
            expected = [ground.config("a"), {**thing(ground, "t"), "apiVersion": f"{group}/v1"}]
            ground.post(ground.config("older"))
            assert eventually(lambda: "older" in statuses(reconciler.reconcile(expected, **settings)))
            assert statuses(reconciler.reconcile(expected, **settings)) == {
                "a": "unchanged",
                "t": "failed",
                "older": "skipped",
            }
    finally:
        ground.delete(f"{services}/v1.{group}")
