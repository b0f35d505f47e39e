"""Custom resources: what their schemas say holds, for kinds that this package has never heard of."""

import copy
import json
import time
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.errors import InputError, LoadError
from support import objects
from support.counted import Counted
from support.eventually import eventually
from support.objects import definition, rule_set, struct

GADGET = yaml.safe_load((Path(__file__).parent / "gadget.yaml").read_text("utf-8"))
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}}


def version(name="v1", *, storage=True, subresources=None, **properties):
    status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    more = {"subresources": subresources} if subresources else {}
    return objects.version(name, struct(spec=struct(**properties), status=status), storage=storage, **more)


def thing(group, namespace, spec, version="v1", **more):
    return objects.obj(f"{group}/{version}", "Thing", "t", namespace, spec=spec) | more


TEXT = {"type": "string"}
X = {"type": "string", "default": "x"}
FIXED = {**TEXT, "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "size is for ever"}]}
PLAIN = definition("plain.custom.dev", version(size=TEXT))
WORKING = definition("working.custom.dev", version(subresources={"status": {}}))
WIDE = definition("wide.custom.dev", version(mode=X), scope="Cluster")
VERSIONED = definition(
    "versioned.custom.dev", version("v1", storage=False, old=X, size=TEXT), version("v2", new=X, size=TEXT)
)
FOREVER = definition("forever.custom.dev", version(size=FIXED))
DEFINITIONS = [GADGET, PLAIN, WORKING, WIDE, VERSIONED, FOREVER]


@pytest.fixture(scope="module")
def cluster(control_plane):
    return Counted(gr.connect(kubeconfig=str(control_plane.kubeconfig)))


@pytest.fixture(scope="module")
def shared(cluster):
    """One Reconciler for all tests that do not change the definition."""
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile(DEFINITIONS).raise_for_failures()
        yield reconciler
        for obj in DEFINITIONS:
            send(cluster, "DELETE", place(obj))


@pytest.fixture
def reconciler(cluster):
    with gr.Reconciler(cluster) as reconciler:
        yield reconciler


def send(cluster, method, path, body=None, content_type="application/json"):
    data = None if body is None else json.dumps(body).encode()
    answer = cluster.admin.request(method, path, body=data, content_type=content_type)
    return json.loads(answer)


def gadget(namespace, spec, name="g", **more):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "custom.genreconcile.dev/v1", "kind": "Gadget", "metadata": metadata, "spec": spec} | more


def place(obj):
    kind, metadata = obj["kind"].lower() + "s", obj["metadata"]
    inside = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    if obj["kind"] == "CustomResourceDefinition":
        kind = "customresourcedefinitions"
    return f"/apis/{obj['apiVersion']}{inside}/{kind}/{metadata['name']}"


def edit(cluster, reconciler, obj, *operations):
    """Edit by hand, and wait until the cache has seen it."""
    answer = send(cluster, "PATCH", place(obj), list(operations), "application/json-patch+json")
    seen = answer["metadata"]["resourceVersion"]
    assert eventually(lambda: version_of(reconciler, obj) == seen)


def version_of(reconciler, obj):
    kind = f"{obj['apiVersion']}/{obj['kind']}"
    live = reconciler.cache.get(kind, obj["metadata"]["name"], namespace=obj["metadata"].get("namespace", ""))
    return live["metadata"]["resourceVersion"] if live else ""


def stored(cluster, obj):
    live = send(cluster, "GET", place(obj))
    return {key: value for key, value in live.items() if key not in {"metadata", "apiVersion", "kind"}}


def said(result):
    return [str(outcome) for outcome in result if outcome.status != "unchanged" or outcome.reason]


def is_quiet(reconciler, cluster, *expected):
    """Nothing to say and nothing to write, twice."""
    cluster.writes.clear()
    for _ in range(2):
        assert said(reconciler.reconcile(list(expected))) == []
    assert cluster.writes == []
    return True


