"""Rows R1.2 and R3.9 with a real conversion webhook: fields that are renamed, split, or known to one version alone."""

import copy

import pytest
from definitions import Things, settled, statuses, version
from webhook import Converter

LEGACY, WINDOW = "convert.example.dev/legacy", "convert.example.dev/window"
DATA = "convert.example.dev/data"
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def spec_of(**properties):
    return {"type": "object", "properties": properties}


def policy(mode=None, retries=None, default=None):
    fields = {
        "mode": {**TEXT, "default": mode} if mode else TEXT,
        "retries": {**NUMBER, "default": retries} if retries else NUMBER,
    }
    return {"type": "object", "properties": fields, **({} if default is None else {"default": default})}


def many(**item):
    return {"type": "array", "items": spec_of(name=TEXT, **item)}


def v1(**changed):
    return spec_of(
        replicas=NUMBER, host=TEXT, port=NUMBER, window=TEXT, policy=policy(), many=many(mode=TEXT), **changed
    )


def v1beta1(**changed):
    return spec_of(size=NUMBER, endpoint=TEXT, legacy=TEXT, policy=policy(), many=many(mode=TEXT), **changed)


def annotated(obj, name, value):
    """The object with an annotation, or with None without it, and without a mapping that is empty then."""
    metadata = {**obj["metadata"], "annotations": {**(obj["metadata"].get("annotations") or {})}}
    metadata["annotations"].pop(name, None)
    if value is not None:
        metadata["annotations"][name] = value
    if not metadata["annotations"]:
        del metadata["annotations"]
    return {**obj, "metadata": metadata}


def kept(obj, field, name, wanted):
    """A field that only one version knows: in an annotation of the other."""
    spec = dict(obj["spec"])
    annotations = obj["metadata"].get("annotations") or {}
    if field in wanted:
        value = annotations.get(name)
        return {**annotated(obj, name, None), "spec": spec if value is None else {**spec, field: value}}
    value = spec.pop(field, annotations.get(name))
    return {**annotated(obj, name, value), "spec": spec}


def convert(obj, version):
    """Between v1 and v1beta1, as converters of real operators do it."""
    obj = copy.deepcopy(obj)
    spec = obj.setdefault("spec", {})
    if version == "v1":
        if "size" in spec:
            spec["replicas"] = spec.pop("size")
        if "endpoint" in spec:
            host, colon, port = spec.pop("endpoint").partition(":")
            spec["host"] = host
            if colon:
                spec["port"] = int(port)
        return kept(kept(obj, "window", WINDOW, {"window"}), "legacy", LEGACY, set())
    if "replicas" in spec:
        spec["size"] = spec.pop("replicas")
    if "host" in spec or "port" in spec:
        port = spec.pop("port", None)
        spec["endpoint"] = spec.pop("host", "") + (f":{port}" if port is not None else "")
    return kept(kept(obj, "legacy", LEGACY, {"legacy"}), "window", WINDOW, set())


class Converted(Things):
    """A kind whose objects a webhook converts."""

    def __init__(self, world, converter):
        super().__init__(world, "c")
        self.converter = converter

    def between(self, new, old, storage="v1"):
        """Define it with these specs of v1 and v1beta1."""
        self.define(
            version("v1", storage=storage == "v1", spec=new),
            version("v1beta1", storage=storage == "v1beta1", spec=old),
            conversion=self.converter.conversion,
        )

    def patched(self, face, *operations, name="t"):
        """Somebody else writes in one version."""
        return self.world.send("PATCH", self.url(face, name), list(operations), "application/json-patch+json")


@pytest.fixture
def converter(tmp_path):
    with Converter(tmp_path, convert) as converter:
        yield converter


@pytest.fixture
def kind(world, converter):
    kind = Converted(world, converter)
    yield kind
    converter.is_down = False
    converter.refuses = ""
    world.send("DELETE", kind.path)


def created(world, expected):
    """Create through the engine; a young kind answers 404 and 429 for a moment."""
    assert world.eventually(lambda: statuses(world.reconcile(expected)) == ["created"])


def is_repaired(world, expected):
    """Reconcile once the edit is seen; there is nothing left to do afterwards."""
    assert world.eventually(lambda: statuses(world.reconcile(expected)) == ["configured"], timeout=10)
    assert settled(world, world.reconciler, [expected]) is True


FULL = {
    "v1": {
        "replicas": 2,
        "host": "db",
        "port": 5432,
        "window": "1h",
        "policy": {"mode": "fast", "retries": 3},
        "many": [{"name": "a", "mode": "x"}, {"name": "b"}],
    },
    "v1beta1": {
        "size": 2,
        "endpoint": "db:5432",
        "legacy": "old",
        "policy": {"mode": "fast", "retries": 3},
        "many": [{"name": "a", "mode": "x"}, {"name": "b"}],
    },
}


def changed(value):
    return value + 1 if isinstance(value, int) else "other:1" if ":" in value else "other"


def leaves(value, path=""):
    if isinstance(value, dict):
        return [leaf for key, entry in value.items() for leaf in leaves(entry, f"{path}/{key}")]
    if isinstance(value, list):
        return [leaf for n, entry in enumerate(value) for leaf in leaves(entry, f"{path}/{n}")]
    return [(path, value)]


def edits(face):
    """Each leaf changed and removed, and what may be added, in one version."""
    for path, value in leaves(FULL[face], "/spec"):
        yield [{"op": "replace", "path": path, "value": changed(value)}]
        yield [{"op": "remove", "path": path}]
    yield [{"op": "add", "path": "/spec/many/-", "value": {"name": "c"}}]
    yield [{"op": "add", "path": "/spec/many/1/mode", "value": "y"}]
    yield [{"op": "remove", "path": "/spec/policy"}]
    yield [{"op": "add", "path": "/metadata/labels", "value": {"by": "hand"}}]


