"""The quick check on recorded objects: never clean where the walk finds something, and clean where it matters."""

from pathlib import Path

import jsonpatch
import pytest
import yaml

import genreconcile as gr
from genreconcile.compare import Comparison
from genreconcile.compare.quick import is_clean
from genreconcile.objects import GVK
from support.objects import rule_set
from support.recorded import SCHEMA

UNIT = Path(__file__).parents[1]
GOLDEN = UNIT / "golden"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Six times as fast, where there is one.
CASES = {
    str(file.relative_to(GOLDEN).with_suffix("")): yaml.load(file.read_text("utf-8"), LOADER)  # noqa: S506 - a safe one
    for file in sorted(GOLDEN.rglob("*.yaml"))
}
# Those whose order differs, whose members others add, or whose spelling only the walk can judge.
LEFT_TO_THE_WALK = 0.12


def node_of(expected):
    gvk = GVK.of(expected)
    has_status = SCHEMA.has_status(gvk)
    return gr.Registry.builtin().compile(gvk, SCHEMA.root(gvk), expected, has_status=has_status)


def is_equal(expected, live, node):
    try:
        return not Comparison(node).compare(expected, live)
    except gr.InputError:
        return False


def removals(value, path=""):
    """The object once without each of its leaves."""
    for key, entry in list(value.items() if isinstance(value, dict) else enumerate(value)):
        place = f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
        yield [{"op": "remove", "path": place}]
        if isinstance(entry, dict | list):
            yield from removals(entry, place)
        else:
            other = not entry if isinstance(entry, bool) else f"{entry}x" if isinstance(entry, str) else 7
            yield [{"op": "replace", "path": place, "value": other}]


@pytest.mark.parametrize("name", CASES)
def test_it_is_never_wrong(name):
    expected, live = CASES[name]["expected"], CASES[name]["live"]
    node = node_of(expected)
    for change in [[], *removals(live)]:
        edited = jsonpatch.apply_patch(live, change)
        if is_clean(expected, edited, node):
            assert is_equal(expected, edited, node), change
    for change in removals(expected):
        edited = jsonpatch.apply_patch(expected, change)
        if is_clean(edited, live, node):
            assert is_equal(edited, live, node), change


def fields_of(value):
    """FieldsV1 of all that is in a value but lists, which are owned as a whole."""
    return {f"f:{key}": fields_of(below) for key, below in value.items()} if isinstance(value, dict) else {}


def owned(live):
    """A live object, all of which two managers own: one has made it, and so neither is the maker of a value alone."""
    fields = fields_of(live)
    entries = [{"manager": name, "operation": "Update", "fieldsV1": fields} for name in ("helm", "kubectl-edit")]
    return {**live, "metadata": {**(live.get("metadata") or {}), "managedFields": entries}}


@pytest.mark.parametrize("name", CASES)
def test_it_is_never_wrong_where_somebody_owns_all_of_it(name):
    expected, live = CASES[name]["expected"], CASES[name]["live"]
    node = node_of(expected)
    for change in [[], CASES[name]["patch"], *removals(live)]:
        edited = owned(jsonpatch.apply_patch(live, change))
        if is_clean(expected, edited, node):
            assert is_equal(expected, edited, node), change


def service(**spec):
    ports = [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
    metadata = {"name": "web", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, **spec}}


def test_it_knows_clean_objects_with_owners():
    """An allotted address is nobody's."""
    expected, live = service(), service(clusterIP="10.0.0.7", clusterIPs=["10.0.0.7"])
    node = node_of(expected)
    assert is_clean(expected, owned(expected), node)
    managed = owned(expected)["metadata"]["managedFields"]
    assert is_clean(expected, {**live, "metadata": {**live["metadata"], "managedFields": managed}}, node)
    assert not is_clean(expected, owned(live), node), "whoever wrote the address himself"


def test_a_member_that_may_be_our_own_is_left_to_the_walk():
    expected, live = service(), service()
    live["metadata"]["finalizers"] = ["example.com/a"]
    node = node_of(expected)
    assert is_clean(expected, live, node)
    assert not is_clean(expected, owned(live), node)
    expected["metadata"]["finalizers"] = ["example.com/a"]
    assert is_clean(expected, owned(live), node)
    live["metadata"]["finalizers"].append("example.com/b")
    assert is_clean(expected, live, node)
    assert not is_clean(expected, owned(live), node)


def test_it_knows_most_clean_objects():
    clean = quick = 0
    for case in CASES.values():
        expected, node = case["expected"], node_of(case["expected"])
        after = jsonpatch.apply_patch(case["live"], case["patch"])
        if is_equal(expected, after, node):
            clean += 1
            quick += is_clean(expected, after, node)
    assert clean > len(CASES) / 2
    assert quick >= clean * (1 - LEFT_TO_THE_WALK)