CLEAN = {
    "nothing": {},
    "the defaults themselves": {"mode": "fast", "flag": True, "note": "none", "share": "25%", "nested": {"level": 3}},
    "other than the defaults": {"mode": "slow", "flag": False, "note": "x", "share": 1, "nested": {"level": 0}},
    "zeros are values": {"text": "", "size": 0, "ratio": 0, "limits": {}, "steps": [], "tags": [], "inner": {}},
    "a default inside of what is there": {
        "inner": {},
        "maybe": {},
        "rooms": {"hall": {}},
        "rules": [{}, {"verb": "x"}],
    },
    "null where it may be": {"note": None, "maybe": None},
    "null where it may not be": {"text": None, "mode": None, "inner": None, "limits": None},
    "null in what is free": {"free": {"a": None, "b": [None, {"c": None}]}, "partly": {"x": None}},
    "numbers": {"ratio": 1.5, "size": 3.0, "seed": 2**53 + 1},
    "whole numbers as floats": {"ratio": 1.0},
    "integer port": {"port": 80, "share": 0},
    "named port": {"port": "http", "share": "0%"},
    "quantities": {"memory": "0.5Gi", "disk": "1024Mi"},
    "a quantity without unit": {"memory": 1},
    "a quantity as a text": {"memory": "1000m"},
    "free text": {"free": {"é<&>\u2028": {"deep": [1, "1", 1.5, True, {}, [], ""]}}},
    "partly free": {"partly": {"known": "x", "unknown": {"a": [1]}}},
    "partly free, empty": {"partly": {}},
    "an embedded object": {"template": {**POD, "spec": {"containers": [], "hostNetwork": False}}},
    "an embedded object of a known shape": {"embedded": {**POD, "spec": {}}},
    "keys of a list's members": {"ports": [{"port": 2}, {"port": 1, "protocol": "UDP"}, {"port": 1}]},
    "a set": {"tags": ["b", "a", "c"]},
    "a list": {"steps": ["b", "a", "b"]},
    "keys of a map": {"limits": {"a/b~c": "1", "": "x"}},
}


@pytest.mark.parametrize("name", CLEAN)
def test_as_created_there_is_no_drift(shared, cluster, namespace, name):
    expected = gadget(namespace, CLEAN[name])
    before = copy.deepcopy(expected)
    assert said(shared.reconcile([expected])) == [f"Gadget.custom.genreconcile.dev {namespace}/g created"]
    assert is_quiet(shared, cluster, expected)
    assert expected == before


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def add(path, value):
    return {"op": "add", "path": path, "value": value}


def remove(path):
    return {"op": "remove", "path": path}


