"""What the server accepts and corrects is accepted, corrected and told (R1.7, R1.12); owners that are none (R4.12)."""

import pytest

CLUSTER_SCOPED = [
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []},
    {"apiVersion": "v1", "kind": "Namespace"},
    {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "example.com/none"},
    {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "r17.genreconcile.dev",
            "names": {"kind": "Roof", "plural": "roofs"},
            "scope": "Cluster",
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    },
]


@pytest.mark.parametrize("obj", CLUSTER_SCOPED, ids=lambda obj: obj["kind"])
def test_r1_7_a_namespace_of_a_cluster_scoped_object_is_dropped_and_told(world, obj):
    name = "roofs.r17.genreconcile.dev" if "spec" in obj else f"{world.namespace}-r17"
    expected = {**obj, "metadata": {"name": name, "namespace": world.namespace}}
    first, second = world.reconcile(expected), world.reconcile(expected)
    assert [outcome.status for outcome in (*first, *second)] == ["created", "unchanged"]
    assert [warning.code for warning in first.warnings if "metadata.namespace: left out" in warning] == ["GR212"]
    assert second.warnings == ()
    assert "namespace" not in world.get(expected)["metadata"]
    world.edit(expected, {"op": "add", "path": "/metadata/labels", "value": {"by": "hand"}})
    world.repair(expected)


def test_r1_7_custom_resources_of_a_kind_that_the_set_brings(world):
    definition = {**CLUSTER_SCOPED[-1], "metadata": {"name": "tiles.r17.genreconcile.dev", "namespace": "default"}}
    definition["spec"] = definition["spec"] | {"names": {"kind": "Tile", "plural": "tiles"}}
    tile = {"apiVersion": "r17.genreconcile.dev/v1", "kind": "Tile", "metadata": {"name": "a", "namespace": "default"}}
    result = world.reconcile(definition, tile)
    assert [outcome.status for outcome in result] == ["created", "created"]
    assert world.plan(definition, tile) == []


def test_r1_7_the_same_object_in_two_namespaces_is_expected_twice(world):
    roles = [
        {**CLUSTER_SCOPED[0], "metadata": {"name": "r17-twice", "namespace": namespace}} for namespace in ("a", "b")
    ]
    with pytest.raises(Exception, match="expected twice"):
        world.reconcile(*roles)


def test_r1_7_a_name_to_generate_means_nothing_beside_a_name(world):
    expected = world.config(metadata={"generateName": "settings-"})
    assert world.create(expected)["metadata"]["name"] == "settings"


def test_r1_12_a_status_in_expected_is_told_once(world):
    expected = world.deployment() | {"status": {"replicas": 3}}
    first, second = world.reconcile(expected), world.reconcile(expected | {"status": {"replicas": 4}})
    assert [outcome.status for outcome in (*first, *second)] == ["created", "unchanged"]
    assert [warning.code for warning in first.warnings if "status: not compared" in warning] == ["GR220"]
    assert second.warnings == ()


def test_r1_12_a_status_as_go_writes_it_is_not_told(world):
    expected = world.deployment() | {"status": {}}
    assert world.reconcile(expected).warnings == ()


