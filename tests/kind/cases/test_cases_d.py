"""B10 and D: defaults of definitions, and fields that controllers and webhooks fill in or drop."""

import copy

import pytest

import genreconcile as gr

DEFAULTED = {
    "D1-parent-refs": (
        {"parentRefs": [{"name": "gateway"}]},
        {"op": "replace", "path": "/spec/parentRefs/0/kind", "value": "Service"},
        {"op": "replace", "path": "/spec/parentRefs/0/kind", "value": "Gateway"},
    ),
    "D1-backend-refs": (
        {"rules": [{"backendRefs": [{"name": "web"}, {"name": "api", "weight": 0}]}]},
        {"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 100},
        {"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 0},
    ),
    "D1-matches": (
        {"rules": [{"name": "a"}, {"matches": [{}]}]},
        {"op": "replace", "path": "/spec/rules/0/matches/0/path/value", "value": "/admin"},
        {"op": "replace", "path": "/spec/rules/0/matches/0/path/value", "value": "/"},
    ),
    "D2-remote-ref": (
        {"data": [{"remoteRef": {"key": "k"}}], "target": {"template": {}}},
        {"op": "replace", "path": "/spec/data/0/remoteRef/decodingStrategy", "value": "Base64"},
        {"op": "replace", "path": "/spec/data/0/remoteRef/decodingStrategy", "value": "None"},
    ),
    "D2-target-absent": (
        {},
        {"op": "replace", "path": "/spec/target/deletionPolicy", "value": "Delete"},
        {"op": "replace", "path": "/spec/target/deletionPolicy", "value": "Retain"},
    ),
    "D4-relabelings": (
        {"relabelings": [{"targetLabel": "node"}, {"action": "drop"}]},
        {"op": "replace", "path": "/spec/relabelings/0/action", "value": "keep"},
        {"op": "replace", "path": "/spec/relabelings/0/action", "value": "replace"},
    ),
    "D5-default-false": (
        {"cdi": {}},
        {"op": "replace", "path": "/spec/cdi/enabled", "value": True},
        {"op": "replace", "path": "/spec/cdi/enabled", "value": False},
    ),
}


@pytest.mark.parametrize("case", DEFAULTED)
def test_default_of_a_definition(world, case):
    spec, edit, repair = DEFAULTED[case]
    expected = world.sample(**spec)
    before = world.create(expected)
    world.edit(expected, edit)
    assert world.plan(expected) == [repair]
    world.repair(expected)
    assert world.get(expected)["spec"] == before["spec"]


EMPTY = {"syncPolicy": {"selfHeal": False, "valueFiles": []}}
PRUNED = [
    {"op": "remove", "path": "/spec/syncPolicy/selfHeal"},
    {"op": "remove", "path": "/spec/syncPolicy/valueFiles"},
]


def test_b10_false_that_a_client_drops_is_drift(world):
    expected = world.sample(**EMPTY)
    assert world.create(expected)["spec"]["syncPolicy"] == EMPTY["syncPolicy"], "the server keeps it"
    world.edit(expected, *PRUNED)
    assert [operation["op"] for operation in world.plan(expected)] == ["add", "add"]
    world.repair(expected)


def test_b10_false_that_a_client_drops_under_a_rule(world):
    expected = world.sample(replicas=1, **EMPTY)
    with world.with_rules({"object": {"kind": "Sample"}, "path": "spec/syncPolicy/*", "ignore": True}) as ruled:
        ruled.create(expected)
        ruled.edit(expected, *PRUNED, {"op": "replace", "path": "/spec/replicas", "value": 2})
        assert ruled.plan(expected) == [{"op": "replace", "path": "/spec/replicas", "value": 1}]


WEBHOOK_ADDS = {
    "D3-rules-appended": (
        {"rules": [{"name": "mine", "matches": []}]},
        {"op": "add", "path": "/spec/rules/-", "value": {"name": "autogen-mine", "matches": []}},
        {"path": "spec/rules", "keep": "all"},
    ),
    "D6-random-firmware": (
        {},
        {"op": "add", "path": "/spec/firmware", "value": {"uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223"}},
        {"path": "spec/firmware", "managed": True},
    ),
    "D6-annotation": (
        {},
        {"op": "add", "path": "/metadata/annotations", "value": {"example.com/pci-topology": "v3"}},
        {"path": "metadata/annotations/example.com~1pci-topology", "managed": True},
    ),
    "D7-operator-fills": (
        {"replicas": 1},
        {"op": "add", "path": "/spec/syncPolicy", "value": {"selfHeal": True}},
        {"path": "spec/syncPolicy", "adopt": True},
    ),
}


@pytest.mark.parametrize("case", WEBHOOK_ADDS)
def test_addition_by_a_webhook_or_operator(world, case):
    """It is drift, for nobody expected it, until a rule says whose it is."""
    spec, addition, rule = WEBHOOK_ADDS[case]
    expected = world.sample(**spec)
    world.create(expected)
    world.edit(expected, addition)
    assert [operation["op"] for operation in world.plan(expected)] == ["remove"]
    with world.with_rules({"object": {"kind": "Sample"}, **rule}) as ruled:
        assert ruled.plan(expected) == []
    world.repair(expected)


def test_d7_subset_annotation(world):
    expected = world.sample(replicas=1)
    expected["metadata"]["annotations"] = {"genreconcile.dev/subset": "/spec"}
    world.create(expected)
    world.edit(
        expected,
        {"op": "add", "path": "/spec/syncPolicy", "value": {"selfHeal": True}},
        {"op": "replace", "path": "/spec/replicas", "value": 5},
    )
    assert world.plan(expected) == [{"op": "replace", "path": "/spec/replicas", "value": 1}]


def test_d8_pod_defaults_do_not_reach_custom_resources(world):
    pod = {"spec": {"containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "1000m"}}}]}}
    expected = world.sample(template=pod)
    assert world.create(expected)["spec"]["template"] == pod, "no default is filled in, no quantity rewritten"
    world.edit(
        expected,
        {"op": "add", "path": "/spec/template/spec/restartPolicy", "value": "Always"},
        {"op": "add", "path": "/spec/template/spec/containers/0/resources/requests", "value": {}},
    )
    assert {operation["path"] for operation in world.plan(expected)} == {
        "/spec/template/spec/restartPolicy",
        "/spec/template/spec/containers/0/resources/requests",
    }
    world.repair(expected)


@pytest.mark.parametrize("built_in", [True, False], ids=["D9-built-in", "D9-custom"])
def test_unknown_field_is_an_error_of_the_input(world, built_in):
    good = world.deployment() if built_in else world.sample(replicas=1)
    world.create(good)
    bad = copy.deepcopy(good)
    bad["spec"]["replica"] = bad["spec"].pop("replicas", 1)
    for _ in range(2):
        (outcome,) = world.reconcile(bad)
        assert outcome.status == "failed"
        assert isinstance(outcome.error, gr.InputError)
        assert outcome.error.path == "/spec/replica"
        assert "did you mean replicas?" in str(outcome.error)


def test_d9_the_server_alone_would_drop_it_silently(world):
    """Why it has to be an error: without fieldValidation=Strict the server answers 201, and the field is gone."""
    bad = world.sample(replicas=1, replica=2)
    assert world.post(bad)["spec"] == {"replicas": 1, "target": {"deletionPolicy": "Retain"}}


def test_d10_embedded_resource(world):
    inner = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "spec": {"anything": [{"a": None}]}}
    expected = world.sample(embedded=inner)
    assert world.create(expected)["spec"]["embedded"] == inner
    world.edit(
        expected,
        {"op": "add", "path": "/spec/embedded/spec/more", "value": 1},
        {"op": "add", "path": "/spec/embedded/metadata/labels", "value": {"by": "hand"}},
    )
    world.repair(expected)
    assert world.get(expected)["spec"]["embedded"] == inner


def test_d10_unknown_metadata_of_an_embedded_resource(world):
    """The server prunes it even below preserve-unknown-fields."""
    inner = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "unknown": "y"}}
    bad = world.sample(embedded=inner)
    (outcome,) = world.reconcile(bad)
    assert outcome.error.path == "/spec/embedded/metadata/unknown"
    assert world.post(bad)["spec"]["embedded"]["metadata"] == {"name": "x"}


def test_d11_another_storage_version(world):
    """Stored as v2, which has a default of its own; expected, compared and patched as v1."""
    expected = world.sample(replicas=1, parentRefs=[{"name": "gateway"}])
    assert "addedInV2" not in world.create(expected)["spec"]
    newer = {**expected, "apiVersion": "cases.genreconcile.dev/v2"}
    assert world.get(newer)["spec"]["addedInV2"] == "x"
    answer = world.send(
        "PATCH",
        world.path(newer),
        [{"op": "replace", "path": "/spec/replicas", "value": 4}],
        "application/json-patch+json",
    )
    world.wait_for(expected, answer)
    assert world.plan(expected) == [{"op": "replace", "path": "/spec/replicas", "value": 1}]
    world.repair(expected)


def test_d11_conversion_of_a_built_in_kind(world):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "targetCPUUtilizationPercentage": 70}
    expected = world.obj("autoscaling/v1", "HorizontalPodAutoscaler", "web", spec=spec)
    world.create(expected)
    newer = {**expected, "apiVersion": "autoscaling/v2"}
    metric = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization"}}}
    metric["resource"]["target"]["averageUtilization"] = 60
    answer = world.send(
        "PATCH",
        world.path(newer),
        [{"op": "add", "path": "/spec/metrics/-", "value": metric}],
        "application/json-patch+json",
    )
    world.wait_for(expected, answer)
    # The old version shows what it has no field for as an annotation.
    assert [operation["path"] for operation in world.plan(expected)] == [
        "/metadata/annotations/autoscaling.alpha.kubernetes.io~1metrics"
    ]
    world.repair(expected)
    assert [metric["resource"]["name"] for metric in world.get(newer)["spec"]["metrics"]] == ["cpu"]
