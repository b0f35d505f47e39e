"""What is public survives pickle and copy: plans go to other processes, errors come back from them."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import genreconcile as gr
from genreconcile.access.right import Right
from genreconcile.cache.pace import Pace
from genreconcile.cache.subscribers import CacheEvent
from genreconcile.cache.transform import Record
from genreconcile.cluster import DynamicCluster
from genreconcile.errors import ReconcileError
from genreconcile.kinds.discovery import Resource
from genreconcile.manifests import Loaded
from genreconcile.selector import parse
from support.objects import rule_set

HOLDING = {"Cache", "Reconciler", "Cluster", "Access", "Context", "Controller"}
"""What holds threads and connections; none of them survives."""

NO_INSTANCES = {"Kind", "Object", "ParsedSelector"}
"""Aliases of types."""

ANY = "additionalProperties"
GVK = gr.GVK("apps", "v1", "Deployment")
KEY = gr.ObjectKey("apps", "Deployment", "shop", "web")
RESOURCE = Resource(GVK, "deployments", namespaced=True)
RECORD = Record("shop", "web", "u", 7, {"a": "b"}, owners=(), deleting=False, data=b"{}")


def written(**spec):
    return {"apiVersion": "example.dev/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec}


def drift():
    return gr.diff(written(size=1, text="x"), written(size=2, other=None, list=[1]))


def schema():
    size = {"type": "integer", "default": 3}
    spec = {"type": "object", "properties": {"size": size}}
    gvk = [{"group": "example.dev", "version": "v1", "kind": "Widget"}]
    own = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object", ANY: {"type": "string"}},
    }
    widget = {"type": "object", "properties": {**own, "spec": spec}, "x-kubernetes-group-version-kind": gvk}
    return gr.Schema({"apis/example.dev/v1": {"components": {"schemas": {"dev.example.v1.Widget": widget}}}})


def change(**more):
    found = drift()
    return gr.Change("update", GVK, KEY, found.patch, written(size=1), written(size=2), "a reason", **more)


def error(cls):
    if cls is gr.ApplyFailed:
        return gr.ApplyFailed((outcome(),))
    if issubclass(cls, gr.ClusterError):
        return cls("x: 409: no", status=409, reason="Conflict", details={"causes": [{"field": "a"}]})
    if cls is gr.InputError:
        return cls("x", "/spec")
    return cls("x", gr.Result((outcome(),))) if cls is gr.PlanRefused else cls("x: no; do it")


def outcome():
    return gr.Outcome(change(), "failed", "because", gr.Invalid("x: 422", status=422, reason="Invalid"))


ABSENT = gr.status(None)
NOTICE = gr.Notice("w", "GR503")
MADE = {
    "Retry": [lambda: gr.Retry(5, "a reason")],
    "GVK": [lambda: GVK],
    "Lease": [lambda: gr.Lease("shop"), lambda: gr.Lease("shop", "web", "me", 30, 20.0, 3.0)],
    "ObjectKey": [lambda: KEY],
    "Change": [change, lambda: change(error=gr.InputError("x", "/a"), keys=((("a", 1), "b"),))],
    "Diff": [drift, lambda: gr.diff(written(size=3), written(size=3), schema=schema())],
    "Difference": [lambda: drift().differences[0], lambda: drift().differences],
    "Explanation": [lambda: gr.explain(written(size=1), written(size=2, other=5))],
    "Notice": [lambda: NOTICE],
    "Outcome": [outcome],
    "Plan": [lambda: gr.Plan((change(),), (change(),), (KEY,), (NOTICE,), (NOTICE,), 3, (change(),))],
    "Registry": [gr.Registry.builtin, gr.Registry.empty, lambda: gr.Registry.builtin().extend(RULES, READY)],
    "Result": [lambda: gr.Result((outcome(),), (NOTICE,))],
    "Schema": [schema],
    "Status": [lambda: gr.status(written(size=1)), lambda: gr.status(None)],
    "Waited": [
        lambda: gr.Waited(KEY, gr.status(None)),
        lambda: gr.Waited(KEY, gr.status(None), KEY, gr.status(None), "e"),
    ],
    "Throttled": [lambda: gr.Throttled("x", retry_after=3.0, details={"a": 1})],
    "CacheEvent": [lambda: CacheEvent("ADDED", RESOURCE, KEY, "7", RECORD)],
    "Loaded": [lambda: Loaded(written(), "a.yaml:1")],
    "Pace": [lambda: Pace(watch=5.0)],
    "Record": [lambda: RECORD],
    "Resource": [lambda: RESOURCE],
    "Right": [lambda: Right("get", "", "pods")],
    "ParsedSelector": [lambda: parse("a in (b, c), !d")],
}
RULE = {
    "id": "mine",
    "type": "dev.example.v1.Widget",
    "path": "spec.size",
    "default": {"function": "image-pull-policy"},
}
RULES = rule_set(RULE)
READY = rule_set() | {"readiness": [{"id": "a", "object": {"kind": "Widget"}, "steps": [{"state": "Current"}]}]}


def classes():
    return {name: value for name in gr.__all__ if isinstance(value := getattr(gr, name), type)}


def errors():
    return [value for value in classes().values() if issubclass(value, ReconcileError)]


def test_r4_13_every_public_class_is_tried_here():
    tried = {*MADE, *HOLDING, *NO_INSTANCES, *(cls.__name__ for cls in errors())}
    assert set(classes()) - tried == set()


def ways(value):
    yield "copy", copy.copy(value)
    yield "deepcopy", copy.deepcopy(value)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        yield f"pickle {protocol}", pickle.loads(pickle.dumps(value, protocol))  # noqa: S301 - our own


@pytest.mark.parametrize("make", [make for makes in MADE.values() for make in makes])
def test_r4_13_what_comes_back_is_equal(make):
    value = make()
    for way, found in ways(value):
        assert found == value, way
        assert (type(found), repr(found), hash_of(found)) == (type(value), repr_like(value, found), hash_of(value)), way


def hash_of(value):
    try:
        return hash(value)
    except TypeError:
        return None


def repr_like(value, found):
    """That of Python's own has the address in it."""
    return repr(found) if type(value).__repr__ is object.__repr__ else repr(value)


