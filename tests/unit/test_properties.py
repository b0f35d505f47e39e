"""What holds for every schema and every two objects: the comparison against a model of the API server.

``HYPOTHESIS_PROFILE=thorough`` tries many more examples, new ones each time.
"""

import base64
import copy
import datetime as dt
import os
from pathlib import Path

import jsonpatch
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubernetes.utils import parse_quantity
from strategies import (
    KIND,
    SCALARS,
    create,
    edited,
    field_schemas,
    identity,
    is_list,
    is_unordered,
    list_schemas,
    model,
    pairs,
    part,
    shuffled,
    stored,
    values,
    world,
    worlds,
)

import genreconcile as gr
from genreconcile.normalize import prepare
from genreconcile.normalize.scalars import CANONICAL
from genreconcile.objects import GVK

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
OURS = {"resourceVersion", "uid", "generation", "creationTimestamp"}


def examples(number):
    """So many examples, always the same ones; in the thorough profile fifty times as many."""
    return settings(
        max_examples=number * 50 if THOROUGH else number,
        derandomize=not THOROUGH,
        deadline=None,
        database=None,
        suppress_health_check=SLOW,
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


def compare(expected, live, here):
    return gr.diff(expected, live, schema=here.graph)


def patched(found, live):
    return jsonpatch.apply_patch(live, found.patch.patch)


def writes(patch):
    """The operations that change something."""
    return [op for op in patch if op["op"] != "test" and op["path"] != "/metadata/resourceVersion"]


def exact(value):
    """JSON in which 1 and True and 1.0 differ, and the order of keys shows."""
    return repr(value)


# Custom resources


@examples(60)
@given(pairs())
def test_what_was_just_created_has_no_drift(case):
    here, expected, _ = case
    assert compare(expected, create(expected, here), here).patch.patch == []


@examples(120)
@given(pairs())
def test_there_is_drift_iff_the_meaning_differs(case):
    here, expected, live = case
    found = compare(expected, live, here)
    assert bool(found) == (meaning(create(expected, here), here) != meaning(live, here))
    assert bool(found) == bool(found.patch.patch) == bool(writes(found.patch.patch))


@examples(120)
@given(pairs())
def test_the_patch_applied_to_live_gives_expected(case):
    here, expected, live = case
    after = patched(compare(expected, live, here), live)
    assert not compare(expected, after, here).differences
    assert meaning(after, here) == meaning(create(expected, here), here)
    assert not compare(expected, create(after, here), here).differences, "nor is there after the server's defaults"


@examples(60)
@given(pairs())
def test_neither_side_is_changed(case):
    here, expected, live = case
    before = exact((expected, live))
    found = compare(expected, live, here)
    assert exact((expected, live)) == before
    found.patch.apply(live)
    assert exact((expected, live)) == before


@examples(60)
@given(pairs())
def test_no_operation_is_superfluous(case):
    here, expected, live = case
    found = compare(expected, live, here)
    operations = found.patch.patch
    for index, operation in enumerate(operations):
        if operation in writes(operations):
            try:
                after = jsonpatch.apply_patch(live, operations[:index] + operations[index + 1 :])
            except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
                continue
            assert compare(expected, after, here), operation


def untouched(live, after, wanted, schema, path=""):
    """Where live means what is wanted, nothing may have been written: not even another spelling."""
    if normal(live, schema) == normal(wanted, schema):
        assert exact(live) == exact(after), path
    elif isinstance(live, dict) and isinstance(after, dict) and isinstance(wanted, dict):
        for key in live.keys() & wanted.keys():
            untouched(live[key], after[key], wanted[key], part(schema, key), f"{path}/{key}")


@examples(60)
@given(pairs())
def test_what_is_right_stays_as_it_is(case):
    here, expected, live = case
    after = patched(compare(expected, live, here), live)
    untouched(live["spec"], after["spec"], create(expected, here)["spec"], here.structural)
    assert {key: after["metadata"][key] for key in OURS} == {key: live["metadata"][key] for key in OURS}


@examples(60)
@given(pairs(), st.data())
def test_the_order_of_keys_does_not_matter(case, data):
    here, expected, live = case
    other = {**expected, "spec": data.draw(shuffled(expected["spec"], here.structural, members=False))}
    there = {**live, "spec": data.draw(shuffled(live["spec"], here.structural, members=False))}
    one, two = compare(expected, live, here), compare(other, there, here)
    assert sorted(map(str, writes(one.patch.patch))) == sorted(map(str, writes(two.patch.patch)))


@examples(60)
@given(pairs(), st.data())
def test_the_order_of_members_of_sets_does_not_matter(case, data):
    here, expected, live = case
    other = {**expected, "spec": data.draw(shuffled(expected["spec"], here.structural))}
    there = {**live, "spec": data.draw(shuffled(live["spec"], here.structural))}
    assert bool(compare(other, there, here)) == bool(compare(expected, live, here))
    assert not compare(other, create(expected, here), here).patch.patch
    after = patched(compare(other, there, here), there)
    assert meaning(after, here) == meaning(create(expected, here), here)


@st.composite
def list_pairs(draw, *types):
    """(schema of a list, expected members, live members, world)."""
    schema = draw(list_schemas(2, types))
    members = draw(st.lists(values(schema["items"]), max_size=5).map(lambda found: unique_of(found, schema)))
    other = draw(edited(members, schema))
    return schema, members, other, world({"type": "object", "properties": {"list": schema}})


def unique_of(members, schema):
    return list({identity(member, schema): member for member in members}.values()) if is_unordered(schema) else members


@examples(80)
@given(list_pairs("set", "map"))
def test_unordered_lists_keep_the_order_of_live(case):
    schema, members, other, here = case
    expected, live = (model({"list": found}, None, None) for found in (members, other))
    live = create(live, here)
    after = patched(compare(expected, live, here), live)["spec"]["list"]
    before, now = ([identity(member, schema) for member in found] for found in (live["spec"]["list"], after))
    wanted = [identity(member, schema) for member in members]
    assert sorted(now) == sorted(wanted)
    assert [key for key in now if key in before] == [key for key in before if key in now]


@examples(80)
@given(list_pairs("atomic"))
def test_ordered_lists_end_up_in_the_expected_order(case):
    schema, members, other, here = case
    expected, live = (model({"list": found}, None, None) for found in (members, other))
    live = create(live, here)
    after = create(patched(compare(expected, live, here), live), here)["spec"]["list"]
    assert normal(after, schema) == normal(stored(members, schema), schema)


names = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True)


