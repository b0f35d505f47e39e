"""Bad input gets a clear error, and nothing wrong is written."""

import pytest

import genreconcile as gr
from support.objects import obj

LABELS = {"app": "input"}


@pytest.fixture(scope="module")
def cluster(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


@pytest.fixture
def reconciler(cluster):
    with gr.Reconciler(cluster) as reconciler:
        yield reconciler


def config(name, namespace, **extra):
    return obj("v1", "ConfigMap", name, namespace, labels=LABELS, **extra)


def names(cluster, namespace):
    with gr.Cache(cluster, ["v1/ConfigMap"], namespaces=[namespace]) as cache:
        cache.wait_for_sync()
        return [obj["metadata"]["name"] for obj in cache.list("v1/ConfigMap", namespace=namespace)]


REFUSED = {
    "no name": ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}], "name"),
    "generateName": ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}}], "generateName"),
    "no kind": ([{"apiVersion": "v1", "metadata": {"name": "a"}}], "kind"),
    "no mapping": (["text"], "expected"),
}


@pytest.mark.parametrize(("bad", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_the_whole_set_is_refused(reconciler, cluster, namespace, bad, text):
    with pytest.raises(gr.LoadError, match=text):
        reconciler.reconcile([config("good", namespace), *bad])
    assert names(cluster, namespace) == []


def test_two_objects_with_one_key_are_refused(reconciler, cluster, namespace):
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    with pytest.raises(gr.LoadError, match=f"ConfigMap {namespace}/a"):
        reconciler.reconcile([config("a", namespace), bare], namespace=namespace)
    assert names(cluster, namespace) == []


def test_a_selector_that_does_not_parse_is_refused(reconciler, cluster, namespace):
    with pytest.raises(gr.LoadError, match="selector"):
        reconciler.reconcile([config("a", namespace)], delete_from_namespace=namespace, delete_selector="app in (")
    assert names(cluster, namespace) == []


def test_an_unreachable_cluster(control_plane, tmp_path):
    text = control_plane.kubeconfig.read_text().replace(control_plane.server, "https://127.0.0.1:1")
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with (
        gr.Reconciler(gr.connect(kubeconfig=str(file))) as reconciler,
        pytest.raises(gr.Unreachable, match=r"127\.0\.0\.1:1"),
    ):
        reconciler.reconcile([config("a", "default")])


def test_an_unauthorized_user(control_plane, tmp_path):
    import yaml

    settings = yaml.safe_load(control_plane.kubeconfig.read_text())
    settings["users"] = [{"name": user["name"], "user": {"token": "wrong"}} for user in settings["users"]]
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(settings))
    with gr.Reconciler(gr.connect(kubeconfig=str(file))) as reconciler, pytest.raises(gr.Unauthorized):
        reconciler.reconcile([config("a", "default")])


def failing(namespace):
    return {
        "unknown kind": (
            {"apiVersion": "v1", "kind": "ConfigMop", "metadata": {"name": "bad", "namespace": namespace}},
            "did you mean v1/ConfigMap?",
        ),
        "unknown version": (
            {"apiVersion": "apps/v7", "kind": "Deployment", "metadata": {"name": "bad", "namespace": namespace}},
            "did you mean apps/v1/Deployment?",
        ),
        "unknown field": (
            config("bad", namespace, dota={}),
            "/dota: the schema knows no such field; did you mean data?",
        ),
        "wrong type": (config("bad", namespace, data={"a": 1}), "/data/a: must be of type string, not an integer"),
        "no namespace": (config("bad", "not-there"), "create the namespace not-there first"),
        "refused": (config("Bad_Name", namespace), "422 Invalid: metadata.name"),
        "not readable": (
            {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {"name": "bad"}},
            "no such kind",
        ),
        "not listable": (
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {"name": "bad"}},
            "the server cannot list",
        ),
    }


@pytest.mark.parametrize("case", failing("").keys())
def test_one_object_fails_and_the_others_proceed(reconciler, cluster, namespace, case):
    bad, text = failing(namespace)[case]
    reconciler.reconcile([config("old", namespace)]).raise_for_failures()
    result = reconciler.reconcile(
        [bad, config("good", namespace)], delete_from_namespace=namespace, delete_selector=LABELS
    )
    (failure,) = result.failures
    assert text in str(failure.error)
    assert str(failure.error).startswith(str(failure.key)), "the message begins with the object"
    assert sorted(names(cluster, namespace)) == ["good", "old"], "deletion is withheld"


def test_a_forbidden_kind_is_unknown_not_empty(control_plane, cluster, namespace):
    """A user who may read and write ConfigMaps only: Secrets fail, and nothing is created blindly."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "few", "namespace": namespace}}
    binding = {
        "kind": "RoleBinding",
        **role,
        "roleRef": {"kind": "Role", "name": "few", "apiGroup": "rbac.authorization.k8s.io"},
        "subjects": [{"kind": "User", "name": "limited", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    with gr.Reconciler(cluster) as admin:
        admin.reconcile([{"kind": "Role", **role, "rules": rules}, binding]).raise_for_failures()
    limited = gr.connect(kubeconfig=str(control_plane.user_kubeconfig("limited")))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}}
    with gr.Reconciler(limited, namespaces=[namespace]) as reconciler:
        result = reconciler.reconcile([config("a", namespace), secret])
    assert {outcome.key.name: outcome.status for outcome in result} == {"a": "created", "s": "failed"}
    assert "403 Forbidden" in str(result.failures[0].error)