@pytest.fixture
def elsewhere(world, control_plane):
    """A ConfigMap in another namespace."""
    namespace = control_plane.create_namespace(f"{world.namespace}-b")
    return world.post({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner", "namespace": namespace}})


def owned_by(owner, obj):
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    obj["metadata"]["ownerReferences"] = [reference]
    return obj


def test_r4_12_an_owner_in_another_namespace_is_told_once(world, elsewhere):
    expected = owned_by(elsewhere, world.config())
    first, second = world.reconcile(expected), world.reconcile(expected | {"data": {"a": "1"}})
    (warning,) = first.warnings
    assert "ownerReferences: ConfigMap owner with uid" in warning
    assert "the garbage collector will delete this object" in warning
    assert warning.code == "GR221"
    assert [outcome.status for outcome in (*first, *second)] == ["created", "configured"]
    assert second.warnings == ()


def test_r4_12_of_two_of_one_name_the_uid_tells(world, elsewhere):
    own = world.post(world.config("owner"))
    assert "has another uid" in world.reconcile(owned_by(elsewhere, world.config("a"))).warnings[0]
    assert world.reconcile(owned_by(own, world.config("b"))).warnings == ()


def test_r4_12_a_reference_that_is_added_later_is_looked_at_too(world, elsewhere):
    world.create(world.config())
    result = world.reconcile(owned_by(elsewhere, world.config()))
    assert [outcome.status for outcome in result] == ["configured"]
    assert len(result.warnings) == 1


def test_r4_12_an_object_without_a_namespace_cannot_be_owned_by_one_that_has_one(world, elsewhere):
    role = owned_by(elsewhere, {**CLUSTER_SCOPED[0], "metadata": {"name": f"{world.namespace}-r412"}})
    assert "has a namespace, and this object has none" in world.reconcile(role).warnings[0]


def test_r4_12_an_owner_without_a_namespace_is_right_for_all(world):
    owner = world.post({**CLUSTER_SCOPED[0], "metadata": {"name": f"{world.namespace}-owner"}})
    expected = world.config()
    expected["metadata"]["ownerReferences"] = [
        {key: owner[key] for key in ("apiVersion", "kind")} | {key: owner["metadata"][key] for key in ("name", "uid")}
    ]
    assert world.reconcile(expected).warnings == ()


def mark(where, key, value):
    return [
        {"op": "add", "path": f"/metadata/{where}", "value": {}},
        {"op": "add", "path": f"/metadata/{where}/{key.replace('/', '~1')}", "value": value},
    ]


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("annotations", "kopf.zalando.org/last-handled-configuration", '{"spec":{}}'),
        ("annotations", "kopf.zalando.org/on-create", '{"started":"now"}'),
        ("annotations", "meta.helm.sh/release-name", "shop"),
        ("annotations", "argocd.argoproj.io/tracking-id", "shop:apps/Deployment:shop/web"),
        ("labels", "kustomize.toolkit.fluxcd.io/name", "shop"),
        ("annotations", "kubernetes.io/change-cause", "kubectl set image"),
    ],
)
def test_r1_11_the_marks_of_other_tools_are_kept(world, where, key, value):
    expected = world.deployment()
    world.create(expected)
    world.edit(expected, *mark(where, key, value), {"op": "replace", "path": "/spec/replicas", "value": 4})
    world.repair(expected)
    live = world.get(expected)
    assert (live["metadata"][where][key], live["spec"]["replicas"]) == (value, 1)


def test_r1_11_what_acts_is_removed(world):
    expected = world.deployment()
    world.create(expected)
    world.edit(expected, *mark("annotations", "argocd.argoproj.io/sync-wave", "5"))
    world.repair(expected)
    assert "argocd.argoproj.io/sync-wave" not in world.get(expected)["metadata"].get("annotations", {})


def references(*more):
    one = {"apiVersion": "v1", "kind": "Node", "name": "owner", "uid": "1"}
    return [one, *({**one, **other} for other in more)]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (references({}), 1),
        (references({"controller": None}, {}), 1),
        (references({"uid": "2"}, {}), 2),
        (references({"controller": True}), 2),
        (references({"controller": False}, {"controller": False}), 2),
    ],
    ids=["equal", "null", "another-between", "controller", "pointer-to-false"],
)
@pytest.mark.parametrize("kind", ["config", "sample"])
def test_r1_14_equal_owner_references_count_once(world, kind, written, kept):
    expected = getattr(world, kind)()
    expected["metadata"]["ownerReferences"] = written
    assert len(world.create(expected)["metadata"]["ownerReferences"]) == kept
    world.edit(expected, {"op": "add", "path": "/metadata/labels", "value": {"by": "hand"}})
    world.repair(expected)


def test_r1_14_the_server_folds_no_finalizers(world):
    expected = world.config(metadata={"finalizers": ["example.com/a", "example.com/a"]})
    assert world.create(expected)["metadata"]["finalizers"] == ["example.com/a", "example.com/a"]
    world.send(
        "PATCH", world.path(expected), [{"op": "remove", "path": "/metadata/finalizers"}], "application/json-patch+json"
    )
