"""Schemas as CustomResourceDefinitions have them, objects valid under them, and what an API server makes of these.

The last part is a model of the API server, written from its documentation and held against a real one in tests/kind; it
shares no code with what it tests.
"""

import copy
import json
from dataclasses import dataclass

from hypothesis import strategies as st

import genreconcile as gr
from support.recorded import WIDGETS

GROUP, VERSION, KIND = "model.genreconcile.dev", "v1", "Model"
NAMES = "abcd"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
INT_OR_STRING = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
# Few values of each kind, so that two objects often agree; some are two spellings of one value.
SCALARS = [
    ({"type": "string"}, ["", "a", "b", "é<&"]),
    ({"type": "integer"}, [0, 1, 2]),
    ({"type": "number"}, [0, 1, 0.5, 1e21]),
    ({"type": "boolean"}, [False, True]),
    (INT_OR_STRING, [80, "80", "10%", 0]),
    ({**INT_OR_STRING, "pattern": QUANTITY}, [1, "1", "1000m", "1Gi", "1024Mi", "0"]),
    ({"type": "string", "format": "byte"}, ["YQ==", "Yg==", "YWI="]),
    (
        {"type": "string", "format": "date-time"},
        ["2024-01-02T03:04:05Z", "2024-01-02T04:04:05+01:00", "2024-01-02T03:04:06Z"],
    ),
]
SHARED = {
    name: schema for name, schema in json.loads(WIDGETS.read_text())["components"]["schemas"].items() if "k8s" in name
}

OWNED = {"uid": "u", "resourceVersion": "7", "generation": 1, "creationTimestamp": "2024-01-01T00:00:00Z"}


def scalar(name):
    """The schema of a kind of scalar, by the name that genreconcile has for it."""
    return next(dict(schema) for schema, _ in SCALARS if _scalar(schema) == name)


def _scalar(schema):
    if "pattern" in schema:
        return "quantity"
    return schema.get("format") or schema.get("type") or "int-or-string"


one_in_four = st.sampled_from([False, False, False, True])
keys = st.sampled_from(["x", "y", "z/é"])
anything = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 0.5, "", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)
scalar_schemas = st.sampled_from([schema for schema, _ in SCALARS]).map(dict)


@dataclass(frozen=True)
class World:
    """A kind, as its definition describes it; ``graph`` is what genreconcile makes of that."""

    structural: dict
    graph: gr.Schema


def world(spec):
    """The world whose only kind has this ``spec``."""
    root = {
        "type": "object",
        "x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": KIND}],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]},
            "spec": spec,
        },
    }
    name = ".".join([*reversed(GROUP.split(".")), VERSION, KIND])
    return World(spec, gr.Schema({f"apis/{GROUP}/{VERSION}": {"components": {"schemas": {name: root, **SHARED}}}}))


# Schemas


@st.composite
def object_schemas(draw, depth, *, preserving=True, least=0):
    """An object; without properties it is closed, and can only be empty."""
    properties = draw(st.dictionaries(st.sampled_from(NAMES), field_schemas(depth - 1), min_size=least, max_size=3))
    schema = {"type": "object"} | ({"properties": properties} if properties else {})
    return schema | ({PRESERVE: True} if preserving and draw(one_in_four) else {})


@st.composite
def list_schemas(draw, depth, types=("atomic", "set", "map")):
    """A list of any list type."""
    kind = draw(st.sampled_from(types))
    schema = {"type": "array"} | ({} if kind == "atomic" and draw(st.booleans()) else {"x-kubernetes-list-type": kind})
    if kind == "atomic":
        return schema | {"items": draw(plain_schemas(depth - 1))}
    if kind == "set":
        atomic = object_schemas(1, preserving=False).map(lambda items: items | {"x-kubernetes-map-type": "atomic"})
        return schema | {"items": draw(scalar_schemas | atomic)}
    items = draw(object_schemas(depth - 1, preserving=False))
    own = {"k": draw(st.sampled_from([{"type": "string"}, {"type": "integer"}]))}
    if draw(st.booleans()):
        own["p"] = {"type": "string", "default": "TCP"}
    items = items | {"properties": items.get("properties", {}) | own, "required": ["k"]}
    return schema | {"items": items, "x-kubernetes-list-map-keys": list(own)}