def test_neither_side_is_changed():
    expected, live = CASES["secret/A8-string-data"]["expected"], CASES["secret/A8-string-data"]["live"]
    before = repr((expected, live))
    is_clean(expected, live, node_of(expected))
    assert repr((expected, live)) == before


def pod(container=(), rules=(), **metadata):
    """A Pod with one container, and the node for it under the shipped rules and these."""
    spec = {"containers": [{"name": "c", "image": "i:1", **dict(container)}]}
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", **metadata}, "spec": spec}
    own = rule_set(*rules)
    gvk = GVK.of(obj)
    return obj, gr.Registry.builtin().extend(own).compile(gvk, SCHEMA.root(gvk), obj, has_status=True)


def rule(path, **more):
    return {"id": str(more), "type": "io.k8s.api.core.v1.Container", "path": path, **more}


TTY = rule("tty", when={"at": "workingDir", "present": True}, default=True)
ALONE = [rule("workingDir", when={"only": ["name", "image"]}, default="/a"), rule("workingDir", default="/b")]
VALUE = {"id": "value", "type": "io.k8s.api.core.v1.EnvVar", "path": "value", "default": "x"}
RESOURCES = rule("resources", default={"claims": [{"name": "x"}]})
# What is written and is missing when prepared: (expected, live, rules).
ZEROS = {
    "a condition reads a zero": ({"workingDir": ""}, {"tty": True}, [TTY]),
    "a condition counts a zero": ({"args": []}, {"workingDir": "/b"}, ALONE),
    "only zeros inside": ({"resources": {"limits": {}}}, {"resources": {}}, [RESOURCES]),
    "a zero on both sides": (
        {"livenessProbe": {"failureThreshold": 0}},
        {"livenessProbe": {"failureThreshold": 0}},
        [],
    ),
    "a null": ({"tty": None}, {"tty": True}, []),
    "no quantity": ({"resources": {"limits": {"cpu": "x"}}}, {"resources": {"limits": {"cpu": "x"}}}, []),
    "no text": ({"workingDir": 1}, {"workingDir": 1}, []),
    "a zero in a member": ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A", "value": ""}]}, [VALUE]),
    "an unknown field in a member": ({"env": [{"name": "A", "x": "y"}]}, {"env": [{"name": "A", "x": "y"}]}, []),
    "no text in a map": ({"resources": {"limits": {"cpu": True}}}, {"resources": {"limits": {"cpu": True}}}, []),
    "an adopted non-quantity": (
        {"resources": {"limits": {"cpu": "x"}}},
        {"resources": {"limits": {"cpu": "1"}}},
        [rule("resources/limits/cpu", adopt=True)],
    ),
    "true and one": ({"stdin": True}, {"stdin": 1}, []),
}


@pytest.mark.parametrize("name", ZEROS)
def test_what_is_written_and_does_not_stay(name):
    here, there, rules = ZEROS[name]
    expected, node = pod(here, rules)
    live, _ = pod(there)
    assert not is_equal(expected, live, node)
    # Checks are made on the way, so the second time may go another one.
    assert not is_clean(expected, live, node)
    assert not is_clean(expected, live, node)


def test_a_selector_of_no_texts():
    expected, node = pod()
    constraint = {"maxSkew": 1, "topologyKey": "x", "whenUnsatisfiable": "DoNotSchedule"}
    expected["spec"]["topologySpreadConstraints"] = [{**constraint, "labelSelector": {"matchLabels": {"a": 1}}}]
    live = {**expected}
    assert not is_equal(expected, live, node)
    assert not is_clean(expected, live, node)


def test_each_finalizer_stands_for_one():
    expected, node = pod(finalizers=["a/x", "a/x"])
    live, _ = pod(finalizers=["a/x", "a/y", "a/z"])
    assert not is_equal(expected, live, node)
    assert not is_clean(expected, live, node)
    expected, node = pod(finalizers=["a/x"])
    live["spec"]["containers"][0]["resources"] = {}
    assert is_clean(expected, live, node) == is_equal(expected, live, node)


def test_an_adopted_value_is_still_validated():
    adopted = rule("workingDir", adopt=True)
    live, _ = pod({"workingDir": "/x"})
    expected, node = pod({"workingDir": 1}, [adopted])
    assert not is_clean(expected, live, node)
    expected, node = pod({"workingDir": "/y"}, [adopted])
    live["spec"]["containers"][0]["resources"] = {}
    assert is_clean(expected, live, node) == is_equal(expected, live, node)