@pytest.mark.parametrize("storage", ["v1", "v1beta1"])
@pytest.mark.parametrize("face", ["v1", "v1beta1"])
@pytest.mark.parametrize("writes", ["v1", "v1beta1"])
def test_r1_2_fields_that_a_webhook_renames_splits_and_keeps(world, kind, face, writes, storage):
    """Each edit in either version is found and repaired in that of the manifest, once."""
    kind.between(v1(), v1beta1(), storage)
    expected = kind.thing(face, **FULL[face])
    created(world, expected)
    assert settled(world, world.reconciler, [expected]) is True
    assert kind.get(face)["spec"] == FULL[face]
    base = kind.get(writes)["spec"]
    for operations in edits(writes):
        if face != writes and operations[0]["path"] in {"/spec/window", "/spec/legacy"}:
            continue  # It is not there.
        kind.patched(writes, *operations)
        is_repaired(world, expected)
        assert kind.get(face)["spec"] == FULL[face], operations
        assert kind.get(writes)["spec"] == base, operations


@pytest.mark.parametrize("storage", ["v1", "v1beta1"])
@pytest.mark.parametrize(("face", "other", "field"), [("v1", "v1beta1", "legacy"), ("v1beta1", "v1", "window")])
def test_r1_2_a_field_that_only_the_other_version_has(world, kind, face, other, field, storage):
    """It shows as an annotation, which is drift, and with which it goes."""
    kind.between(v1(), v1beta1(), storage)
    expected = kind.thing(face, **FULL[face])
    created(world, expected)
    for annotations in (None, {"mine": "1"}):
        if annotations:
            expected["metadata"]["annotations"] = annotations
            is_repaired(world, expected)
        kind.merge(other, **{field: "by hand"})
        assert "by hand" in kind.get(face)["metadata"]["annotations"].values()
        is_repaired(world, expected)
        assert field not in kind.get(other)["spec"]
        assert kind.get(face)["metadata"].get("annotations") == annotations


DEFAULTS = (
    v1(),
    v1beta1(),
)


def with_defaults():
    """Both versions with defaults of their own: at renamed and at common fields, nested and in lists."""
    new, old = v1(), v1beta1()
    new["properties"] |= {
        "replicas": {**NUMBER, "default": 3},
        "policy": policy("fast", 5, {}),
        "many": many(mode={**TEXT, "default": "new"}),
    }
    old["properties"] |= {
        "size": {**NUMBER, "default": 1},
        "policy": policy("slow", None, {}),
        "many": many(mode={**TEXT, "default": "old"}),
    }
    return new, old


@pytest.mark.parametrize("storage", ["v1", "v1beta1"])
@pytest.mark.parametrize("face", ["v1", "v1beta1"])
def test_r1_2_defaults_of_either_version_behind_a_webhook(world, kind, face, storage):
    kind.between(*with_defaults(), storage)
    expected = kind.thing(face, many=[{"name": "a"}])
    created(world, expected)
    live = kind.get(face)["spec"]
    assert settled(world, world.reconciler, [expected]) is True
    renamed = "size" if face == "v1beta1" else "replicas"
    for edit in (
        {renamed: 9},
        {"policy": {"mode": "other"}},
        {"policy": {"retries": 9}},
        {"many": [{"name": "a", "mode": "other"}]},
    ):
        kind.merge(face, **edit)
        is_repaired(world, expected)
        assert kind.get(face)["spec"] == live, edit


def writes_until_quiet(world, kind, expected, face, rounds=8):
    """What the engine says, and how many patches it sends."""
    found = []
    for _ in range(rounds):
        (outcome,) = world.reconcile(expected)
        found.append((outcome.status, outcome.reason))
    return found


@pytest.mark.parametrize("default", ["3", "changes"])
def test_r1_2_a_default_that_the_webhook_moves_elsewhere(world, kind, default):
    """v1 is stored, and gives replicas a default; v1beta1 has none, and calls the field size."""
    new, old = v1(), v1beta1()
    new["properties"]["replicas"] = {**NUMBER, "default": 3}
    kind.between(new, old)
    expected = kind.thing("v1beta1", endpoint="db:1")
    created(world, expected)
    assert kind.get("v1beta1")["spec"] == {"endpoint": "db:1", "size": 3}
    with Counted(world) as counted:
        for _ in range(5):
            (outcome,) = world.reconcile(expected)
            assert outcome.status == "unchanged"
        assert len(counted.patches) <= 2
    if default == "changes":
        # Whatever somebody writes there is found, again and again.
        for size in range(5, 13):
            kind.merge("v1beta1", size=size)
            assert world.eventually(lambda: statuses(world.reconcile(expected)) == ["configured"], timeout=10), size
            assert kind.get("v1beta1")["spec"] == {"endpoint": "db:1", "size": 3}
            assert {o.status for _ in range(3) for o in world.reconcile(expected)} == {"unchanged"}


class Counted:
    """The patches that the world's engine sends."""

    def __init__(self, world):
        self.cluster, self.patches = world.cluster, []

    def __enter__(self):
        send = self.cluster.request

        def request(method, path, **settings):
            if method == "PATCH":
                self.patches.append(settings.get("body"))
            return send(method, path, **settings)

        self.cluster.request = request
        return self

    def __exit__(self, *_):
        del self.cluster.request
