"""R2.4: what somebody has to see to is gone before that somebody goes."""

import threading

import pytest

import genreconcile as gr
from genreconcile.settings import Options
from support import objects
from support.deletion_ground import Ground, statuses

FINALIZER = "operated.genreconcile.dev/hold"
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


@pytest.fixture
def reconciler(ground):
    with gr.Reconciler(ground.cluster) as reconciler:
        yield reconciler


def definition(ground):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"singular": "database", "listKind": "DatabaseList"}
    return objects.definition(group_of(ground), objects.version("v1", schema), kind="Database", names=names)


def group_of(ground):
    return f"{ground.namespace}.example.dev"


def obj(ground, api_version, kind, name, finalizers=(), **rest):
    metadata = {"finalizers": list(finalizers)} if finalizers else {}
    return objects.obj(api_version, kind, name, ground.namespace, metadata=metadata, **rest)


def operator(ground):
    """All that an operator brings, its resources, and what else has finalizers that it removes."""
    labels = {"app": "operator"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    role = {"apiGroup": RBAC, "kind": "Role", "name": "operator"}
    account = {"kind": "ServiceAccount", "name": "operator", "namespace": ground.namespace}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return [
        obj(ground, "v1", "ServiceAccount", "operator"),
        obj(ground, f"{RBAC}/v1", "Role", "operator", rules=[]),
        obj(ground, f"{RBAC}/v1", "RoleBinding", "operator", roleRef=role, subjects=[account]),
        obj(ground, "v1", "ConfigMap", "operator"),
        obj(ground, "v1", "Secret", "operator"),
        obj(ground, "v1", "Service", "operator", spec={"ports": [{"port": 80}]}),
        obj(ground, "apps/v1", "Deployment", "operator", spec={"selector": {"matchLabels": labels}, "template": pod}),
        definition(ground),
        obj(ground, f"{group_of(ground)}/v1", "Database", "one", [FINALIZER], spec={}),
        obj(ground, f"{group_of(ground)}/v1", "Database", "two", [FINALIZER], spec={}),
        obj(ground, "networking.k8s.io/v1", "Ingress", "web", [FINALIZER], spec={"defaultBackend": backend}),
        obj(ground, "v1", "Service", "balanced", [FINALIZER], spec={"ports": [{"port": 81}]}),
    ]


def settings(ground, **more):
    kinds = ["CustomResourceDefinition.apiextensions.k8s.io"]
    return {"namespace": ground.namespace, "owner": "configmaps/s", "allow_empty": True, "delete_kinds": kinds, **more}


def held(ground):
    group = f"{group_of(ground)}/v1"
    yield from (ground.path("databases", name, group=group) for name in ("one", "two"))
    yield ground.path("ingresses", "web", group="networking.k8s.io/v1")
    yield ground.path("services", "balanced")


def parts(ground):
    """What the operator cannot do without."""
    yield ground.path("deployments", "operator", group="apps/v1")
    yield from (ground.path(plural, "operator") for plural in ("serviceaccounts", "configmaps", "secrets", "services"))
    yield from (ground.path(plural, "operator", group=f"{RBAC}/v1") for plural in ("roles", "rolebindings"))


def operate(ground, stop, errors):
    """As an operator: removes its finalizer from what is deleted, as long as all its own parts are there."""
    left = list(held(ground))
    while left and not stop.wait(0.02):
        for path in list(left):
            try:
                for part in parts(ground):
                    ground.get(part)
                if "deletionTimestamp" in ground.get(path)["metadata"]:
                    ground.patch(path, {"op": "remove", "path": "/metadata/finalizers"})
                    left.remove(path)
            except gr.NotFound as error:
                errors.append(str(error))
                return


def deletions(ground):
    return [path.rsplit("/", 2)[1:] for _, path in ground.cluster.sent("DELETE")]


def is_last_before(ground, first, later):
    """Whether all deletions of the first plurals came before any of the later ones."""
    plurals = [plural for plural, _ in deletions(ground)]
    return max(i for i, p in enumerate(plurals) if p in first) < min(i for i, p in enumerate(plurals) if p in later)


SERVING = {"deployments", "serviceaccounts", "roles", "rolebindings", "secrets", "customresourcedefinitions"}


def test_r2_4_an_operator_sees_to_its_resources_before_it_goes(ground, reconciler):
    reconciler.reconcile(operator(ground), **settings(ground)).raise_for_failures()
    ground.cluster.requests.clear()
    stop, errors = threading.Event(), []
    thread = threading.Thread(target=operate, args=(ground, stop, errors))
    thread.start()
    try:
        result = reconciler.reconcile([], wait=True, **settings(ground))
    finally:
        stop.set()
        thread.join()
    assert errors == []
    assert [str(outcome) for outcome in result if outcome.status != "deleted"] == []
    assert is_last_before(ground, {"databases"}, {"ingresses", "services", *SERVING})
    assert is_last_before(ground, {"ingresses"}, SERVING)


def test_r2_4_an_operator_that_does_not_act_stays_until_its_resources_are_gone(ground, reconciler):
    reconciler.reconcile(operator(ground), **settings(ground)).raise_for_failures()
    ground.cluster.requests.clear()
    reconciler._applier._writer._remover._options = Options(wait_timeout=0.5)
    for _ in range(2):  # Then the resources are being deleted already.
        result = reconciler.reconcile([], wait=True, **settings(ground))
        found = {(outcome.key.kind, outcome.key.name): outcome for outcome in result}
        assert found["Deployment", "operator"].status == "skipped"
        assert "it may be what sees to " in found["Deployment", "operator"].reason
        assert {plural for plural, _ in deletions(ground)}.isdisjoint(SERVING)
    for path in held(ground):
        ground.patch(path, {"op": "remove", "path": "/metadata/finalizers"})
    reconciler._applier._writer._remover._options = Options(wait_timeout=10)
    result = reconciler.reconcile([], wait=True, **settings(ground))
    assert set(statuses(result).values()) == {"deleted"}
    assert {plural for plural, _ in deletions(ground)} >= SERVING


def test_r2_4_without_waiting_at_least_in_that_order(ground, reconciler):
    reconciler.reconcile(operator(ground), **settings(ground)).raise_for_failures()
    ground.cluster.requests.clear()
    result = reconciler.reconcile([], **settings(ground))
    assert set(statuses(result).values()) == {"deleted"}
    assert is_last_before(ground, {"databases"}, {"ingresses", "services", *SERVING})
    assert is_last_before(ground, {"ingresses"}, SERVING)
    for path in held(ground):
        ground.patch(path, {"op": "remove", "path": "/metadata/finalizers"})


def test_r2_4_what_the_server_does_not_let_go_keeps_its_operator(ground, reconciler, monkeypatch):
    """The deletion of a resource is refused, by its own webhook, say."""
    reconciler.reconcile(operator(ground), **settings(ground)).raise_for_failures()
    request = ground.cluster.cluster.request

    def refusing(method, path, **options):
        if method == "DELETE" and path.endswith("/databases/one"):
            raise gr.Forbidden("no", status=403)
        return request(method, path, **options)

    monkeypatch.setattr(ground.cluster.cluster, "request", refusing)
    reconciler._applier._writer._remover._options = Options(wait_timeout=0.5)
    result = reconciler.reconcile([], wait=True, **settings(ground))
    assert statuses(result)["one"] == "failed"
    assert {outcome.status for outcome in result if outcome.key.name == "operator"} == {"skipped"}
    monkeypatch.undo()
    for path in held(ground):
        ground.patch(path, {"op": "add", "path": "/metadata/finalizers", "value": []})
