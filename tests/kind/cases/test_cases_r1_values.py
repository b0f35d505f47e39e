"""R1: what the server makes of texts and numbers, seen through the engine: no false drift, and repairs that arrive."""

import copy

import pytest

import genreconcile as gr
from support import objects
from support.eventually import eventually
from support.objects import struct

NUMBERS = [0.000005, 1e-6, 1e-7, 1.5e-9, 1e21, 3.4028235e38, 5e-324, 1.7976931348623157e308, -2.5e-8, 1e20, 2.0**62,
           2**64 - 1, 2**63, -(2**63) - 1, 9223372036854774807, 2**53 + 1, 10**22, -0.0, 1.0, 0.1]  # fmt: skip
IMAGES = ["{{ .image }}", "Team/App:latest", "ko://example.com/app", "a" * 64, "docker.io/" + "a" * 248, "nginx",
          "Registry/app", "app:latest@sha256:" + "0" * 64, "app:latest@sha256:0", "[::1]:5000/app"]  # fmt: skip
GROUP = "values.genreconcile.dev"


def definition(name, spec):
    """A CustomResourceDefinition, its ``spec`` a schema."""
    return objects.definition(GROUP, objects.version("v1", struct(spec=struct(**spec))), kind=name)


def schema_of(crd):
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]


@pytest.fixture(scope="module")
def numbers(cluster):
    """A kind with numbers in members of a list, with a schema and without."""
    free = {"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    typed = {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}}}}
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([definition("Numbers", {"free": free, "typed": typed})]).raise_for_failures()
    return f"{GROUP}/v1"


def test_r1_1_images_that_are_no_references(world):
    expected = world.deployment()
    containers = [{"name": f"c{index}", "image": image} for index, image in enumerate(IMAGES)]
    expected["spec"]["template"]["spec"]["containers"] = containers
    world.create(expected)
    policies = [c["imagePullPolicy"] for c in world.get(expected)["spec"]["template"]["spec"]["containers"]]
    for index in range(len(policies)):
        path = f"/spec/template/spec/containers/{index}/imagePullPolicy"
        world.edit(expected, {"op": "replace", "path": path, "value": "Never"})
        assert [operation["path"] for operation in world.plan(expected)] == [path]
        world.repair(expected)
    assert policies == [c["imagePullPolicy"] for c in world.get(expected)["spec"]["template"]["spec"]["containers"]]


def test_r1_3_a_definition_with_numbers_that_go_spells_otherwise(world):
    bounds = {f"n{i}": {"type": "number", "minimum": -abs(n), "maximum": abs(n)} for i, n in enumerate(NUMBERS)}
    defaults = {f"d{i}": {"type": "number", "default": n, "enum": [n]} for i, n in enumerate(NUMBERS)}
    expected = definition("Bound", {**bounds, **defaults})
    world.create(expected)
    upgraded = copy.deepcopy(expected)
    schema_of(upgraded)["unrelated"] = {"type": "string"}
    world.repair(upgraded)
    schema_of(upgraded)["n0"]["minimum"] = -0.0
    world.repair(upgraded)
    assert schema_of(world.get(upgraded)).keys() == {*bounds, *defaults, "unrelated"}
    del schema_of(upgraded)["unrelated"]
    world.repair(upgraded)
    live = schema_of(world.get(upgraded))
    assert (live.keys(), live["n0"]["minimum"]) == ({*bounds, *defaults}, 0)
    world.delete(upgraded)


@pytest.mark.parametrize("place", ["free", "typed"])
@pytest.mark.parametrize("number", NUMBERS)
def test_r1_3_a_number_that_somebody_adds_to_a_list_is_removed(world, numbers, place, number):
    expected = world.obj(numbers, "Numbers", "n", spec={place: [{"n": 1}]})
    world.create(expected)
    world.edit(expected, {"op": "add", "path": f"/spec/{place}/0", "value": {"n": number}})
    world.repair(expected)
    assert world.get(expected)["spec"] == {place: [{"n": 1}]}


def test_r1_4_numbers_that_the_server_keeps_as_float64(world, numbers):
    members = [{"n": number} for number in NUMBERS]
    expected = world.obj(numbers, "Numbers", "n", spec={"free": members, "typed": members})
    world.create(expected)
    paths = {f"/spec/{place}/{i}/n": n for place in ("free", "typed") for i, n in enumerate(NUMBERS)}
    world.edit(expected, *({"op": "replace", "path": path, "value": 7} for path in paths))
    assert {operation["path"]: operation["value"] for operation in world.plan(expected)} == paths
    world.repair(expected)


def test_r1_4_integers_of_64_bits_keep_all_digits(world, numbers):
    expected = world.obj(numbers, "Numbers", "n", spec={"free": [{"n": 2**63 - 1}, {"n": 2**53 + 1}]})
    world.create(expected)
    for index, number in enumerate([2**63 - 2, 2**53]):
        world.edit(expected, {"op": "replace", "path": f"/spec/free/{index}/n", "value": number})
        assert len(world.plan(expected)) == 1
        world.repair(expected)


def test_r1_4_bounds_of_a_definition(world):
    bound = {"type": "number", "maximum": 9223372036854774807, "minimum": -(2**53) - 1}
    expected = definition("Large", {"n": bound})
    world.create(expected)
    before = schema_of(world.get(expected))["n"]["maximum"]
    schema_of(expected)["n"]["maximum"] = 9223372036854773000
    world.repair(expected)
    assert schema_of(world.get(expected))["n"]["maximum"] < before
    world.delete(expected)


def test_r1_3_raw_json_keeps_the_spelling_of_who_wrote_it(world):
    """A RawExtension: its text cannot be told from its value, so no ``test`` holds it."""
    driver = {"driver": "example.com", "parameters": {"a": 1.5}}
    expected = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceClass",
        "metadata": {"name": world.namespace},
        "spec": {"config": [{"opaque": driver}]},
    }
    raw = rb'{"a":1.0,"b":1e3,"c":"\u00e9\/\ud800<","d":-0,"e":18446744073709551615,"f":"%b"}' % b"\xff"
    body = b'[{"op":"add","path":"/spec/config/0","value":{"opaque":{"driver":"example.com","parameters":%b}}}]' % raw
    world.create(expected)
    world.cluster.request("PATCH", world.path(expected), body=body, content_type="application/json-patch+json")
    assert eventually(lambda: world.plan(expected))
    world.repair(expected)
    world.delete(expected)


def test_r1_3_raw_json_within(world):
    """Members of its lists, and integers of any size, of which it keeps all digits."""
    inner = {"items": [{"n": 1}], "big": 2**64 - 1}
    expected = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceClass",
        "metadata": {"name": world.namespace},
        "spec": {"config": [{"opaque": {"driver": "example.com", "parameters": inner}}]},
    }
    world.create(expected)
    place = "/spec/config/0/opaque/parameters"
    world.edit(expected, {"op": "replace", "path": f"{place}/big", "value": 2**64 - 2})
    assert world.plan(expected) == [{"op": "replace", "path": f"{place}/big", "value": 2**64 - 1}]
    world.repair(expected)
    body = b'[{"op":"add","path":"%b/items/0","value":{"n":1.0,"s":"\\u0041"}}]' % place.encode()
    world.cluster.request("PATCH", world.path(expected), body=body, content_type="application/json-patch+json")
    assert eventually(lambda: world.plan(expected))
    world.repair(expected)
    world.delete(expected)
