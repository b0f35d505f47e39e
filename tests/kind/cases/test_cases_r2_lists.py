"""R2.5 and R2.6: long lists, and changes that are more, or larger, than the server takes at once."""

import base64
import random

import pytest

import genreconcile as gr
from support.api.passing import Counted
from support.objects import definition, struct, version

MEBIBYTE = 2**20
HEAD = {"apiVersion": "lists.genreconcile.dev/v1", "kind": "Holder"}
MEMBER = struct(name={"type": "string"}, mode={"type": "string", "default": "fast"}, level={"type": "integer"})
SCHEMA = struct(
    texts={"type": "array", "items": {"type": "string"}},
    set={"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
    map={
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {**MEMBER, "required": ["name"]},
    },
    free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
)
NAMES = {"singular": "holder", "listKind": "HolderList"}
DEFINITION = definition("lists.genreconcile.dev", version("v1", SCHEMA), kind="Holder", names=NAMES)


@pytest.fixture
def holder(world):
    """Makes an object of a kind that holds lists of every type."""
    world.reconcile(DEFINITION).raise_for_failures()
    return lambda **fields: {**HEAD, "metadata": {"name": "a", "namespace": world.namespace}, **fields}


def chance():
    return random.Random(1)  # noqa: S311 - the same in each run


def edited(members):
    return ["first", *members[1:-1], "last"]


SHAPES = {
    "first and last": edited,
    "reversed": lambda members: members[::-1],
    "shuffled": lambda members: chance().sample(members, len(members)),
    "all others": lambda members: [f"{member}-other" for member in members],
    "every third": lambda members: members[::3],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["texts", "set", "map"])
def test_r2_6_a_long_list_is_repaired(world, holder, kind, shape):
    members = [f"member-{index}" for index in range(3000)]
    there = SHAPES[shape](members)
    if kind == "map":
        members, there = ([{"name": name, "level": 1} for name in names] for names in (members, there))
    world.create(holder(**{kind: there}))
    if kind != "texts" and shape in {"reversed", "shuffled"}:
        assert world.plan(holder(**{kind: members})) == []
    else:
        world.repair(holder(**{kind: members}))


def test_r2_6_rules_of_an_ingress(world):
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]

    def ingress(hosts):
        rules = [{"host": host, "http": {"paths": paths}} for host in hosts]
        return world.obj("networking.k8s.io/v1", "Ingress", "web", spec={"rules": rules})

    hosts = [f"host-{index}.example.com" for index in range(800)]
    world.create(ingress(hosts))
    assert len(world.plan(ingress(edited(hosts)))) == 2
    world.repair(ingress(edited(hosts)))
    world.repair(ingress(hosts[::-1]))


def test_r2_5_ten_thousand_changed_keys(world):
    world.create(world.config(data={f"key-{index}": "old" for index in range(10_100)}, binaryData={"b": "eA=="}))
    wanted = world.config(data={f"key-{index}": "new" for index in range(10_100)}, binaryData={"b": "eA=="})
    assert [(o["op"], o["path"]) for o in world.plan(wanted)] == [("replace", "/data")]
    world.repair(wanted)


def test_r2_5_replaced_members_of_a_set(world, holder):
    world.create(holder(set=[f"old-{index}" for index in range(3500)]))
    world.repair(holder(set=[f"new-{index}" for index in range(3500)]))


def test_r2_5_a_deep_change_in_each_of_many_members(world, holder):
    world.create(holder(map=[{"name": f"n{index}", "level": 1} for index in range(6000)]))
    wanted = holder(map=[{"name": f"n{index}", "level": 2} for index in range(6000)])
    assert [(o["op"], o["path"]) for o in world.plan(wanted)] == [("replace", "/map")]
    world.repair(wanted)


def test_r2_5_changes_in_several_places_replace_the_deepest_that_is_enough(world, holder):
    def places(text):
        return holder(free={name: {f"k{index}": text for index in range(6000)} for name in "ab"} | {"c": text})

    world.create(places("old"))
    operations = world.plan(places("new"))
    assert sorted(o["path"] for o in operations if o["path"].count("/") == 2) == ["/free/a", "/free/c"]
    world.repair(places("new"))


def test_r2_5_what_is_ignored_is_no_part_of_a_replacement(world):
    data = {f"key-{index}": "old" for index in range(12_000)}
    world.create(world.config(data=data))
    world.edit(world.config(), {"op": "replace", "path": "/data/key-7", "value": "theirs"})
    wanted = world.config(data=dict.fromkeys(data, "new"))
    with world.with_rules({"object": {"kind": "ConfigMap"}, "path": "data/key-7", "ignore": True}) as ruled:
        paths = {operation["path"] for operation in ruled.plan(wanted)}
        assert not paths & {"/data", "/data/key-7"}
        ruled.repair(wanted)
    live = world.get(wanted)["data"]
    assert live.pop("key-7") == "theirs"
    assert set(live.values()) == {"new"}


