"""Rows R1.2 and R3.9 with a real conversion webhook: fields that are renamed, split, or known to one version alone."""

import copy
import itertools

import pytest

import genreconcile as gr
from kind.definitions import Things, settled, statuses, version
from support.counted import Patches
from support.eventually import eventually
from support.webhook import Converter

LEGACY, WINDOW = "convert.example.dev/legacy", "convert.example.dev/window"
DATA = "convert.example.dev/data"
VERSIONS = ("v1", "v1beta1")
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def some(*choices, quick):
    """All combinations; those that are not ``quick`` are for the thorough run."""
    every = itertools.product(*choices)
    return [pytest.param(*one, marks=() if one in quick else pytest.mark.slow) for one in every]


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
def patches(world):
    """What the engine of this world sends; somebody else's patches do not count."""
    patches = Patches(world.cluster)
    with gr.Reconciler(patches) as reconciler:
        world.reconciler = reconciler
        yield patches.sent


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
    assert eventually(lambda: statuses(world.reconcile(expected)) == ["created"])


def is_repaired(world, expected):
    """Reconcile once the edit is seen; there is nothing left to do afterwards."""
    assert eventually(lambda: statuses(world.reconcile(expected)) == ["configured"], timeout=10)
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


@pytest.mark.parametrize(
    ("face", "writes", "storage"),
    some(VERSIONS, VERSIONS, VERSIONS, quick={("v1", "v1beta1", "v1beta1"), ("v1beta1", "v1", "v1")}),
)
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
@pytest.mark.parametrize("own", [("v1", "v1beta1", "legacy"), ("v1beta1", "v1", "window")], ids="{0[0]}".format)
def test_r1_2_a_field_that_only_the_other_version_has(world, kind, own, storage):
    """It shows as an annotation, which is drift, and with which it goes."""
    face, other, field = own
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


def test_r1_2_a_default_that_the_webhook_moves_elsewhere(world, kind, patches):
    """v1 is stored, and gives replicas a default; v1beta1 has none, and calls the field size."""
    new, old = v1(), v1beta1()
    new["properties"]["replicas"] = {**NUMBER, "default": 3}
    kind.between(new, old)
    expected = kind.thing("v1beta1", endpoint="db:1")
    created(world, expected)
    assert kind.get("v1beta1")["spec"] == {"endpoint": "db:1", "size": 3}
    before = kind.get("v1beta1")
    for _ in range(5):
        (outcome,) = world.reconcile(expected)
        assert (outcome.status, outcome.reason) == ("unchanged", "the server insists at /spec/size")
    assert patches == ["All"]
    assert kind.get("v1beta1") == before
    # Whatever somebody writes there is found, again and again, also beside other edits.
    for size in range(5, 10):
        kind.merge("v1beta1", size=size, **({"endpoint": "other"} if size % 2 else {}))
        assert eventually(lambda: statuses(world.reconcile(expected)) == ["configured"], size, timeout=10)
        assert kind.get("v1beta1")["spec"] == {"endpoint": "db:1", "size": 3}
        assert {o.status for _ in range(3) for o in world.reconcile(expected)} == {"unchanged"}
    kind.merge("v1beta1", endpoint="db:9")
    patches.clear()
    assert eventually(lambda: statuses(world.reconcile(expected)) == ["configured"], timeout=10)
    assert patches == ["All", ""]


def marking(obj, version):
    """A converter that writes into v1beta1 all that v1 says, as some do, and reads nothing of it."""
    made = annotated(convert(obj, version), DATA, None)
    return made if version == "v1" else annotated(made, DATA, repr(sorted(obj["spec"].items())))


