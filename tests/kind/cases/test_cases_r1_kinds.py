"""Rows R1.2, R1.13 and R1.15: what is known of custom kinds, and what is not known yet."""

import time

import pytest

import genreconcile as gr
from kind.definitions import DEFINITIONS, Things, settled, spec_of, statuses, version
from support.counted import Patches
from support.eventually import eventually
from support.objects import definition
from support.webhook import Webhook


@pytest.fixture
def things(world):
    made = []

    def make(name="a"):
        made.append(Things(world, name))
        return made[-1]

    yield make
    for kind in made:
        world.send("DELETE", kind.path)


FAST = {"type": "string", "default": "fast"}
SLOW = {"type": "string", "default": "slow"}


@pytest.mark.parametrize("delay", [0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0])
def test_r1_13_a_kind_that_is_met_soon_after_it_was_established(world, cluster, things, delay):
    """Whether its document is there by then or not: no patch, and a later change of the definition is noticed."""
    kind = things()
    kind.define(version(spec=spec_of(mode=FAST)))
    time.sleep(delay)  # The delay is what the test is about.
    expected = [kind.thing(size=1)]
    with gr.Reconciler(cluster) as reconciler:
        assert eventually(lambda: statuses(reconciler.reconcile(expected)) == ["created"])
        for _ in range(3):
            assert [(o.status, o.reason) for o in reconciler.reconcile(expected)] == [("unchanged", "")]
        assert kind.get()["spec"] == {"size": 1, "mode": "fast"}

        kind.define(version(spec=spec_of(mode=FAST, mood=SLOW)))
        named = [kind.thing(size=1, mood="good")]
        assert eventually(lambda: statuses(reconciler.reconcile(named)) == ["configured"], timeout=20)
        assert statuses(reconciler.reconcile(named)) == ["unchanged"]


def test_r1_13_two_kinds_of_one_group_of_which_the_second_comes_later(world, cluster, things):
    """A document of the group is there, and does not know the second kind yet."""
    kind = things()
    kind.define(version(spec=spec_of(mode=FAST)))
    with gr.Reconciler(cluster) as reconciler:
        assert eventually(lambda: statuses(reconciler.reconcile([kind.thing(size=1)])) == ["created"])
        second = definition(kind.group, version(spec=spec_of(mode=FAST)))
        second["metadata"] = {"name": f"others.{kind.group}"}
        second["spec"]["names"] = {"kind": "Other", "plural": "others"}
        world.send("POST", DEFINITIONS, second)
        other = {**kind.thing(size=1), "kind": "Other"}
        assert eventually(lambda: statuses(reconciler.reconcile([other])) == ["created"], timeout=20)
        for _ in range(3):
            assert [(o.status, o.reason) for o in reconciler.reconcile([other])] == [("unchanged", "")]
        world.send("DELETE", f"{DEFINITIONS}/others.{kind.group}")


def test_r1_2_the_storage_version_has_a_default_that_the_requested_one_has_not(world, things):
    kind = things()
    kind.define(version("v1", spec=spec_of(mode=FAST)), version("v1beta1", storage=False, spec=spec_of(mode=TEXT)))
    expected = [kind.thing("v1beta1", size=1)]
    kind.post(expected[0])
    assert kind.get("v1beta1")["spec"] == {"size": 1, "mode": "fast"}
    assert settled(world, world.reconciler, expected) is True
    # Any other value is drift, and is repaired once.
    kind.merge("v1beta1", mode="slow")
    assert eventually(lambda: statuses(world.reconciler.reconcile(expected)) == ["configured"])
    assert kind.get("v1beta1")["spec"] == {"size": 1, "mode": "fast"}
    assert settled(world, world.reconciler, expected) is True


def test_r1_2_a_storage_version_that_is_not_served(world, things):
    kind = things()
    kind.define(
        version("v1", served=False, spec=spec_of(mode=FAST)), version("v2", storage=False, spec=spec_of(mode=TEXT))
    )
    expected = [kind.thing("v2", size=1)]
    kind.post(expected[0])
    assert kind.get("v2")["spec"]["mode"] == "fast"
    assert settled(world, world.reconciler, expected) is True
    kind.merge("v2", mode="slow")
    assert eventually(lambda: statuses(world.reconciler.reconcile(expected)) == ["configured"])
    assert settled(world, world.reconciler, expected) is True