@st.composite
def plain_schemas(draw, depth):
    """Any schema, perhaps nullable."""
    kinds = ["scalar"] if depth <= 0 else ["scalar", "object", "map", "list", "list", "any"]
    kind = draw(st.sampled_from(kinds))
    if kind == "scalar":
        schema = draw(scalar_schemas)
    elif kind == "object":
        schema = draw(object_schemas(depth))
    elif kind == "map":
        schema = {"type": "object", "additionalProperties": draw(plain_schemas(depth - 1))}
    elif kind == "list":
        schema = draw(list_schemas(depth))
    else:
        schema = {PRESERVE: True}
    return schema | ({"nullable": True} if kind != "any" and draw(one_in_four) else {})


@st.composite
def field_schemas(draw, depth):
    """Any schema, perhaps with a default."""
    schema = draw(plain_schemas(depth))
    if draw(one_in_four):
        schema["default"] = draw(values({key: value for key, value in schema.items() if key != "nullable"}))
        if schema["default"] is None:
            del schema["default"]
    return schema


worlds = object_schemas(3, least=1).map(world)


# Values


def values(schema, *, loose=False):
    """Values that are valid under a schema. ``loose``: also nulls where the server takes them for missing."""
    found = _plain(schema, loose=loose)
    return found | st.none() if schema.get("nullable") else found


def _plain(schema, *, loose):
    if is_list(schema):
        members = st.lists(values(schema["items"], loose=loose), max_size=3)
        return members.map(lambda found: unique(found, schema))
    if "additionalProperties" in schema:
        return st.dictionaries(keys, _or_null(schema["additionalProperties"], loose=loose), max_size=3)
    if schema.get("type") == "object":
        return _objects(schema, loose=loose)
    # Null is not among anything: the server drops it at a field itself, and keeps it further inside.
    return (
        anything.filter(lambda found: found is not None) if PRESERVE in schema else st.sampled_from(scalars_of(schema))
    )


def _objects(schema, *, loose):
    properties, required = schema.get("properties", {}), schema.get("required", ())
    known = st.fixed_dictionaries(
        {key: values(properties[key]) for key in required},
        optional={key: _or_null(field, loose=loose) for key, field in properties.items() if key not in required},
    )
    if EMBEDDED in schema:
        head = {"apiVersion": "v1", "kind": "Inner", "metadata": {"name": "inner"}}
        known = known.map(lambda own: {**head, **own})
    if PRESERVE not in schema:
        return known
    return st.builds(lambda own, more: {**more, **own}, known, st.dictionaries(keys, anything, max_size=1))


def _or_null(schema, *, loose):
    found = values(schema, loose=loose)
    return st.one_of(found, found, found, st.none()) if loose else found


def scalars_of(schema):
    """The values to try for a scalar."""
    wanted = {key: schema[key] for key in ("type", "format", "pattern", "x-kubernetes-int-or-string") if key in schema}
    return next(found for kind, found in SCALARS if {key: kind[key] for key in kind if key != "anyOf"} == wanted)


def is_list(schema):
    return schema.get("type") == "array"


def is_unordered(schema):
    return schema.get("x-kubernetes-list-type") in {"set", "map"}


def identity(member, schema):
    """What no two members of a set or map may have in common: the server refuses that."""
    if member is None:
        return "null"
    properties = schema["items"].get("properties", {})
    names = schema.get("x-kubernetes-list-map-keys")
    if names is None:
        return json.dumps(stored(member, schema["items"]), sort_keys=True)
    found = (member.get(name) for name in names)
    return json.dumps(
        [properties[name].get("default") if own is None else own for name, own in zip(names, found, strict=True)]
    )


def unique(members, schema):
    """The members that the server takes; in an atomic list all."""
    if not is_unordered(schema):
        return members
    return list({identity(member, schema): member for member in members}.values())


def has_twins(value, schema):
    """Whether a set or map in it has two members that the server takes for one: it would refuse them."""
    if isinstance(value, dict):
        return any(has_twins(entry, part(schema, key)) for key, entry in value.items())
    if not isinstance(value, list) or not is_list(schema):
        return False
    if is_unordered(schema) and len(unique(value, schema)) < len(value):
        return True
    return any(has_twins(member, schema["items"]) for member in value)


def part(schema, key):
    """The schema of what stands under a key; of an unknown key, that of anything."""
    known = schema.get("properties", {})
    return known[key] if key in known else schema.get("additionalProperties") or {PRESERVE: True}