def test_r1_2_an_annotation_that_the_converter_writes_is_no_endless_fight(world, kind, patches):
    kind.converter.convert = marking
    kind.between(v1(), v1beta1())
    expected = kind.thing("v1beta1", **FULL["v1beta1"])
    created(world, expected)
    assert DATA in kind.get("v1beta1")["metadata"]["annotations"]
    for _ in range(5):
        (outcome,) = world.reconcile(expected)
        assert outcome.status == "unchanged"
        assert outcome.reason.startswith("the server insists at /metadata/annotations")
    assert patches == ["All"]
    # What others write is found nevertheless, and the converter's new annotation is none of it.
    for size in range(3, 8):
        patches.clear()
        kind.merge("v1", replicas=size)
        assert eventually(lambda: statuses(world.reconcile(expected)) == ["configured"], size, timeout=10)
        assert kind.get("v1beta1")["spec"] == FULL["v1beta1"]
        assert {o.status for _ in range(3) for o in world.reconcile(expected)} == {"unchanged"}
        assert len(patches) <= 3
    kind.patched("v1beta1", {"op": "add", "path": "/metadata/annotations/by", "value": "hand"})
    assert eventually(lambda: statuses(world.reconcile(expected)) == ["configured"], timeout=10)
    assert "by" not in kind.get("v1beta1")["metadata"]["annotations"]


def test_r1_2_the_storage_version_changes_behind_a_webhook(world, kind):
    """Objects lie in one version until they are written, in the other from then on."""
    new, old = with_defaults()
    kind.between(new, old, "v1beta1")
    expected = [kind.thing("v1beta1", name="t", size=2), kind.thing("v1beta1", name="u", size=2)]
    assert eventually(lambda: statuses(world.reconcile(*expected)) == ["created"] * 2)
    for storage in ("v1", "v1beta1", "v1"):
        kind.between(new, old, storage)
        for size in (3, 4):
            kind.merge("v1", replicas=size)
            assert eventually(lambda: statuses(world.reconcile(*expected)) == ["configured", "unchanged"])
            assert kind.get("v1beta1")["spec"]["size"] == 2
        found = [statuses(world.reconcile(*expected)) for _ in range(3)]
        assert found == [["unchanged"] * 2] * 3


@pytest.mark.parametrize("how", ["it is down", "it refuses"])
@pytest.mark.parametrize("is_new", [False, True], ids=["watched before", "met while down"])
def test_r1_2_a_webhook_that_is_down_for_a_while(world, cluster, kind, how, is_new):
    """It is told, nothing is deleted, nothing is made, and it goes on by itself afterwards."""
    kind.between(v1(), v1beta1())
    labels = {"app": "x"}
    expected = kind.thing("v1beta1", **FULL["v1beta1"])
    expected["metadata"]["labels"] = labels
    created(world, expected)
    settings = {"delete_from_namespace": world.namespace, "delete_selector": labels}
    with gr.Reconciler(cluster, sync_timeout=3.0) as fresh:
        reconciler = fresh if is_new else world.reconciler
        if how == "it is down":
            kind.converter.is_down = True
        else:
            kind.converter.refuses = "no conversion today"
        # In the stored version everything goes on.
        kind.merge("v1", replicas=7)
        wanted = {**copy.deepcopy(expected), "spec": {**expected["spec"], "size": 5}}

        def is_told():
            (outcome,) = reconciler.reconcile([wanted], **settings)
            assert outcome.status in {"failed", "skipped"}, outcome
            return "conversion webhook" in str(outcome.error)

        assert eventually(is_told, timeout=20)
        assert kind.get("v1")["spec"]["replicas"] == 7
        # Nothing else is expected any more either, and what cannot be read is not deleted.
        everything = {"kinds": [f"{kind.group}/v1beta1/Thing"], "allow_empty": True}
        for outcome in reconciler.reconcile([], **everything, **settings):
            assert outcome.status in {"failed", "skipped", "unchanged"}, outcome
        kind.converter.is_down, kind.converter.refuses = False, ""
        assert eventually(lambda: statuses(reconciler.reconcile([wanted], **settings)) == ["configured"])
        assert kind.get("v1")["spec"]["replicas"] == 5
        assert settled(world, reconciler, [wanted]) is True