def test_r2_5_annotations_are_never_replaced_as_a_whole(world):
    def annotated(text):
        return world.config(metadata={"annotations": {f"example.com/{index}": text for index in range(11_000)}})

    world.create(annotated("a"))
    assert all(o["path"].count("/") == 3 for o in world.plan(annotated("b")))
    world.repair(annotated("b"))


def test_r2_5_somebody_else_writes_before_the_replacement(world):
    keys = [f"key-{index}" for index in range(10_100)]
    world.create(world.config(data=dict.fromkeys(keys, "old")))
    wanted = world.config(data=dict.fromkeys(keys, "new"))
    plan = world.reconciler.plan([wanted])
    world.edit_unseen(wanted, {"op": "add", "path": "/data/theirs", "value": "x"})
    [outcome] = world.reconciler.apply(plan)
    assert isinstance(outcome.error, gr.Conflict)
    world.repair(wanted)


@pytest.mark.parametrize("size", [1.6, 2.2, 3.2])
def test_r2_5_what_is_too_large_is_told_by_its_parts_and_not_sent_again(world, holder, size):
    sent = Counted(world.cluster)
    large = holder(free={"large": "x" * int(size * MEBIBYTE), "small": "y" * 100_000})
    with gr.Reconciler(sent) as reconciler:
        for again in range(3):
            [outcome] = reconciler.reconcile([large])
            assert isinstance(outcome.error, gr.TooLarge)
            assert f"/free/large {size:.1f} MiB, /free/small 97.7 KiB" in str(outcome)
            assert len(sent.writes) == 1, again
        small = holder(free={"large": "x"})
        assert [outcome.status for outcome in reconciler.reconcile([small])] == ["created"]
        sent.writes.clear()
        for _ in range(2):
            [outcome] = reconciler.reconcile([large])
            assert isinstance(outcome.error, gr.TooLarge)
        assert len(sent.writes) == 1
        larger = holder(free={"large": "x" * int(size * MEBIBYTE), "small": "z"})
        reconciler.reconcile([larger])
        assert len(sent.writes) == 2


TEXT = base64.b64encode(b"x" * 700_000).decode()
MOST = 2**20


def config_maps(world):
    yield "as much as there may be", None, world.config(data={"k": "x" * MOST})
    yield "one more", "/data", world.config(data={"k": "x" * (MOST + 1)})
    yield "letters of two bytes", "/data", world.config(data={"k": "ä" * (MOST // 2 + 1)})
    half = base64.b64encode(b"x" * (MOST // 2)).decode()
    yield "both maps", None, world.config(data={"k": "x" * (MOST // 2)}, binaryData={"b": half})
    yield "both maps, one more", "/data", world.config(data={"k": "x" * (MOST // 2 + 1)}, binaryData={"b": half})
    more = base64.b64encode(b"x" * (MOST + 1)).decode()
    yield "binary data", "/binaryData", world.config(binaryData={"b": more})


def secrets(world):
    def secret(**fields):
        return world.obj("v1", "Secret", "s", **fields)

    yield "as much as there may be", None, secret(data={"k": base64.b64encode(b"x" * MOST).decode()})
    yield "one more", "/data", secret(data={"k": base64.b64encode(b"x" * (MOST + 1)).decode()})
    yield "as texts", "/data", secret(stringData={"k": "x" * (MOST + 1)})
    yield "both", "/data", secret(stringData={"k": "x" * 400_000}, data={"l": TEXT})
    yield "one and the same key", None, secret(stringData={"k": "x" * 400_000}, data={"k": TEXT})


def annotated(world):
    full = {"example.com/k": "x" * (2**18 - len("example.com/k"))}
    over = {"example.com/k": full["example.com/k"] + "x"}
    yield "as much as there may be", None, world.config(metadata={"annotations": full})
    yield "one more", "/metadata/annotations", world.config(metadata={"annotations": over})
    yield (
        "of a custom resource",
        "/metadata/annotations",
        world.obj("cases.genreconcile.dev/v1", "Sample", "s", {"annotations": over}),
    )
    for text, metadata in ((None, full), ("/spec/template/metadata/annotations", over)):
        deployment = world.deployment()
        deployment["spec"]["template"]["metadata"]["annotations"] = metadata
        yield f"of a template: {text}", text, deployment


@pytest.mark.parametrize("cases", [config_maps, secrets, annotated])
def test_r2_5_limits_of_data_and_annotations_are_told_before_anything_is_sent(world, cases):
    for name, path, obj in cases(world):
        [change] = world.reconciler.plan([obj])
        if path is None:
            assert change.error is None, name
            world.send("POST", world.path(obj).rpartition("/")[0], obj, query={"dryRun": "All"})
            continue
        assert isinstance(change.error, gr.InputError), name
        assert change.error.path == path, name
        assert f"{path}: " in str(change.error)
        assert "xxxxxx" not in str(change.error)
        [outcome] = world.reconcile(obj)
        assert path in str(outcome), name
        assert "MiB" in str(outcome) or "KiB" in str(outcome), name
        with pytest.raises(gr.Invalid):
            world.send("POST", world.path(obj).rpartition("/")[0], obj, query={"dryRun": "All"})
