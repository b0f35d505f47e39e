"""What holds for every schema and every two objects: the comparison against a model of the API server.

``HYPOTHESIS_PROFILE=thorough`` tries many more examples, new ones each time.
"""

import base64
import datetime as dt
import json
import os

import jsonpatch
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from kubernetes.utils import parse_quantity

import genreconcile as gr
from genreconcile.compare.quick import is_clean
from genreconcile.normalize import prepare
from genreconcile.objects import GVK
from genreconcile.pointer import join_pointer
from support.recorded import BUILT_IN, SCHEMA
from support.strategies import (
    OWNED,
    PRESERVE,
    builtin_pairs,
    create,
    edited,
    identity,
    is_list,
    is_unordered,
    list_schemas,
    model,
    pairs,
    part,
    scalar,
    shuffled,
    stored,
    unique,
    values,
    world,
    worlds,
)

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def examples(number):
    """So many examples, always the same ones; in the thorough profile new ones, fifty times as many."""
    return settings(
        max_examples=number * 50 if THOROUGH else number,
        derandomize=not THOROUGH,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def normal(value, schema):
    """A form in which two values are equal iff they mean the same; of values that are stored, with all defaults."""
    if isinstance(value, dict):
        return ("object", tuple(sorted((key, normal(value[key], part(schema, key))) for key in value)))
    if isinstance(value, list):
        members = [normal(member, schema["items"] if is_list(schema) else {}) for member in value]
        return ("list", tuple(sorted(members, key=repr) if is_unordered(schema) else members))
    if isinstance(value, bool) or value is None:
        return (str(value),)
    if "pattern" in schema:
        return ("quantity", str(parse_quantity(value).normalize()))
    if schema.get("format") == "byte":
        return ("bytes", base64.b64decode(value))
    if schema.get("format") == "date-time":
        return ("time", dt.datetime.fromisoformat(value).timestamp())
    return ("number", float(value)) if isinstance(value, int | float) else ("text", value)


def meaning(live, here):
    """What a live object says, in normal form, once the server has stored it."""
    texts = {key: live["metadata"].get(key) or {} for key in ("labels", "annotations")}
    spec = {"spec": stored(live["spec"], here.structural)} if "spec" in live else {}
    return normal(spec, {"properties": {"spec": here.structural}}), normal(texts, {})


def patched(found, live):
    return jsonpatch.apply_patch(live, found.patch.patch)


def writes(found):
    """The operations that change something."""
    return [op for op in found.patch.patch if op["op"] != "test" and op["path"] != "/metadata/resourceVersion"]


def exact(value):
    """Equal only where 1, 1.0 and True differ, and the order of keys counts."""
    return repr(value)


def node_of(obj, graph):
    gvk = GVK.of(obj)
    return gr.Registry.builtin().compile(gvk, graph.root(gvk), obj, has_status=True)


# What holds for all kinds


def is_settled(expected, live, graph):
    """The patch can be applied, and then there is nothing more to do."""
    found = gr.diff(expected, live, schema=graph)
    assert not gr.diff(expected, patched(found, live), schema=graph).differences


def is_pure(expected, live, graph):
    """Neither side is changed, nor does the patch share what a later change would reach."""
    before = exact((expected, live))
    patch = gr.diff(expected, live, schema=graph).patch
    patch.apply(live)
    assert exact((expected, live)) == before


def is_quiet_iff_equal(expected, live, graph):
    """No drift, no patch; and every patch writes."""
    found = gr.diff(expected, live, schema=graph)
    assert bool(found) == bool(found.patch.patch) == bool(writes(found))


def is_minimal(expected, live, graph):
    """Of no operation the patch could do without."""
    found = gr.diff(expected, live, schema=graph)
    operations, written = found.patch.patch, writes(found)
    for index, operation in enumerate(operations):
        if operation not in written:
            continue
        try:
            after = jsonpatch.apply_patch(live, operations[:index] + operations[index + 1 :])
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
            continue
        assert gr.diff(expected, after, schema=graph), operation


def is_prepared_once(expected, _live, graph):
    """The canonical form of expected is its own canonical form, and no drift from expected."""
    node = node_of(expected, graph)
    once = prepare(expected, node)
    assert once.errors == []
    assert exact(prepare(once.value, node).value) == exact(once.value)


def is_the_same_in_any_order_of_keys(expected, live, graph):
    """The operations are the same, whatever the order of keys on either side."""
    found = gr.diff(reversed_keys(expected), reversed_keys(live), schema=graph)
    plain = gr.diff(expected, live, schema=graph)
    assert sorted(map(str, map(sorted_keys, writes(found)))) == sorted(map(str, map(sorted_keys, writes(plain))))


def reversed_keys(value):
    if isinstance(value, list):
        return [reversed_keys(member) for member in value]
    return {key: reversed_keys(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


def sorted_keys(value):
    return json.dumps(value, sort_keys=True)


def is_never_clean_too_quickly(expected, live, graph):
    """What the quick check calls clean, the walk calls clean too."""
    node = node_of(expected, graph)
    for there in (live, patched(gr.diff(expected, live, schema=graph), live)):
        for fields in ("exact", "subset"):
            if is_clean(expected, there, node, subset=fields == "subset", others=lambda *_: []):
                assert not gr.diff(expected, there, schema=graph, fields=fields)


ALWAYS = [
    is_never_clean_too_quickly,
    is_settled,
    is_pure,
    is_quiet_iff_equal,
    is_minimal,
    is_prepared_once,
    is_the_same_in_any_order_of_keys,
]


# Custom resources, where a model of the server says what is stored


def has_no_drift_when_created(expected, _live, here):
    assert gr.diff(expected, create(expected, here), schema=here.graph).patch.patch == []


def has_drift_iff_the_meaning_differs(expected, live, here):
    found = gr.diff(expected, live, schema=here.graph)
    assert bool(found) == (meaning(create(expected, here), here) != meaning(live, here))


def becomes_what_was_expected(expected, live, here):
    """After the patch, and after the server has filled in its defaults once more."""
    after = patched(gr.diff(expected, live, schema=here.graph), live)
    assert meaning(after, here) == meaning(create(expected, here), here)
    assert not gr.diff(expected, create(after, here), schema=here.graph).differences


def keeps_what_is_right(expected, live, here):
    after = patched(gr.diff(expected, live, schema=here.graph), live)
    untouched(live["spec"], after["spec"], create(expected, here)["spec"], here.structural)
    assert {key: after["metadata"][key] for key in OWNED} == OWNED


def untouched(live, after, wanted, schema, path="/spec"):
    """Where live means what is wanted, nothing is written: not even another spelling."""
    if normal(live, schema) == normal(wanted, schema):
        assert exact(live) == exact(after), path
    elif isinstance(live, dict) and isinstance(wanted, dict):
        for key in live.keys() & wanted.keys():
            untouched(live[key], after[key], wanted[key], part(schema, key), f"{path}/{key}")


CUSTOM = [has_no_drift_when_created, has_drift_iff_the_meaning_differs, becomes_what_was_expected, keeps_what_is_right]


def spec_of(field, expected, live):
    """A case of one field."""
    here = world({"type": "object", "properties": {"a": field}})
    return here, model(expected, None, None), create(model(live, None, None), here)


SET_OF_OBJECTS = {
    "type": "array",
    "x-kubernetes-list-type": "set",
    "items": {
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {"b": {"type": "string", "default": "x"}},
    },
}


@examples(170)
@given(pairs())
@example(spec_of({PRESERVE: True}, {"a": None}, {}))
@example(spec_of({PRESERVE: True, "default": "x"}, {"a": None}, {}))
@example(spec_of(scalar("quantity"), {"a": "1000m"}, {"a": 1}))
@example(spec_of(scalar("date-time"), {"a": "2024-01-02T03:04:05Z"}, {"a": "2024-01-02T04:04:05+01:00"}))
@example(spec_of(scalar("int-or-string"), {"a": "80"}, {"a": 80}))
@example(spec_of(SET_OF_OBJECTS, {"a": [{}]}, {"a": [{}]}))
def test_custom_resources(case):
    here, expected, live = case
    for check in CUSTOM:
        check(expected, live, here)
    for check in ALWAYS:
        check(expected, live, here.graph)


@examples(50)
@given(pairs(), st.data())
def test_the_order_of_members_of_sets_does_not_matter(case, data):
    here, expected, live = case
    other = {**expected, "spec": data.draw(shuffled(expected["spec"], here.structural))}
    there = {**live, "spec": data.draw(shuffled(live["spec"], here.structural))}
    assert meaning(there, here) == meaning(live, here)
    for check in CUSTOM:
        check(other, there, here)
    assert bool(gr.diff(other, there, schema=here.graph)) == bool(gr.diff(expected, live, schema=here.graph))


@st.composite
def list_pairs(draw, *types):
    """(world, schema of a list, expected, live)."""
    schema = draw(list_schemas(2, types))
    members = draw(st.lists(values(schema["items"]), max_size=5).map(lambda found: unique(found, schema)))
    here = world({"type": "object", "properties": {"list": schema}})
    expected, was = (model({"list": found}, None, None) for found in (members, draw(edited(members, schema))))
    return here, schema, expected, create(was, here)


def name_of(member, schema):
    """What a member is known by: the keys of a map's, all of a set's; its spelling does not matter."""
    if "x-kubernetes-list-map-keys" in schema:
        return identity(member, schema)
    return repr(normal(stored(member, schema["items"]), schema["items"]))


@examples(60)
@given(list_pairs("set", "map"))
def test_unordered_lists_keep_the_order_of_live(case):
    here, schema, expected, live = case
    after = patched(gr.diff(expected, live, schema=here.graph), live)
    wanted, before, now = (
        [name_of(member, schema) for member in obj["spec"]["list"]] for obj in (expected, live, after)
    )
    assume(len(wanted) == len(set(wanted)) and len(before) == len(set(before)))
    assert sorted(now) == sorted(wanted)
    assert [key for key in now if key in before] == [key for key in before if key in now]


@examples(60)
@given(list_pairs("atomic"))
def test_ordered_lists_end_up_in_the_expected_order(case):
    here, schema, expected, live = case
    after = create(patched(gr.diff(expected, live, schema=here.graph), live), here)
    assert normal(after["spec"]["list"], schema) == normal(create(expected, here)["spec"]["list"], schema)


names = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True)


@examples(40)
@given(names, names)
def test_finalizers_of_others_stay_where_they_are(mine, theirs):
    here = world({"type": "object"})
    expected, live = model({}, None, None), create(model({}, None, None), here)
    expected["metadata"]["finalizers"], live["metadata"]["finalizers"] = mine, theirs
    found = gr.diff(expected, live, schema=here.graph)
    after = patched(found, live)["metadata"]["finalizers"]
    assert bool(found) == bool(set(mine) - set(theirs))
    assert [name for name in after if name in theirs] == theirs
    assert sorted(after) == sorted({*mine, *theirs})


@examples(60)
@given(names, names, st.sampled_from(["containers", "initContainers", "env"]))
def test_keyed_lists_whose_order_matters_end_up_in_the_expected_order(mine, theirs, key):
    def pod(members):
        inner = {key: [{"name": name} for name in members]}
        spec = {"containers": [{"name": "c"} | inner]} if key == "env" else inner
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}

    live = pod(theirs)
    found = gr.diff(pod(mine), live, schema=SCHEMA)
    assert bool(found) == (mine != theirs)
    spec = patched(found, live).get("spec", {})
    after = (spec["containers"][0] if key == "env" else spec).get(key, [])
    assert [member["name"] for member in after] == mine


def places(value, schema, path=()):
    """Each object in a value that stands under a type, with its path."""
    if isinstance(value, dict):
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            yield value, schema, path
        for key in value:
            yield from places(value[key], part(schema, key), (*path, key))
    elif isinstance(value, list) and is_list(schema):
        for index, member in enumerate(value):
            yield from places(member, schema["items"], (*path, index))


@examples(40)
@given(worlds, st.data())
def test_unknown_fields_are_errors_with_their_paths(here, data):
    spec = data.draw(values(here.structural))
    holder, schema, path = data.draw(st.sampled_from(list(places(spec, here.structural, ("spec",)))))
    holder["unknown"] = 1
    expected = model(spec, None, None)
    if PRESERVE in schema:
        assert not gr.diff(expected, create(expected, here), schema=here.graph)
    else:
        with pytest.raises(gr.InputError) as raised:
            gr.diff(expected, create(expected, here), schema=here.graph)
        assert not is_clean(expected, create(expected, here), node_of(expected, here.graph))
        assert raised.value.path == join_pointer((*path, "unknown"))


# Built-in types, whose defaults are tried on a real server in tests/kind


def builtin_kinds():
    """The kinds of the saved documents."""
    found = set()
    for file in BUILT_IN.glob("*.json"):
        for schema in json.loads(file.read_text())["components"]["schemas"].values():
            gvks = [GVK(**gvk) for gvk in schema.get("x-kubernetes-group-version-kind", ())]
            found |= {gvk for gvk in gvks if len(gvks) == 1 and not gvk.kind.endswith("List")}
    return sorted(gvk for gvk in found if SCHEMA.root(gvk))


@examples(150)
@given(builtin_pairs(SCHEMA, builtin_kinds()))
def test_builtin_types(case):
    _, expected, live = case
    for check in ALWAYS:
        check(expected, live, SCHEMA)