PORTS = [{"port": 1}, {"port": 2, "name": "x"}, {"port": 2, "protocol": "UDP"}]
EDITS = {
    "a default": ({}, replace("/spec/mode", "slow")),
    "a default of a default": ({}, replace("/spec/nested/level", 4)),
    "a default that is a percentage": ({}, replace("/spec/share", "26%")),
    "a boolean": ({"flag": False}, replace("/spec/flag", value=True)),
    "back to the default": ({"mode": "slow"}, remove("/spec/mode")),
    "zero removed": ({"size": 0}, remove("/spec/size")),
    "empty text removed": ({"text": ""}, remove("/spec/text")),
    "empty list removed": ({"steps": []}, remove("/spec/steps")),
    "empty object removed": ({"limits": {}}, remove("/spec/limits")),
    "zero added": ({}, add("/spec/size", 0)),
    "empty object added": ({}, add("/spec/free", {})),
    "number for a text": ({"port": "80"}, replace("/spec/port", 80)),
    "text for a number": ({"port": 80}, replace("/spec/port", "80")),
    "null for the default": ({}, replace("/spec/note", None)),
    "the default for null": ({"note": None}, replace("/spec/note", "none")),
    "an object for null": ({"maybe": None}, replace("/spec/maybe", {})),
    "null for an object": ({"maybe": {"level": 1}}, replace("/spec/maybe", None)),
    "a quantity": ({"memory": "1Gi"}, replace("/spec/memory", "1025Mi")),
    "a large integer": ({"seed": 2**53 + 1}, replace("/spec/seed", 2**53)),
    "a field of what is free": ({"free": {"a": 1}}, add("/spec/free/b", {"c": None})),
    "null of what is free": ({"free": {"a": None}}, remove("/spec/free/a")),
    "one for true in what is free": ({"free": {"a": True}}, replace("/spec/free/a", 1)),
    "the known field of what is partly free": ({"partly": {"x": 1}}, replace("/spec/partly/known", "l")),
    "the unknown field of what is partly free": ({"partly": {"x": 1}}, add("/spec/partly/y", 1)),
    "label of an embedded object": ({"template": POD}, add("/spec/template/metadata/labels/x", "y")),
    "spec of an embedded object": ({"template": POD}, add("/spec/template/spec", {"x": "y"})),
    "kind of an embedded object": ({"template": POD}, replace("/spec/template/kind", "Other")),
    "default of an embedded object": ({"embedded": {**POD, "spec": {}}}, replace("/spec/embedded/spec/level", 4)),
    "member of a map": ({"rooms": {"hall": {}}}, add("/spec/rooms/attic", {})),
    "default in a map": ({"rooms": {"hall": {}}}, replace("/spec/rooms/hall/lamps", 2)),
    "default in a list": ({"rules": [{}, {}]}, replace("/spec/rules/1/verb", "list")),
    "member of a keyed list": ({"ports": PORTS}, add("/spec/ports/-", {"port": 9})),
    "first member of a keyed list": ({"ports": PORTS}, remove("/spec/ports/0")),
    "default key of a member": ({"ports": PORTS}, replace("/spec/ports/0/protocol", "SCTP")),
    "field of a member": ({"ports": PORTS}, replace("/spec/ports/1/name", "y")),
    "member of a set": ({"tags": ["b", "a"]}, add("/spec/tags/0", "c")),
    "member missing from a set": ({"tags": ["b", "a"]}, remove("/spec/tags/0")),
    "order of a list": ({"steps": ["a", "b"]}, replace("/spec/steps", ["b", "a"])),
    "doubled in a list": ({"steps": ["a", "b"]}, add("/spec/steps/0", "a")),
    "status": ({}, add("/status", {"phase": "Edited"})),
    "annotation": ({}, add("/metadata/annotations", {"x": "y"})),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_by_hand_is_found_and_repaired(shared, cluster, namespace, name):
    spec, operation = EDITS[name]
    expected = gadget(namespace, spec)
    shared.reconcile([expected]).raise_for_failures()
    before = stored(cluster, expected)
    edit(cluster, shared, expected, operation)
    cluster.writes.clear()
    assert shared.reconcile([expected]).counts["configured"] == 1
    assert cluster.writes == [("PATCH", place(expected))]
    assert stored(cluster, expected) == before
    assert is_quiet(shared, cluster, expected)


SAME = {
    "another spelling of a quantity": ({"memory": "0.5Gi"}, replace("/spec/memory", "512Mi")),
    "a quantity as a number": ({"memory": "1000m"}, replace("/spec/memory", 1)),
    "order of a set": ({"tags": ["a", "b", "c"]}, replace("/spec/tags", ["c", "a", "b"])),
    "order of a keyed list": (
        {"ports": PORTS},
        replace("/spec/ports", [{"port": 2, "protocol": "UDP"}, {"port": 2, "name": "x"}, {"port": 1}]),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_another_spelling_is_never_rewritten(shared, cluster, namespace, name):
    spec, operation = SAME[name]
    expected = gadget(namespace, spec)
    shared.reconcile([expected]).raise_for_failures()
    edit(cluster, shared, expected, operation)
    edited = stored(cluster, expected)
    assert is_quiet(shared, cluster, expected)
    assert stored(cluster, expected) == edited


WRONG = {
    "unknown": ({"sise": 1}, "/spec/sise: the schema knows no such field; did you mean size?"),
    "unknown, far below": ({"rooms": {"hall": {"lamp": 1}}}, "/spec/rooms/hall/lamp"),
    "unknown, in a list": ({"rules": [{}, {"verbs": "x"}]}, "/spec/rules/1/verbs"),
    "unknown, in an embedded object": ({"embedded": {**POD, "status": {}}}, "/spec/embedded/status"),
    "a text for a number": ({"size": "3"}, "/spec/size"),
    "a number for a text": ({"text": 3}, "/spec/text"),
    "true for a number": ({"port": True}, "/spec/port"),
    "no quantity": ({"memory": "much"}, "/spec/memory"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_server_could_not_store_is_an_error_of_the_input(shared, cluster, namespace, name):
    spec, message = WRONG[name]
    cluster.writes.clear()
    (outcome,) = shared.reconcile([gadget(namespace, spec)])
    assert outcome.status == "failed"
    assert isinstance(outcome.error, InputError)
    assert message in str(outcome.error)
    assert cluster.writes == []


def by_value(field, form):
    rule = {"id": f"by-value-{field}", "object": {"kind": "Gadget"}, "path": f"spec/{field}", "canonical": form}
    return gr.Registry.builtin().extend(rule_set(rule))


@pytest.mark.parametrize(
    ("field", "texts"),
    [("interval", ("duration", "90m", "1h30m0s", "1h31m")), ("disk", ("quantity", "1Gi", "1024Mi", "1G"))],
)
def test_a_rule_makes_texts_compare_by_value(shared, cluster, namespace, field, texts):
    form, written, same, other = texts
    expected = gadget(namespace, {field: written})
    shared.reconcile([expected]).raise_for_failures()
    with gr.Reconciler(cluster, cache=shared.cache, rules=by_value(field, form)) as ruled:
        edit(cluster, shared, expected, replace(f"/spec/{field}", same))
        assert [change.operation for change in shared.plan([expected]).changes] == ["update"], "not without the rule"
        assert is_quiet(ruled, cluster, expected)
        assert stored(cluster, expected)["spec"][field] == same
        edit(cluster, shared, expected, replace(f"/spec/{field}", other))
        assert ruled.reconcile([expected]).counts["configured"] == 1
        assert stored(cluster, expected)["spec"][field] == written


# Status, versions, scope.


@pytest.fixture
def group(namespace, cluster):
    """A group of its own, whose definition is gone after the test."""
    name = f"{namespace}.custom.dev"
    yield name
    leftover = definition(name)
    try:
        send(cluster, "DELETE", place(leftover))
    except gr.ClusterError as error:
        assert error.status == 404  # noqa: PT017 - not what the test is about


def test_status_without_a_subresource_is_compared_like_the_rest(shared, cluster, namespace):
    expected = thing("plain.custom.dev", namespace, {}, status={"phase": "Wanted"})
    shared.reconcile([expected]).raise_for_failures()
    assert stored(cluster, expected)["status"] == {"phase": "Wanted"}
    edit(cluster, shared, expected, add("/status/more", 1))
    assert shared.reconcile([expected]).counts["configured"] == 1
    assert stored(cluster, expected)["status"] == {"phase": "Wanted"}
    assert is_quiet(shared, cluster, expected)


def test_status_with_a_subresource_takes_no_part(shared, cluster, namespace):
    expected = thing("working.custom.dev", namespace, {}, status={"phase": "Wanted"})
    shared.reconcile([expected]).raise_for_failures()
    assert "status" not in stored(cluster, expected)
    patch = [add("/status", {"phase": "Working"})]
    send(cluster, "PATCH", place(expected) + "/status", patch, "application/json-patch+json")
    assert is_quiet(shared, cluster, WORKING, expected)
    assert stored(cluster, expected)["status"] == {"phase": "Working"}


def test_a_cluster_scoped_custom_resource(shared, cluster):
    expected = thing("wide.custom.dev", "", {})
    assert shared.reconcile([expected]).counts["created"] == 1
    assert is_quiet(shared, cluster, expected, WIDE)
    edit(cluster, shared, expected, replace("/spec/mode", "y"))
    assert shared.reconcile([expected]).counts["configured"] == 1
    assert stored(cluster, expected)["spec"] == {"mode": "x"}


def test_each_version_is_compared_in_its_own_shape(shared, cluster, namespace):
    one, two = (thing("versioned.custom.dev", namespace, {"size": "1"}, name) for name in ("v1", "v2"))
    assert shared.reconcile([one]).counts["created"] == 1
    assert is_quiet(shared, cluster, VERSIONED, one)
    # What only the other version knows is no drift, and what both know is. (The server stores the defaults of one.)
    assert is_quiet(shared, cluster, VERSIONED, two)
    assert stored(cluster, one)["spec"] == {"size": "1"}
    assert stored(cluster, two)["spec"] == {"new": "x", "size": "1"}
    edit(cluster, shared, two, replace("/spec/size", "2"))
    assert eventually(lambda: shared.reconcile([one]).counts["configured"]) == 1
    assert stored(cluster, two)["spec"]["size"] == "1"
    # The field of one version is an error of the input in the other.
    (outcome,) = shared.reconcile([thing("versioned.custom.dev", namespace, {"old": "x"}, "v2")])
    assert "/spec/old: the schema knows no such field" in str(outcome.error)
    with pytest.raises(LoadError, match="expected"):
        shared.plan([one, two])


def test_deletion_sees_an_object_once_however_many_versions(shared, cluster, namespace):
    labelled = {"metadata": {"name": "t", "namespace": namespace, "labels": {"set": "x"}}}
    one, two = ({**thing("versioned.custom.dev", namespace, {}, name), **labelled} for name in ("v1", "v2"))
    settings = {"delete_from_namespace": namespace, "delete_selector": {"set": "x"}}
    shared.reconcile([one], **settings).raise_for_failures()
    assert said(shared.reconcile([two], **settings)) == []
    assert stored(cluster, two)["spec"] == {"new": "x"}
    assert shared.reconcile([], allow_empty=True, **settings).counts["deleted"] == 1


def test_an_immutable_field_is_refused_with_the_words_of_the_server(shared, namespace):
    shared.reconcile([thing("forever.custom.dev", namespace, {"size": "1"})]).raise_for_failures()
    (outcome,) = shared.reconcile([thing("forever.custom.dev", namespace, {"size": "2"})])
    assert outcome.status == "failed"
    assert "size is for ever" in str(outcome.error)


def test_a_version_that_is_no_longer_served(reconciler, cluster, namespace, group):
    both = definition(group, version("v1", storage=False, size=TEXT), version("v2", size=TEXT))
    one, two = (thing(group, namespace, {"size": "1"}, name) for name in ("v1", "v2"))
    reconciler.reconcile([both, one]).raise_for_failures()
    both["spec"]["versions"][0]["served"] = False
    reconciler.reconcile([both]).raise_for_failures()
    (outcome,) = reconciler.reconcile([one])
    assert outcome.status == "failed"
    assert f"{group}/v1/Thing: no such kind on the server; did you mean {group}/v2/Thing?" in str(outcome.error)
    assert is_quiet(reconciler, cluster, both, two)


# Definitions that change while the engine runs.


def changed(cluster, group, *versions):
    """Somebody else replaces the versions of the definition, and the server has taken it in."""
    wanted = definition(group, *versions)
    send(cluster, "PATCH", place(wanted), [replace("/spec/versions", list(versions))], "application/json-patch+json")
    return wanted


def test_we_change_a_default(reconciler, cluster, namespace, group):
    expected = thing(group, namespace, {})
    reconciler.reconcile([definition(group, version(mode=X)), expected]).raise_for_failures()
    wanted = definition(group, version(mode={**X, "default": "y"}, more=X))
    reconciler.reconcile([wanted, expected]).raise_for_failures()
    reconciler.reconcile([wanted, expected]).raise_for_failures()
    assert is_quiet(reconciler, cluster, wanted, expected)
    assert stored(cluster, expected)["spec"] == {"mode": "y", "more": "x"}


def test_we_take_a_field_away(reconciler, cluster, namespace, group):
    expected = thing(group, namespace, {"size": "1"})
    reconciler.reconcile([definition(group, version(mode=X, size=TEXT)), expected]).raise_for_failures()
    wanted = definition(group, version(mode=X))
    assert reconciler.reconcile([wanted]).counts["configured"] == 1
    (outcome,) = reconciler.reconcile([expected])
    assert "/spec/size: the schema knows no such field" in str(outcome.error)
    assert is_quiet(reconciler, cluster, wanted, thing(group, namespace, {}))


def test_somebody_else_adds_a_field_with_a_default(reconciler, cluster, namespace, group):
    expected = thing(group, namespace, {})
    reconciler.reconcile([definition(group, version(mode=X)), expected]).raise_for_failures()
    changed(cluster, group, version(mode=X, more=X))
    assert eventually(lambda: stored(cluster, expected)["spec"] == {"mode": "x", "more": "x"})
    cluster.writes.clear()
    # The server's documents follow a definition with a delay; until then the new field can be taken for drift.
    assert eventually(lambda: said(reconciler.reconcile([expected])) == [])
    assert len(cluster.writes) <= 2
    for _ in range(10):
        assert is_quiet(reconciler, cluster, expected)
        time.sleep(0.1)
    assert stored(cluster, expected)["spec"] == {"mode": "x", "more": "x"}
    edit(cluster, reconciler, expected, replace("/spec/more", "y"))
    assert reconciler.reconcile([expected]).counts["configured"] == 1


def test_somebody_else_adds_a_field_that_expected_then_sets(reconciler, cluster, namespace, group):
    reconciler.reconcile([definition(group, version(mode=X)), thing(group, namespace, {})]).raise_for_failures()
    changed(cluster, group, version(mode=X, more=TEXT))
    expected = thing(group, namespace, {"more": "1"})
    assert eventually(lambda: reconciler.reconcile([expected]).counts["configured"])
    assert stored(cluster, expected)["spec"] == {"mode": "x", "more": "1"}
    assert is_quiet(reconciler, cluster, expected)


def test_somebody_else_changes_a_default(reconciler, cluster, namespace, group):
    """What was stored keeps the old one, which is no longer what the server would fill in."""
    expected = thing(group, namespace, {})
    reconciler.reconcile([definition(group, version(mode=X)), expected]).raise_for_failures()
    changed(cluster, group, version(mode={**X, "default": "y"}))
    assert eventually(lambda: reconciler.reconcile([expected]).counts["configured"])
    assert stored(cluster, expected)["spec"] == {"mode": "y"}
    assert is_quiet(reconciler, cluster, expected)


def test_somebody_else_takes_a_field_away(reconciler, cluster, namespace, group):
    expected = thing(group, namespace, {"size": "1"})
    reconciler.reconcile([definition(group, version(size=TEXT)), expected]).raise_for_failures()
    changed(cluster, group, version(mode=X))

    def refused():
        (outcome,) = reconciler.reconcile([expected])
        return "/spec/size: the schema knows no such field" in str(outcome.error)

    assert eventually(refused)


def test_somebody_else_makes_it_another_definition(reconciler, cluster, namespace, group):
    reconciler.reconcile([definition(group, version(size=TEXT)), thing(group, namespace, {})]).raise_for_failures()
    send(cluster, "DELETE", place(definition(group)))
    assert eventually(lambda: is_gone(cluster, definition(group)))
    expected = thing(group, namespace, {"count": 1})
    (outcome,) = reconciler.reconcile([expected])
    assert outcome.status == "failed"
    send(
        cluster,
        "POST",
        place(definition(group)).rpartition("/")[0],
        definition(group, version(count={"type": "integer"})),
    )
    assert eventually(lambda: reconciler.reconcile([expected]).counts["created"], timeout=20.0)
    assert is_quiet(reconciler, cluster, expected)


def is_gone(cluster, obj):
    try:
        send(cluster, "GET", place(obj))
    except gr.NotFound:
        return True
    return False