@pytest.mark.parametrize("cls", errors())
def test_r4_13_an_error_says_the_same(cls):
    made = error(cls)
    made.add_note("a note")
    for way, found in ways(made):
        assert found == made, way
        assert (type(found), str(found), vars(found)) == (cls, str(made), vars(made)), way
        assert found.args == made.args, way


def test_r4_13_equal_means_more_than_the_text():
    assert gr.InputError("x", "/a") != gr.InputError("x", "/b")
    assert gr.Conflict("x") != gr.Invalid("x")
    assert change() != change(error=gr.InputError("x"))
    assert change() != gr.Change("none", GVK, KEY)
    assert gr.Registry.builtin() != gr.Registry.empty()
    assert schema() != gr.Schema({})


def test_r4_13_a_copied_registry_and_schema_find_the_same():
    def found(rules, kinds):
        return gr.diff(written(), written(size=3), rules=rules, schema=kinds).patch.patch

    rules, kinds = gr.Registry.builtin().extend(RULES), schema()
    before = found(rules, kinds)
    for (_, other), (_, copied) in zip(ways(rules), ways(kinds), strict=True):
        assert found(other, copied) == before
        assert other.version == rules.version


def test_r4_13_in_another_process():
    code = "import pickle, sys; value = pickle.load(sys.stdin.buffer); sys.stdout.buffer.write(pickle.dumps(value))"
    made = [
        gr.ApplyFailed((outcome(),)),
        gr.Result((outcome(),)),
        gr.Registry.builtin().extend(RULES),
        schema(),
        drift(),
    ]
    environment = {"PYTHONPATH": str(Path(gr.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(made), env=environment, capture_output=True, check=True
    )
    assert pickle.loads(done.stdout) == made  # noqa: S301 - our own


def test_r4_13_what_holds_connections_does_not_pickle(server):
    from kubernetes.client import Configuration

    cluster = DynamicCluster(Configuration(host=f"http://127.0.0.1:{server.server_port}"))
    server.behave = lambda handler: handler.answer(body=json.dumps({"apiVersion": "v1"}).encode())
    for holding in (cluster, gr.Cache(cluster), gr.Reconciler(cluster)):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(holding)