@examples(60)
@given(names, names)
def test_finalizers_of_others_stay_where_they_are(mine, theirs):
    here = world({"type": "object"})
    expected, live = model({}, None, None), create(model({}, None, None), here)
    expected["metadata"]["finalizers"], live["metadata"]["finalizers"] = mine, theirs
    found = compare(expected, live, here)
    after = patched(found, live)["metadata"]["finalizers"]
    assert bool(found) == bool(set(mine) - set(theirs))
    assert [name for name in after if name in theirs] == theirs
    assert sorted(after) == sorted({*mine, *theirs})


@st.composite
def misspelled(draw):
    """(world, object, path of a field that the schema does not know)."""
    schema = draw(field_schemas(2))
    here = world({"type": "object", "properties": {"known": schema}})
    path, inner = ["spec"], draw(values(here.structural))
    holder, at = inner, here.structural
    while draw(st.booleans()) and (below := [k for k, v in holder.items() if isinstance(v, dict)]):
        at = part(at, below[0])
        holder = holder[below[0]]
        path.append(below[0])
    closed = at.get("type") == "object" and "additionalProperties" not in at and not at.get(PRESERVE)
    holder["unknown"] = 1
    return here, model(inner, None, None), "/" + "/".join(path) + "/unknown", closed


PRESERVE = "x-kubernetes-preserve-unknown-fields"


@examples(40)
@given(worlds.flatmap(lambda here: st.tuples(st.just(here), values(here.structural, loose=True))))
def test_preparing_twice_changes_nothing(case):
    here, spec = case
    obj = model(spec, None, None)
    node = gr.Registry.builtin().compile(GVK.of(obj), here.graph.root(GVK.of(obj)), obj, has_status=True)
    once = prepare(obj, node)
    assert once.errors == []
    assert exact(prepare(once.value, node).value) == exact(once.value)
