"""Row R1.2: what an object gains from the version in which it is stored, laid into the schema that is compared."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile.compare.quick import is_clean
from genreconcile.kinds.storage import UNREADABLE, Definition, Versions
from genreconcile.kinds.versions import ALSO, HERE_ALONE, IN_MAPPING, Stored, overlaid, pruned
from genreconcile.normalize import Registry
from genreconcile.objects import GVK
from support.strategies import (
    GROUP,
    KIND,
    SHARED,
    VERSION,
    edited,
    in_another_version,
    kept,
    read_in,
    stored_in,
    values,
    world,
    worlds,
)

PRESERVE = "x-kubernetes-preserve-unknown-fields"
GVK_OF = GVK(GROUP, VERSION, KIND)


def spec(**properties):
    return {"type": "object", "properties": properties}


def test_r1_2_without_stored_versions_the_schema_is_the_same_object():
    schema = spec(a={"type": "string"})
    assert overlaid(schema, HERE_ALONE) is schema


def test_r1_2_of_a_default_there_is_what_the_written_version_knows():
    whole = {"type": "object", "default": {"x": 1, "y": 2}, "properties": {"x": {}, "y": {"default": 2}}}
    own = spec(a=whole, b={"default": 1}, c={"type": "array", "items": spec(d={"default": 1})})
    other = spec(a=spec(x={}), c={"type": "array", "items": spec(e={})})
    fields = overlaid(own, Stored((other,), other))["properties"]
    assert fields["a"] == {"type": "object", "default": {"x": 1}, "properties": {"x": {}, "y": {}}}
    assert fields["b"] == {}
    assert fields["c"]["items"]["properties"] == {"d": {}}
    # What was written in an older version may have lost it; what is written now has not.
    fields = overlaid(own, Stored((other,)))["properties"]
    assert fields["a"]["default"] == {"x": 1, "y": 2}
    assert fields["a"][ALSO] == [{"x": 1}]


def test_r1_2_defaults_are_laid_in_where_they_differ():
    own = spec(a={"type": "string"}, b={"type": "string", "default": "x"}, c={"type": "boolean", "default": True})
    other = spec(
        a={"type": "string", "default": "y"}, b={"type": "string", "default": "x"}, c={"type": "number", "default": 1}
    )
    before = copy.deepcopy((own, other))
    fields = overlaid(own, Stored((other,)))["properties"]
    assert [fields[key].get(ALSO) for key in "abc"] == [["y"], None, [1]]
    assert (own, other) == before


def test_r1_2_identity_is_left_alone():
    own = spec(metadata={"$ref": "x"}, spec=spec())
    other = spec(metadata=spec(name={"default": "n"}), spec={"default": {}, **spec()})
    fields = overlaid(own, Stored((other,)))["properties"]
    assert fields["metadata"] == {"$ref": "x"}
    assert fields["spec"][ALSO] == [{}]


def test_r1_2_a_field_that_only_the_stored_version_knows():
    """It is seen where unknown fields are kept, of any mapping too; else it is pruned."""
    other = spec(inner=spec(a={"default": 1}))
    closed, kept, open_ = spec(inner=spec()), spec(inner={**spec(), PRESERVE: True}), spec(inner={PRESERVE: True})
    assert overlaid(closed, Stored((other,))) == closed
    assert overlaid(kept, Stored((other,)))["properties"]["inner"]["properties"]["a"][ALSO] == [1]
    assert overlaid(open_, Stored((other,)))["properties"]["inner"][IN_MAPPING]["properties"]["a"][ALSO] == [1]


@pytest.mark.parametrize(
    ("value", "schema", "kept"),
    [
        ({"a": 1, "b": 2}, spec(a={}), {"a": 1}),
        ({"a": {"b": 1}}, {**spec(), PRESERVE: True}, {"a": {"b": 1}}),
        ({"a": {"b": 1, "c": 2}}, {"additionalProperties": spec(b={})}, {"a": {"b": 1}}),
        ([{"a": 1, "b": 2}], {"type": "array", "items": spec(a={})}, [{"a": 1}]),
        ({"kind": "x", "b": 2}, {"x-kubernetes-embedded-resource": True}, {"kind": "x"}),
        ([1], {}, [1]),
        ("text", spec(), "text"),
    ],
)
def test_r1_2_what_a_version_keeps_of_a_value(value, schema, kept):
    assert pruned(value, schema) == kept


def definition(stored, *versions):
    """``versions``: (name, stored now, schema)."""
    found = [
        {"name": name, "served": True, "storage": now, "schema": {"openAPIV3Schema": schema}}
        for name, now, schema in versions
    ]
    gvk = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return {**gvk, "metadata": {"name": "x"}, "spec": {"versions": found}, "status": {"storedVersions": stored}}


def test_r1_2_the_versions_in_which_objects_may_be_stored():
    crd = definition(["v0", "v1", "v2"], ("v1", False, {"n": 1}), ("v2", True, {"n": 2}), ("v3", False, {"n": 3}))
    token = [crd]
    versions = Versions(lambda _: (), lambda _: None, lambda _: Definition(token[0], lambda: token[0]))
    # The one that is written first; none of those that are gone, and not the one that is compared.
    assert versions.of(GVK_OF._replace(version="v3")) == Stored(({"n": 2}, {"n": 1}), {"n": 2})
    first = versions.of(GVK_OF._replace(version="v1"))
    assert first == Stored(({"n": 2},), {"n": 2})
    assert versions.of(GVK_OF._replace(version="v2")) == Stored(({"n": 1},))
    assert versions.of(GVK_OF._replace(version="v1")) is first
    # Another object that says the same: types live on.
    token[0] = copy.deepcopy(crd)
    assert versions.of(GVK_OF._replace(version="v1")) is first
    token[0] = definition(["v1"], ("v1", True, {"n": 1}), ("v2", False, {"n": 2}))
    assert versions.of(GVK_OF._replace(version="v1")) == HERE_ALONE


def test_r1_2_a_webhook_may_keep_elsewhere_what_the_written_version_does_not_know():
    crd = definition(["v1"], ("v1", True, {"n": 1}), ("v2", False, {"n": 2}))
    crd["spec"]["conversion"] = {"strategy": "Webhook", "webhook": {"clientConfig": {}}}
    versions = Versions(lambda _: (), lambda _: None, lambda _: Definition(crd, lambda: crd))
    assert versions.of(GVK_OF._replace(version="v2")) == Stored(({"n": 1},), is_converted=True)
    # Nothing is converted where nothing lies in another version.
    assert versions.of(GVK_OF._replace(version="v1")) == HERE_ALONE


def test_r1_2_where_definitions_cannot_be_read_each_served_version_may_be_stored():
    schemas = {"v1": {"n": 1}, "v2": {"n": 2}}
    siblings = [GVK_OF._replace(version=name) for name in ("v2", "v9")]
    versions = Versions(lambda _: siblings, lambda gvk: schemas.get(gvk.version), lambda _: UNREADABLE)
    first = versions.of(GVK_OF._replace(version="v1"))
    assert first == Stored(({"n": 2},), is_converted=True)  # As far as is known.
    assert versions.of(GVK_OF._replace(version="v1")) is first
    versions.lookup = lambda _: None
    assert versions.of(GVK_OF._replace(version="v1")) == HERE_ALONE


def test_r1_2_saved_documents_tell_what_other_versions_fill_in():
    def document(version, **properties):
        name = ".".join([*reversed(GROUP.split(".")), version, KIND])
        gvk = {"group": GROUP, "version": version, "kind": KIND}
        fields = {key: {"type": "string"} for key in ("apiVersion", "kind")}
        fields |= {"metadata": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}}
        fields |= {"spec": spec(**properties)}
        root = {"type": "object", "x-kubernetes-group-version-kind": [gvk], "properties": fields}
        return {"components": {"schemas": {name: root, **SHARED}}}

    graph = gr.Schema(
        {
            f"apis/{GROUP}/v1": document("v1", a={"type": "string"}),
            f"apis/{GROUP}/v2": document("v2", a={"type": "string", "default": "x"}),
        }
    )
    expected = {"apiVersion": f"{GROUP}/v1", "kind": KIND, "metadata": {"name": "n"}, "spec": {}}
    assert not gr.diff(expected, {**expected, "spec": {"a": "x"}}, schema=graph)
    assert gr.diff(expected, {**expected, "spec": {"a": "y"}}, schema=graph)


@st.composite
def stored_elsewhere(draw):
    """(graph, expected, live, edited): an object as it is read after it was written, in a kind that is stored in
    another version, and as somebody might have edited it.
    """
    here = draw(worlds)
    other = draw(in_another_version(here.structural))
    root = {"type": "object", "properties": {"spec": other}}
    found = Stored((root,), root if draw(st.booleans()) else None)
    here.graph.stored = lambda _: found
    written = draw(values(here.structural, loose=True))
    live = read_in(stored_in(written, here.structural, other), here.structural, other)
    # What the stored version cannot hold is no business of this test.
    head = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": {"name": "m", "namespace": "n"}}
    specs = (kept(written, other), live, draw(edited(live, here.structural)))
    return here.graph, *({**head, "spec": found} for found in specs)


@given(stored_elsewhere())
def test_r1_2_what_was_written_is_no_drift_when_it_is_read_again(found):
    graph, expected, live, other = found
    assert not gr.diff(expected, live, schema=graph)
    node = Registry.builtin().compile(GVK_OF, graph.root(GVK_OF), expected, has_status=True)
    if is_clean(expected, other, node):
        assert not gr.diff(expected, other, schema=graph)


def compared(own, written):
    """What compares two specs of a kind whose objects are written in another version."""
    found = world(own)
    root = spec(spec=written)
    found.graph.stored = lambda _: stored
    stored = Stored((root,), root)
    head = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": {"name": "m", "namespace": "n"}}

    def diff(*specs):
        expected, live = ({**head, "spec": value} for value in specs)
        node = Registry.builtin().compile(GVK_OF, found.graph.root(GVK_OF), expected, has_status=True)
        told = gr.diff(expected, live, schema=found.graph)
        assert not (told and is_clean(expected, live, node))
        return told

    return diff


NULLABLE = {"type": "string", "nullable": True}
FILLED = {"type": "string", "default": "x"}
DEFAULTED = spec(a={"type": "string", "default": "x"}, n={"type": "object", "default": {}, **spec(m={"default": 1})})


@pytest.mark.parametrize(
    ("own", "written", "live", "is_drift"),
    [
        (NULLABLE, FILLED, "x", False),
        (NULLABLE, FILLED, "y", True),
        ({**NULLABLE, "default": "y"}, FILLED, "x", False),
        ({**NULLABLE, "default": "y"}, FILLED, "y", True),
        (None, FILLED, "x", False),
        (None, FILLED, "y", True),
        (NULLABLE, {**FILLED, "nullable": True}, None, False),
        (NULLABLE, {**FILLED, "nullable": True}, "x", True),
        (NULLABLE, {"type": "string"}, None, False),
        (None, {"default": {}, **DEFAULTED}, {"a": "x", "n": {"m": 1}}, False),
        (None, {"default": {}, **DEFAULTED}, {"a": "x", "n": {"m": 2}}, True),
    ],
)
def test_r1_2_a_null_that_the_written_version_does_not_know_becomes_its_default(own, written, live, is_drift):
    """The server prunes it before it fills defaults in: a null stays only where the field is nullable."""
    diff = compared(spec(e=own) if own else {"type": "object", PRESERVE: True}, spec(e=written))
    assert bool(diff({"e": None}, {"e": live})) == is_drift


@pytest.mark.parametrize("at", ["items", "additionalProperties"])
def test_r1_2_such_a_null_further_down(at):
    shape = {"items": "array", "additionalProperties": "object"}[at]
    own, written = ({"type": shape, at: spec(e=field)} for field in (NULLABLE, FILLED))

    def around(value):
        return {"a": [{"e": value}] if at == "items" else {"k": {"e": value}}}

    diff = compared(spec(a=own), spec(a=written))
    assert not diff(around(None), around("x"))
    assert diff(around(None), around("y"))


@pytest.mark.parametrize(
    ("written", "live"),
    [
        ({"type": "array", "items": DEFAULTED, "default": [{}]}, [{"a": "x", "n": {"m": 1}}]),
        ({"type": "array", "items": DEFAULTED, "default": [{"a": None}]}, [{"a": "x", "n": {"m": 1}}]),
        ({"additionalProperties": DEFAULTED, "type": "object", "default": {"k": {}}}, {"k": {"a": "x", "n": {"m": 1}}}),
        ({**DEFAULTED, "default": {"a": "y"}}, {"a": "y", "n": {"m": 1}}),
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_r1_2_a_default_holds_the_defaults_of_what_is_in_it(written, live, known):
    """Also of a field that the version which is read keeps, and knows nothing of."""
    bare = {key: value for key, value in written.items() if key != "default"}
    own = spec(e=bare) if known else {"type": "object", PRESERVE: True}
    diff = compared(own, spec(e=written))
    assert not diff({}, {"e": live})
    assert diff({}, {"e": [] if isinstance(live, list) else {}})
