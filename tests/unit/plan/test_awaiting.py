"""Objects that today's schema does not allow, in a set that changes the definition of their kind."""

import pytest

from genreconcile.compare.patch import Patch
from genreconcile.errors import InputError, NoMember, ReconcileError
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change, Plan, awaiting, deferred, with_definitions

GROUP = "apiextensions.k8s.io"
DEFINER = GVK(GROUP, "v1", "CustomResourceDefinition")
SPEC = {
    "group": "example.dev",
    "scope": "Namespaced",
    "names": {"kind": "Thing", "plural": "things"},
    "versions": [{"name": "v1", "served": True}],
}
UNKNOWN = InputError("no such field", "/spec/mode")


def definition(operation="update", path="/spec/versions/0/schema"):
    key = ObjectKey(GROUP, DEFINER.kind, "", "things.example.dev")
    expected = {"apiVersion": f"{GROUP}/v1", "kind": DEFINER.kind, "metadata": {"name": key.name}, "spec": SPEC}
    patch = Patch([{"op": "add", "path": path, "value": {}}] if operation == "update" else [])
    return Change(operation, DEFINER, key, patch, expected)


def change(name, kind="Thing", operation="none", error=None, group="example.dev"):
    return Change(operation, GVK(group, "v1", kind), ObjectKey(group, kind, "shop", name), error=error)


def test_what_the_schema_does_not_allow_waits_for_its_definition():
    found = deferred([change("a", error=UNKNOWN), change("b", operation="create"), definition()], "subset")
    assert [(one.awaits_definition, one.skipped, one.error) for one in found] == [
        (True, True, None), (False, False, None), (False, False, None)
    ]  # fmt: skip
    assert found[0].fields == "subset"
    assert awaiting(Plan(tuple(found))) == [found[0]]


@pytest.mark.parametrize(
    ("failing", "defining"),
    [
        (change("a", error=UNKNOWN), definition("none")),
        (change("a", error=UNKNOWN), definition(path="/metadata/labels")),
        (change("a", "Other", error=UNKNOWN), definition()),
        (change("a", error=ReconcileError("a rule raised")), definition()),
        (change("a", error=NoMember("it may not be there", "/metadata/namespace")), definition()),
    ],
)
def test_what_no_definition_will_help_fails(failing, defining):
    found = deferred([failing, defining], "exact")
    assert found == [failing, defining]


def test_definitions_are_written_first_in_their_place():
    space, thing, pod, changed = (
        change("n", "Namespace", group=""),
        change("a"),
        change("h", "Pod", group=""),
        definition(),
    )
    assert with_definitions([thing, changed, space, pod]) == ([changed, space], [thing, pod])
    assert with_definitions([thing, space]) == ([], [thing, space])