@st.composite
def edited(draw, value, schema):
    """The value as somebody might change it; still valid."""
    what = draw(st.sampled_from(["keep", "new", "inside", "inside", "inside"]))
    if what == "inside" and isinstance(value, dict) and value:
        required = schema.get("required", ())
        result = {key: draw(edited(entry, part(schema, key))) for key, entry in value.items()}
        gone = draw(st.sampled_from([None, *(key for key in sorted(value) if key not in required)]))
        more = draw(values(schema)) if draw(st.booleans()) and "nullable" not in schema else {}
        return {**(more if isinstance(more, dict) else {}), **{k: v for k, v in result.items() if k != gone}}
    if what == "inside" and isinstance(value, list) and is_list(schema):
        members = [draw(edited(member, schema["items"])) if draw(one_in_four) else member for member in value]
        more = draw(st.lists(values(schema["items"]), max_size=1))
        return unique(draw(st.permutations([*members, *more]))[draw(st.integers(0, 1)) :], schema)
    return draw(values(schema)) if what == "new" else value


@st.composite
def shuffled(draw, value, schema, *, members=True):
    """The same, with keys, and members of lists whose order means nothing, in another order."""
    if isinstance(value, dict):
        return {key: draw(shuffled(value[key], part(schema, key), members=members)) for key in reversed(value)}
    if isinstance(value, list):
        inner = schema["items"] if is_list(schema) else {PRESERVE: True}
        found = [draw(shuffled(member, inner, members=members)) for member in value]
        return draw(st.permutations(found)) if members and is_unordered(schema) else found
    return value


# Objects


texts = st.dictionaries(st.sampled_from(["app", "example.com/é"]), st.sampled_from(["", "a", "b<"]), max_size=2)


def model(spec, labels, annotations):
    """An object of the kind, as somebody would write it."""
    metadata = {"name": "m", "namespace": "n"}
    metadata |= {key: found for key, found in (("labels", labels), ("annotations", annotations)) if found is not None}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": metadata, "spec": spec}


@st.composite
def pairs(draw, some=worlds):
    """(world, expected, live): two objects of a kind, sometimes almost the same."""
    here = draw(some)
    spec = draw(values(here.structural, loose=True))
    other = draw(edited(spec, here.structural) | values(here.structural))
    expected, was = (model(found, draw(st.none() | texts), draw(st.none() | texts)) for found in (spec, other))
    return here, expected, create(was, here)


# Built-in types


def leaf(kind):
    """The schema of a scalar of a built-in type."""
    return scalar("date-time" if kind.scalar == "time" else kind.scalar)


@st.composite
def trimmed(draw, kind, depth):
    """The schema of a built-in type with a few of its fields, so that objects under it stay small."""
    if kind.alternative is not None and draw(st.booleans()):
        kind = kind.alternative
    if kind.shape == "scalar":
        return leaf(kind)
    if kind.shape == "map":
        return {"type": "object", "additionalProperties": draw(trimmed(kind.values.type, depth - 1))}
    if kind.shape == "list":
        keys = {"x-kubernetes-list-map-keys": list(kind.list_keys)} if kind.list_type == "map" else {}
        # The server takes members with equal keys: sometimes nothing is known of keys.
        known = {"x-kubernetes-list-type": kind.list_type, **keys} if draw(st.booleans()) else {}
        return {"type": "array", "items": draw(trimmed_members(kind, depth - 1)), **known}
    return draw(_trimmed_object(kind, depth)) if kind.shape == "object" else {PRESERVE: True}


@st.composite
def trimmed_members(draw, kind, depth):
    """The schema of the members of a list, with its keys."""
    items = kind.items.type
    schema = draw(trimmed(items, depth))
    own = {key: leaf(items.fields[key].type) for key in kind.list_keys}
    return schema | ({"properties": schema.get("properties", {}) | own, "required": list(own)} if own else {})


@st.composite
def _trimmed_object(draw, kind, depth):
    names = sorted(key for key, field in kind.fields.items() if depth > 0 or field.type.shape == "scalar")
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)) if names else []
    properties = {key: draw(trimmed(kind.fields[key].type, depth - 1)) for key in chosen}
    return {"type": "object"} | ({"properties": properties} if properties else {})


