"""What only its owner tells, without a server: whose a member of a list is, and who set an allotted value."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile.compare import Comparison, Ours, Policy
from genreconcile.compare.quick import is_clean
from genreconcile.memory.learned import written
from support.objects import rule_set
from support.recorded import SCHEMA

CREATED, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
SERVICE = gr.GVK("", "v1", "Service")
PORT = 'k:{"port":80,"protocol":"TCP"}'


def entry(manager, fields, time=CREATED, operation="Update"):
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": fields}


def metadata(*entries, **more):
    return {"name": "web", "uid": "u", "creationTimestamp": CREATED, "managedFields": list(entries), **more}


# R1.9


def config(*finalizers, owners=(), entries=(), **more):
    lists = {"finalizers": list(finalizers), "ownerReferences": list(owners)}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(*entries, **{key: value for key, value in lists.items() if value}, **more),
    }


def expected_config(**more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", **more}}


def found(expected, live, ours, **policy):
    gvk = gr.GVK.of(expected)
    node = gr.Registry.builtin().compile(gvk, SCHEMA.root(gvk), expected, has_status=SCHEMA.has_status(gvk))
    diff = Comparison(node, policy=Policy(ours=ours, **policy)).compare(expected, live)
    assert not (diff and is_clean(expected, live, node))
    return diff


EVERYTHING = frozenset({"a/1", "b/2", "c/3", "d/4", "e/5"})
OURS = Ours("us", of_set=lambda _: EVERYTHING)


@st.composite
def writers(draw):
    """Finalizers, each with the managers that own it."""
    names = draw(st.lists(st.sampled_from(["a/1", "b/2", "c/3", "d/4", "e/5"]), unique=True, min_size=1))
    return {name: draw(st.sets(st.sampled_from(["us", "them", "kubectl"]))) for name in names}


@given(writers(), st.sets(st.sampled_from(["a/1", "b/2", "c/3", "x/9"])), st.booleans(), st.booleans())
def test_r1_9_exactly_what_we_alone_own_and_do_not_expect_goes(owned, wanted, is_member, terminating):
    # A manager that owns none has no entry: the server writes no empty list of finalizers.
    entries = [
        entry(manager, {"f:metadata": {"f:finalizers": {f'v:"{name}"': {} for name in names}}})
        for manager in ("us", "them", "kubectl")
        if (names := [name for name in owned if manager in owned[name]])
    ]
    more = {"deletionTimestamp": LATER} if terminating else {}
    live = config(*owned, entries=entries, **more)
    expected = expected_config(**({"finalizers": sorted(wanted)} if wanted else {}))
    before = copy.deepcopy((expected, live))
    diff = found(expected, live, Ours("us", of_set=lambda _: EVERYTHING if is_member else frozenset()))
    after = diff.patch.apply(live)
    ours = {name for name, managers in owned.items() if managers == {"us"}} if is_member and not terminating else set()
    assert set(after["metadata"].get("finalizers", [])) == wanted | (owned.keys() - ours)
    assert (expected, live) == before


@pytest.mark.parametrize(
    ("ours", "goes"),
    [
        (OURS, True),
        (Ours("us"), False),
        (Ours("us", of_set=lambda _: frozenset({"a/2"})), False),
        (Ours("them", of_set=lambda _: EVERYTHING), False),
        (Ours("us", has_added=lambda uid, name: (uid, name) == ("u", "a/1")), True),
        (Ours("us", has_added=lambda uid, name: (uid, name) == ("u", "a/2")), False),
    ],
    ids=[
        "of our set",
        "by name alone",
        "of somebody else in our set",
        "of another manager",
        "added by us",
        "another was added",
    ],
)
def test_r1_9_a_name_alone_is_no_proof(ours, goes):
    live = config("a/1", entries=[entry("us", {"f:metadata": {"f:finalizers": {'v:"a/1"': {}}}})])
    assert bool(found(expected_config(), live, ours)) == goes


def reference(uid, *, controller=False):
    return {"apiVersion": "v1", "kind": "Node", "name": uid, "uid": uid} | ({"controller": True} if controller else {})


@pytest.mark.parametrize("managers", [[], ["them"], ["us"]], ids=["nobody knows", "them", "us"])
def test_a_reference_to_an_earlier_parent_goes_whoever_wrote_it(managers):
    entries = [entry(name, {"f:metadata": {"f:ownerReferences": {'k:{"uid":"old"}': {}}}}) for name in managers]
    live = config(owners=[reference("old", controller=True), reference("other")], entries=entries)
    ours = Ours("we", outlived=lambda _: frozenset({"old"}))
    expected = expected_config(ownerReferences=[reference("new", controller=True)])
    assert uids_after(expected, live, ours) == {"new", "other"}
    assert uids_after(expected, live, Ours("we")) == {"new", "old", "other"}


def uids_after(expected, live, ours):
    after = found(expected, live, ours).patch.apply(live)
    return {owner["uid"] for owner in after["metadata"]["ownerReferences"]}


def test_no_reference_of_an_object_that_is_being_deleted_goes():
    live = config(owners=[reference("old", controller=True)], deletionTimestamp=LATER)
    ours = Ours("we", outlived=lambda _: frozenset({"old"}))
    assert uids_after(expected_config(ownerReferences=[reference("new")]), live, ours) == {"new", "old"}


def test_r1_9_under_the_same_controller_owners_of_ours_go():
    fields = {"f:metadata": {"f:ownerReferences": {f'k:{{"uid":"{uid}"}}': {} for uid in ("boss", "old")}}}
    theirs = {"f:metadata": {"f:ownerReferences": {'k:{"uid":"theirs"}': {}}}}
    owners = [reference("boss", controller=True), reference("old"), reference("theirs")]
    live = config(owners=owners, entries=[entry("us", fields), entry("them", theirs)])
    for boss, left in (("boss", ["boss", "theirs"]), ("another", ["boss", "old", "theirs", "another"])):
        expected = expected_config(ownerReferences=[reference(boss, controller=True)])
        after = found(expected, live, Ours("us")).patch.apply(live)
        assert {owner["uid"] for owner in after["metadata"]["ownerReferences"]} == set(left)


def test_r1_9_of_the_fields_that_expected_sets_nothing_goes():
    live = config("a/1", entries=[entry("us", {"f:metadata": {"f:finalizers": {'v:"a/1"': {}}}})])
    assert not found(expected_config(), live, OURS, fields="subset")


# R1.10


def service(*entries, port=31000, **spec):
    ports = [{"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": port}]
    filled = {"type": "NodePort", "ports": ports, "sessionAffinity": "None", "externalTrafficPolicy": "Cluster"}
    filled |= {"internalTrafficPolicy": "Cluster", "ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]}
    filled |= {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(*entries), "spec": {**filled, **spec}}


EXPECTED = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"type": "NodePort", "ports": [{"port": 80}]},
}
MADE = {"f:spec": {"f:type": {}, "f:ports": {".": {}, PORT: {".": {}, "f:port": {}}}}}
SET = {"f:spec": {"f:ports": {PORT: {"f:nodePort": {}}}}}
MADE_WITH = {"f:spec": {"f:type": {}, "f:ports": {".": {}, PORT: {".": {}, "f:port": {}, "f:nodePort": {}}}}}


def judged(live, earlier=None, ours=None):
    node = gr.Registry.builtin().compile(SERVICE, SCHEMA.root(SERVICE), EXPECTED, has_status=True)
    diff = Comparison(node, policy=Policy(ours=ours or Ours())).compare(EXPECTED, live, earlier)
    assert not (diff and is_clean(EXPECTED, live, node))
    if diff.differences:
        assert [(one.op, one.path[-1], one.expected) for one in diff.differences] == [("replace", "nodePort", 30000)]
        return "repaired"
    if diff.interventions:
        return str(diff.interventions[0]).partition(",")[0]
    return next((one.note for one in diff.covered if one.note), "")


CLEAN = service(entry("genreconcile", MADE), port=30000)
OURS_MADE, BY_HAND = entry("genreconcile", MADE), entry("kubectl-patch", SET, LATER)
PINNED, PINNED_LATER = (entry("kubectl-create", MADE_WITH, time) for time in (CREATED, LATER))
WHO = "who made the object with it"
TOLD = "/spec/ports/0/nodePort was set by"


@pytest.mark.parametrize(
    ("live", "earlier", "outcome"),
    [
        (service(OURS_MADE), None, ""),
        (service(), None, ""),
        (service(OURS_MADE, BY_HAND), None, f"{TOLD} kubectl-patch at {LATER}"),
        (service(OURS_MADE, entry("kubectl-patch", SET)), None, f"{TOLD} kubectl-patch at {CREATED}"),
        (service(OURS_MADE, BY_HAND), CLEAN, "repaired"),
        (service(OURS_MADE, BY_HAND, port=30000), CLEAN, ""),
        (service(PINNED), None, f"pinned by kubectl-create at {CREATED}, {WHO}"),
        (service(PINNED_LATER), None, f"pinned by kubectl-create at {LATER}, {WHO}"),
        (service(PINNED), service(PINNED, port=30000), "repaired"),
        (service(entry("genreconcile", MADE_WITH, LATER)), None, ""),
        (service(entry("genreconcile", MADE_WITH, LATER)), CLEAN, "repaired"),
        (
            service(OURS_MADE, entry("kubectl-edit", SET, LATER)),
            service(OURS_MADE, entry("kubectl-edit", SET, LATER), port=30000),
            f"{TOLD} kubectl-edit at {LATER}",
        ),
    ],
    ids=[
        "nobody", "no managedFields", "a later owner", "within one second", "seen before", "set back by hand",
        "pinned", "pinned, and its maker wrote again", "pinned, and changed since", "ours", "under our name, not by us",
        "seen when it was changed already",
    ],
)  # fmt: skip
def test_r1_10_who_set_an_allotted_value(live, earlier, outcome):
    assert judged(live, earlier) == outcome


def test_r1_10_what_we_have_written_and_do_not_state_any_more_is_ours():
    live = service(entry("genreconcile", MADE_WITH, LATER))
    name = written("/spec/ports/0/nodePort", 31000)
    assert judged(live, CLEAN, Ours(has_added=lambda _, what: what == name)) == ""


def test_r1_10_the_value_of_another_object_of_that_name_is_no_earlier_one():
    live = service(entry("genreconcile", MADE), entry("kubectl-patch", SET, LATER))
    other = copy.deepcopy(CLEAN)
    other["metadata"]["uid"] = "another"
    assert judged(live, other) == f"{TOLD} kubectl-patch at {LATER}"


def test_r1_10_what_nobody_can_change_back_is_told_only():
    live = service(entry("genreconcile", MADE), entry("kubectl-edit", {"f:spec": {"f:clusterIP": {}}}, LATER))
    earlier = service(entry("genreconcile", MADE), clusterIP="10.0.0.9", port=31000)
    assert judged(live, earlier) == f"/spec/clusterIP was set by kubectl-edit at {LATER}"


def test_r1_10_a_rule_of_ones_own_says_who_else_may():
    live = service(entry("genreconcile", MADE), entry("port-keeper", SET, LATER))
    rule = {"id": "mine", "type": "io.k8s.api.core.v1.ServicePort", "path": "nodePort", "managed": True}
    for more, drifts in (({"by": ["port-*"]}, False), ({}, False), ({"by": ["nobody"]}, True)):
        rules = gr.Registry.builtin().extend(rule_set({**rule, **more}))
        assert bool(gr.diff(EXPECTED, live, schema=SCHEMA, rules=rules)) == drifts
    told = [one for one in gr.explain(EXPECTED, live, schema=SCHEMA) if one.is_drift]
    assert [str(one) for one in told] == [f"/spec/ports/0/nodePort: drift (report) (set by port-keeper at {LATER})"]


def test_r1_9_a_controller_is_no_proof_for_a_name_that_all_share():
    fields = {"f:metadata": {"f:finalizers": {'v:"a/1"': {}}}}
    owners = [reference("boss", controller=True)]
    for name, goes in (("genreconcile", False), ("operator", True)):
        live = config("a/1", owners=owners, entries=[entry(name, fields)])
        assert bool(found(expected_config(ownerReferences=owners), live, Ours(name))) == goes
