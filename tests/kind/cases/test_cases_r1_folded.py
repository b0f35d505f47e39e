"""R1.14: of equal members of a list the server keeps one in ``ownerReferences``, and all of them anywhere else."""

import copy
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.compare import Comparison
from genreconcile.normalize.prepare import without_system

GOLDEN = Path(__file__).parents[2] / "unit/golden"
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "8f4e5a52-0000-4000-8000-000000000001"}


def owned(world, *references):
    return world.config(metadata={"ownerReferences": list(references)}, data={"k": "v"})


@pytest.mark.parametrize(
    "references",
    [
        (OWNER, OWNER),
        (OWNER, OWNER, OWNER),
        (OWNER, {**OWNER, "uid": "other"}, OWNER),
        (OWNER, dict(reversed(OWNER.items()))),
        (OWNER, {**OWNER, "controller": None}),
        ({**OWNER, "controller": True}, {**OWNER, "controller": True}),
    ],
)
def test_r1_14_equal_owners_are_one(world, references):
    live = world.create(owned(world, *references))
    assert len(live["metadata"]["ownerReferences"]) == len({reference["uid"] for reference in references})
    assert world.plan(owned(world, *references[:1], *references)) == []


@pytest.mark.parametrize("other", [{**OWNER, "controller": False}, {**OWNER, "blockOwnerDeletion": True}])
def test_r1_14_owners_that_differ_in_anything_are_two(world, other):
    live = world.create(owned(world, OWNER, other, OWNER))
    assert live["metadata"]["ownerReferences"] == [OWNER, other]


def test_r1_14_an_owner_that_is_put_back_is_put_back_once(world):
    world.create(world.config(data={"k": "v"}))
    world.repair(owned(world, OWNER, OWNER))
    assert world.get(world.config())["metadata"]["ownerReferences"] == [OWNER]


def lists(value, path=()):
    """The paths of all lists that are not empty."""
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(entry, list) and entry:
            yield (*path, key)
        if isinstance(entry, dict | list):
            yield from lists(entry, (*path, key))


def at(value, path):
    for token in path:
        value = value[token]
    return value


def goldens(world):
    """One expected object of each kind and list, in the world's namespace."""
    seen = set()
    for file in sorted(GOLDEN.rglob("*.yaml")):
        expected = copy.deepcopy(yaml.safe_load(file.read_text("utf-8"))["expected"])
        try:
            resource = world.catalog.resource(gr.GVK.of(expected))
        except gr.ReconcileError:
            continue
        expected["metadata"].pop("namespace", None)
        expected["metadata"] |= {"name": "twice", **({"namespace": world.namespace} if resource.namespaced else {})}
        expected["metadata"].setdefault("ownerReferences", [OWNER])
        expected["metadata"].setdefault("finalizers", ["example.com/f"])
        for path in lists(expected):
            place = (resource, tuple("*" if isinstance(token, int) else token for token in path))
            if place not in seen:
                seen.add(place)
                yield resource, expected, path


def test_r1_14_any_list_with_a_member_twice_is_unchanged_as_the_server_stores_it(world):
    tried = 0
    for resource, expected, path in goldens(world):
        twice = copy.deepcopy(expected)
        members = at(twice, path)
        members.append(copy.deepcopy(members[0]))
        node, typed = world.catalog.node(resource, twice)
        place = resource.path(twice["metadata"].get("namespace", ""))
        try:
            stored = world.send("POST", place, without_system(twice, node), query={"dryRun": "All"})
        except gr.ClusterError:
            continue  # Refused, as most lists of names are.
        tried += 1
        assert Comparison(node, typed).compare(twice, stored).differences == (), (resource.gvk, path)
    assert tried > 100