def test_r3_9_deleted_by_one_version_and_expected_in_the_other_behind_a_webhook(world, kind):
    """What is gone is created at once, whichever version it was deleted by."""
    kind.between(v1(), v1beta1())
    labels = {"app": "x"}
    settings = {"delete_from_namespace": world.namespace, "delete_selector": labels}

    def thing(face, name="t", **spec):
        made = kind.thing(face, name=name, **spec or FULL[face])
        made["metadata"]["labels"] = labels
        return made

    other = {"v1": thing("v1", "other", replicas=1), "v1beta1": thing("v1beta1", "other", size=1)}
    assert eventually(lambda: not world.reconcile(thing("v1"), other["v1beta1"]).failures)
    for _ in range(5):
        for face, gone_by in (("v1", "v1beta1"), ("v1beta1", "v1"), ("v1", "v1")):
            assert statuses(world.reconcile(other[gone_by], **settings)) == ["unchanged", "deleted"]
            assert statuses(world.reconcile(thing(face))) == ["created"]
            assert statuses(world.reconcile(thing(face))) == ["unchanged"]
            for other_face in ("v1beta1", "v1") if face == "v1" else ("v1", "v1beta1"):
                assert statuses(world.reconcile(thing(other_face))) == ["configured"]


def test_r3_9_written_by_one_version_and_read_by_the_other_behind_a_webhook(world, kind):
    kind.between(v1(), v1beta1())
    assert eventually(lambda: not world.reconcile(kind.thing("v1", "a", replicas=1)).failures)
    assert eventually(lambda: not world.reconcile(kind.thing("v1beta1", "b", size=1)).failures)
    created(world, kind.thing("v1", replicas=0))
    for size in range(1, 12):
        by, read = ("replicas", "size") if size % 2 else ("size", "replicas")
        faces = {"replicas": "v1", "size": "v1beta1"}
        assert statuses(world.reconcile(kind.thing(faces[by], **{by: size}))) == ["configured"]
        assert statuses(world.reconcile(kind.thing(faces[read], **{read: size}))) == ["unchanged"]


def written(face):
    """Objects with each choice of fields, in one version."""
    only, count = ("legacy", "size") if face == "v1beta1" else ("window", "replicas")
    ends = {"v1beta1": [{}, {"endpoint": "db"}, {"endpoint": "db:1"}], "v1": [{}, {"host": "db"}, {"port": 1}]}
    rest = [
        {},
        {count: 2},
        {"policy": {}},
        {"policy": {"mode": "slow"}, only: "x"},
        {only: "x", "many": [{"name": "a"}]},
    ]
    return [{**end, **more} for end, more in itertools.product(ends[face], rest)]


def with_defaults_everywhere():
    """As ``with_defaults``, and at fields that are split, and that only one version has."""
    new, old = with_defaults()
    new["properties"] |= {
        "host": {**TEXT, "default": "localhost"},
        "port": {**NUMBER, "default": 80},
        "window": {**TEXT, "default": "1h"},
    }
    old["properties"] |= {"legacy": {**TEXT, "default": "yes"}}
    return new, old


SPECS = {
    "of v1 alone": lambda: (with_defaults_everywhere()[0], v1beta1()),
    "of v1beta1 alone": lambda: (v1(), with_defaults_everywhere()[1]),
    "of both": with_defaults_everywhere,
}


@pytest.mark.parametrize(("face", "storage"), some(VERSIONS, VERSIONS, quick={("v1", "v1beta1")}))
@pytest.mark.parametrize("defaults", SPECS)
def test_r1_2_all_that_is_filled_in_through_a_webhook(world, kind, patches, defaults, face, storage):  # noqa: PLR0917 - a table
    """What was written by this version is never patched; what was written by the other one is, once at most."""
    kind.between(*SPECS[defaults](), storage)
    mine = [kind.thing(face, f"mine-{n}", **spec) for n, spec in enumerate(written(face))]
    assert eventually(lambda: not world.reconcile(*mine).failures)
    for _ in range(3):
        assert {(o.key.name, o.status) for o in world.reconcile(*mine) if o.status != "unchanged"} == set()
    assert "" not in patches
    by = "v1" if face == "v1beta1" else "v1beta1"
    theirs = [kind.thing(face, f"their-{n}", **spec) for n, spec in enumerate(written(face))]
    for thing, spec in zip(theirs, written(by), strict=True):
        kind.post({**copy.deepcopy(thing), "apiVersion": f"{kind.group}/{by}", "spec": spec})

    def is_seen():
        return {o.status for o in world.reconcile(*theirs)} <= {"configured", "unchanged"}

    assert eventually(is_seen)
    patches.clear()
    for _ in range(3):
        assert {(o.key.name, o.status) for o in world.reconcile(*theirs) if o.status != "unchanged"} == set()
    assert "" not in patches