TEXT = {"type": "string"}
NESTED = spec_of(
    one={"type": "object", "default": {}, "properties": {"mode": FAST, "size": {"type": "integer"}}},
    many={"type": "array", "items": {"type": "object", "properties": {"name": TEXT, "mode": FAST}}},
    by={"type": "object", "additionalProperties": {"type": "object", "properties": {"name": TEXT, "mode": FAST}}},
    free={"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"mode": FAST}},
)
PLAIN = spec_of(
    one={"type": "object", "properties": {"mode": TEXT, "size": {"type": "integer"}}},
    many={"type": "array", "items": {"type": "object", "properties": {"name": TEXT, "mode": TEXT}}},
    by={"type": "object", "additionalProperties": {"type": "object", "properties": {"name": TEXT, "mode": TEXT}}},
    free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
)


def test_r1_2_nested_defaults_in_objects_lists_maps_and_free_form(world, things):
    kind = things()
    kind.define(version("v1", spec=NESTED), version("v1beta1", storage=False, spec=PLAIN))
    expected = [kind.thing("v1beta1", many=[{"name": "a"}, {"name": "b"}], by={"k/é": {"name": "c"}}, free={"x": 1})]
    kind.post(expected[0])
    live = kind.get("v1beta1")["spec"]
    assert live == {
        "one": {"mode": "fast"},
        "many": [{"name": "a", "mode": "fast"}, {"name": "b", "mode": "fast"}],
        "by": {"k/é": {"name": "c", "mode": "fast"}},
        "free": {"x": 1, "mode": "fast"},
    }
    assert settled(world, world.reconciler, expected) is True
    edits = [
        {"one": {"mode": "slow"}},
        {"one": {"size": 7}},
        {"many": [{"name": "a", "mode": "fast"}, {"name": "b", "mode": "slow"}]},
        {"by": {"k/é": {"mode": "slow"}}},
        {"free": {"mode": "slow"}},
    ]
    for edit in edits:
        kind.merge("v1beta1", **edit)
        assert eventually(lambda: statuses(world.reconciler.reconcile(expected)) == ["configured"], edit)
        assert kind.get("v1beta1")["spec"] == live
        assert settled(world, world.reconciler, expected) is True


def test_r1_2_two_versions_with_a_default_of_their_own(world, things):
    kind = things()
    kind.define(version("v1", spec=spec_of(mode=FAST)), version("v2", storage=False, spec=spec_of(mode=SLOW)))
    written = kind.thing("v2", size=1)
    found = kind.thing("v2", name="found", size=1)
    kind.post(found)
    kind.post(kind.thing("v1", name="other", size=1))
    assert [kind.get("v2", name)["spec"]["mode"] for name in ("found", "other")] == ["slow", "fast"]
    assert statuses(world.reconciler.reconcile([written])) == ["created"]
    expected = [written, found, kind.thing("v2", name="other", size=1)]
    assert settled(world, world.reconciler, expected) is True
    kind.merge("v2", mode="medium")
    assert eventually(lambda: "configured" in statuses(world.reconciler.reconcile(expected)))
    assert kind.get("v2")["spec"]["mode"] == "slow"


def test_r1_2_a_storage_version_that_changes_while_the_engine_runs(world, things):
    """Objects lie in the old version until they are written, then in the new one."""
    kind = things()
    before = [version("v1", spec=spec_of(mode=TEXT)), version("v2", storage=False, spec=spec_of(mode=FAST))]
    kind.define(*before)
    kind.post(kind.thing("v1", size=1))
    kind.post(kind.thing("v1", name="old", size=1))
    expected = [kind.thing("v1", size=1), kind.thing("v1", name="old", size=1)]
    assert settled(world, world.reconciler, expected) is True
    after = [version("v1", storage=False, spec=spec_of(mode=TEXT)), version("v2", spec=spec_of(mode=FAST))]
    kind.define(*after)

    def is_stored_anew():
        kind.merge("v1", size=2)
        kind.merge("v1", size=1)
        return kind.get("v1")["spec"].get("mode") == "fast"

    assert eventually(is_stored_anew)
    assert "mode" not in kind.get("v1", "old")["spec"]
    assert eventually(lambda: statuses(world.reconciler.reconcile(expected)) == ["unchanged"] * 2)
    assert settled(world, world.reconciler, expected) is True
    # And back: what lies in v2 carries its default still, and loses it when it is written.
    kind.define(*before)
    assert world.send("GET", kind.path)["status"]["storedVersions"] == ["v1", "v2"]
    assert settled(world, world.reconciler, expected) is True
    # Once the server says that nothing lies in v2 any more, a value that only v2 fills in is somebody's.
    eventually(lambda: kind.merge("v1", size=1, mode="fast"))
    live = world.send("GET", kind.path)
    world.send("PUT", f"{kind.path}/status", {**live, "status": {**live["status"], "storedVersions": ["v1"]}})
    assert eventually(lambda: "configured" in statuses(world.reconciler.reconcile(expected)))
    assert "mode" not in kind.get("v1")["spec"]


def test_r1_2_what_the_stored_version_does_not_know_of_a_default(world, things):
    """The server drops it when it stores the object."""
    default = {"a": "1", "b": "2"}
    both = {"type": "object", "properties": {"a": TEXT, "b": TEXT}}
    one = {"type": "object", "properties": {"a": TEXT}}
    kind = things()
    kind.define(
        version("v1", spec=spec_of(pair=one)),
        version("v2", storage=False, spec=spec_of(pair={**both, "default": default})),
    )
    expected = [kind.thing("v2", size=1)]
    kind.post(expected[0])
    assert kind.get("v2")["spec"]["pair"] == {"a": "1"}
    assert settled(world, world.reconciler, expected) is True


@pytest.mark.parametrize("follow", [True, False, "once"])
def test_r1_2_who_may_not_read_definitions(world, control_plane, things, follow):
    """Then each version that is served may be the one in which objects are stored."""
    kind = things()
    kind.define(version("v1", spec=spec_of(mode=FAST)), version("v1beta1", storage=False, spec=spec_of(mode=TEXT)))
    expected = [kind.thing("v1beta1", size=1)]
    kind.post(expected[0])
    user = f"user-{world.namespace}"
    rules = [{"apiGroups": [kind.group], "resources": ["things"], "verbs": ["*"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": rules}
    binding = {
        **{key: role[key] for key in ("apiVersion", "metadata")},
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    for plural, obj in (("roles", role), ("rolebindings", binding)):
        where = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{world.namespace}/{plural}"
        world.send("POST", where, obj)
    limited = gr.connect(kubeconfig=str(control_plane.user_kubeconfig(user)))
    with gr.Reconciler(limited, namespaces=[world.namespace], follow_definitions=follow) as reconciler:
        assert settled(world, reconciler, expected) is True
        kind.merge("v1beta1", mode="slow")
        assert eventually(lambda: statuses(reconciler.reconcile(expected)) == ["configured"])
        assert settled(world, reconciler, expected) is True
    assert not gr.diff(expected[0], kind.get("v1beta1"), schema=gr.Schema.from_cluster(limited))


def test_r1_2_who_does_not_follow_definitions_may_ask_for_them(world, cluster, things):
    kind = things()
    kind.define(
        version("v1", served=False, spec=spec_of(mode=FAST)), version("v2", storage=False, spec=spec_of(mode=TEXT))
    )
    expected = [kind.thing("v2", size=1)]
    kind.post(expected[0])
    with gr.Reconciler(cluster, follow_definitions="once") as reconciler:
        assert settled(world, reconciler, expected) is True


def test_r1_2_offline(world, cluster, things):
    kind = things()
    kind.define(
        version("v1", served=False, spec=spec_of(mode=FAST)), version("v2", storage=False, spec=spec_of(mode=TEXT))
    )
    expected = kind.thing("v2", size=1)
    kind.post(expected)
    live = kind.get("v2")

    def described():
        schema = gr.Schema.from_cluster(cluster)
        return schema if schema.root(gr.GVK.of(expected)) else None

    schema = eventually(described)
    assert not gr.diff(expected, live, schema=schema)
    live["spec"]["mode"] = "slow"
    assert gr.diff(expected, live, schema=schema).patch.patch[-1] == {"op": "remove", "path": "/spec/mode"}


def insisted(world, reconciler, expected):
    """Reconcile until the engine has learned that the server will not take it."""
    return eventually(
        lambda: next(o.reason for o in reconciler.reconcile(expected)).startswith("the server insists at"),
        lambda: [str(outcome) for outcome in reconciler.reconcile(expected)],
    )


def small_and_large():
    """Versions of which v2 holds a field that v1 does not; which one is stored is to be said."""
    small, large = spec_of(), spec_of(mood=TEXT)
    return lambda stored: [
        version("v1", storage=stored == "v1", spec=small),
        version("v2", storage=stored == "v2", spec=large),
    ]


def test_r1_15_we_change_the_stored_version_to_one_that_holds_the_field(world, things):
    kind, versions = things(), small_and_large()
    kind.define(*versions("v1"))
    expected = kind.thing("v2", size=1, mood="good")
    eventually(lambda: not world.reconcile(expected).failures)
    assert insisted(world, world.reconciler, [expected])
    world.reconcile(definition(kind.group, *versions("v2"))).raise_for_failures()
    assert eventually(lambda: statuses(world.reconcile(expected)) == ["configured"], timeout=5)
    assert kind.get("v2")["spec"] == {"size": 1, "mood": "good"}
    assert settled(world, world.reconciler, [expected]) is True


def test_r1_15_somebody_else_changes_it(world, things):
    kind, versions = things(), small_and_large()
    kind.define(*versions("v1"))
    expected, other = kind.thing("v2", size=1, mood="good"), things("b")
    eventually(lambda: not world.reconcile(expected).failures)
    other.define(*versions("v1"))
    also = other.thing("v2", size=1, mood="good")
    eventually(lambda: not world.reconcile(also).failures)
    # A young definition is asked about once more when its lag is over.
    since = time.monotonic()
    assert eventually(lambda: world.reconcile(expected, also) and time.monotonic() > since + 6)
    assert insisted(world, world.reconciler, [expected])
    assert insisted(world, world.reconciler, [also])
    kind.define(*versions("v2"))
    assert eventually(lambda: statuses(world.reconcile(expected)) and kind.get("v2")["spec"].get("mood") == "good")
    assert settled(world, world.reconciler, [expected]) is True
    # What was learned of another kind stays.
    assert next(o.reason for o in world.reconcile(also)).startswith("the server insists at")


def test_r1_15_the_webhook_that_insisted_goes(world, cluster, things, tmp_path):
    """Nothing but what was learned says that the webhook is to be watched."""
    kind = things()
    kind.define(version(spec=spec_of(mood=TEXT)))
    expected = kind.thing(size=1, mood="good")
    rule = {"apiGroups": [kind.group], "apiVersions": ["*"], "resources": ["things"]}
    with gr.Reconciler(cluster) as reconciler, Webhook(tmp_path, lambda _: [BAD]) as webhook:
        eventually(lambda: not reconciler.reconcile([expected]).failures)
        configuration = webhook.configuration(f"r115-{world.namespace}", world.namespace, rule)
        world.post(configuration)
        eventually(lambda: kind.merge(size=2)["spec"]["mood"] == "bad")
        assert insisted(world, reconciler, [expected])
        admission = "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration"
        assert eventually(lambda: reconciler.reconcile([expected]) and reconciler.cache.has_synced(admission))
        world.delete(configuration)
        assert eventually(lambda: reconciler.reconcile([expected]) and kind.get()["spec"]["mood"] == "good")
        assert settled(world, reconciler, [expected]) is True


BAD = {"op": "replace", "path": "/spec/mood", "value": "bad"}


def test_r1_15_a_definition_that_changes_is_no_loop_for_its_lag(world, things):
    """What the server will not take is tried again after the change, and once more when the lag is over."""
    kind, versions = things(), small_and_large()
    kind.define(*versions("v1"))
    expected = kind.thing("v2", size=1, mood="good")
    patches = Patches(world.cluster)
    with gr.Reconciler(patches) as reconciler:
        eventually(lambda: not reconciler.reconcile([expected]).failures)
        assert insisted(world, reconciler, [expected])
        patches.sent.clear()
        kind.define(*versions("v1"), names={"kind": "Thing", "plural": "things", "shortNames": ["th"]})
        assert eventually(lambda: reconciler.reconcile([expected]) and patches.sent, timeout=10)
        assert insisted(world, reconciler, [expected])
        # The lag is over after 5 s; it is about what happens meanwhile.
        since = time.monotonic()
        assert eventually(lambda: reconciler.reconcile([expected]) and time.monotonic() > since + 7)
        assert len(patches.sent) <= 4