@st.composite
def builtin_pairs(draw, graph, gvks, loose=True):
    """(schema, expected, live): two objects of a built-in kind, live as a server without defaults might have it."""
    gvk = draw(st.sampled_from(gvks))
    root = graph.root(gvk)
    fields = sorted(root.fields.keys() - {"apiVersion", "kind", "metadata", "status"})
    properties = {
        key: draw(trimmed(root.fields[key].type, 7)) for key in fields if key == "spec" or draw(st.booleans())
    }
    schema = {"type": "object", "properties": properties}
    here = draw(values(schema, loose=loose))
    there = draw(edited(here, schema) | values(schema))
    head = {"apiVersion": gvk.api_version, "kind": gvk.kind}
    metadata = {"name": "m", "namespace": "n", "labels": draw(texts)}
    return schema, {**head, "metadata": metadata, **here}, {**head, "metadata": metadata | OWNED, **there}


# The server


def create(expected, here):
    """What the API server answers to the creation of an object."""
    result = copy.deepcopy(expected)
    result["spec"] = stored(expected["spec"], here.structural)
    result["metadata"] = {**result["metadata"], **OWNED}
    return result


def stored(value, schema):
    """Nulls at fields that are not nullable are missing, unknown fields are pruned, defaults are filled in."""
    if isinstance(value, list):
        return [stored(member, schema["items"]) for member in value] if is_list(schema) else copy.deepcopy(value)
    if not isinstance(value, dict) or (schema.get("type") != "object"):
        return copy.deepcopy(value)
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    found = {}
    for key, entry in value.items():
        field = properties.get(key, others)
        if field is None:
            if keeps(schema, key):
                found[key] = copy.deepcopy(entry)
        elif entry is not None or field.get("nullable"):
            found[key] = stored(entry, field)
    missing = {key: stored(field["default"], field) for key, field in properties.items() if "default" in field}
    return {**missing, **found}


def keeps(schema, key):
    """Whether a field that the schema does not name stays."""
    return PRESERVE in schema or (EMBEDDED in schema and key in {"apiVersion", "kind", "metadata"})


# Versions


@st.composite
def in_another_version(draw, schema):
    """The schema in another version of the kind: the same types, other defaults, sometimes a field more or less."""
    if is_list(schema):
        keys = schema.get("x-kubernetes-list-map-keys", ())
        return schema | {"items": draw(_other_items(schema["items"], keys))}
    if "additionalProperties" in schema:
        return schema | {"additionalProperties": draw(in_another_version(schema["additionalProperties"]))}
    if not schema.get("properties"):
        return dict(schema)
    required = schema.get("required", ())
    fields = {}
    for key, field in schema["properties"].items():
        if key in required or draw(st.integers(0, 7)):
            fields[key] = field if key in required else draw(_other_field(field))
    # An embedded object has a field at least, unless it keeps unknown ones.
    if draw(one_in_four) or (not fields and EMBEDDED in schema):
        fields["e"] = draw(field_schemas(0))
    return {key: value for key, value in schema.items() if key != "properties"} | {"properties": fields}


@st.composite
def _other_items(draw, schema, keys):
    """Keys stay what they are, with their defaults."""
    other = draw(in_another_version(schema))
    own = {key: field for key, field in schema.get("properties", {}).items() if key in keys}
    return other | ({"properties": other.get("properties", {}) | own} if own else {})


@st.composite
def _other_field(draw, field):
    other = draw(in_another_version(field))
    what = draw(st.sampled_from(["keep", "keep", "drop", "new", "new"]))
    other = {key: value for key, value in other.items() if key != "default"}
    default = field.get("default") if what == "keep" else None
    if what == "new":
        default = draw(values({key: value for key, value in other.items() if key != "nullable"}))
    default = kept(default, other)
    return other if default is None or has_twins(default, other) else other | {"default": default}


def kept(value, schema):
    """Without what a schema does not know: as ``stored``, and nothing is filled in."""
    if isinstance(value, list):
        return [kept(member, schema["items"]) for member in value] if is_list(schema) else copy.deepcopy(value)
    if not isinstance(value, dict) or schema.get("type") != "object":
        return copy.deepcopy(value)
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    found = {}
    for key, entry in value.items():
        field = properties.get(key, others)
        if field is None and keeps(schema, key):
            found[key] = copy.deepcopy(entry)
        elif field is not None:
            found[key] = kept(entry, field)
    return found


def stored_in(value, own, other):
    """What etcd holds after a write in one version of a kind that is stored in another."""
    return kept(stored(value, own), other)


def read_in(value, own, other):
    """What is read in one version of what is stored in another."""
    return kept(stored(value, other), own)
