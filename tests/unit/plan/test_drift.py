import pytest

import genreconcile as gr
from genreconcile.compare import Comparison
from genreconcile.memory.learned import INSISTS, RULE_GAP, Learned
from genreconcile.objects import GVK
from genreconcile.plan import change_for
from genreconcile.plan.drift import learned_keys
from support.recorded import SCHEMA

GROUP = "example.genreconcile.dev"


def widget(**spec):
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "shop", "uid": "u", "resourceVersion": "7"},
        "spec": {"size": 1, **spec},
    }


def judged(expected, live, learned=None):
    gvk = GVK.of(expected)
    node = gr.Registry.builtin().compile(gvk, SCHEMA.root(gvk), expected, has_status=True)
    return change_for(expected, live, Comparison(node), learned)


def test_what_is_missing_is_created():
    change = judged(widget(), None)
    assert (change.operation, change.error) == ("create", None)
    assert str(change.key) == f"Widget.{GROUP} shop/w"


def test_what_is_equal_is_left_alone():
    change = judged(widget(), widget())
    assert change.is_quiet
    assert change.operations == []


def test_what_drifted_is_patched():
    change = judged(widget(), widget(size=2))
    assert change.operation == "update"
    assert change.operations == [{"op": "replace", "path": "/spec/size", "value": 1}]


def test_operations_leave_the_preconditions_out():
    change = judged(widget(steps=["a"]), widget(steps=["a", "b"]))
    assert [op["op"] for op in change.patch.patch] == ["test", "replace", "test", "remove"]
    assert [op["op"] for op in change.operations] == ["remove"]


def test_what_is_being_deleted_is_skipped():
    live = widget(size=2)
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    change = judged(widget(), live)
    assert (change.operation, change.skipped) == ("none", True)
    assert "being deleted" in change.reason


@pytest.mark.parametrize("live", [None, widget()], ids=["new", "live"])
def test_a_fault_of_the_object_is_its_error(live):
    change = judged(widget(sise=2), live)
    assert change.operation == "none"
    assert change.error.path == "/spec/sise"
    assert "shop/w: not usable: /spec/sise: the schema knows no such field; did you mean size?" in str(change.error)


@pytest.mark.parametrize("verdict", [RULE_GAP, INSISTS])
def test_what_was_learned_is_not_patched_again(verdict):
    learned = Learned()
    expected, live = widget(), widget(size=2, ratio=1.5)
    found = gr.diff(expected, live, schema=SCHEMA).differences
    key = learned_keys(found, expected, live)[0]
    for _ in range(2):
        learned.note(key, verdict)
    change = judged(expected, live, learned)
    assert change.operations == [{"op": "remove", "path": "/spec/ratio"}]
    assert change.reason == f"{verdict} at /spec/size"
    # It holds for these two values alone.
    assert len(judged(expected, widget(size=3, ratio=1.5), learned).operations) == 2
    assert len(judged(widget(size=5), live, learned).operations) == 2


def test_all_learned_is_unchanged_with_a_reason():
    learned = Learned()
    expected, live = widget(), widget(ratio=1.5)
    (key,) = learned_keys(gr.diff(expected, live, schema=SCHEMA).differences, expected, live)
    for _ in range(2):
        learned.note(key, RULE_GAP)
    change = judged(expected, live, learned)
    assert change.is_quiet
    assert change.reason == "rule gap at /spec/ratio"


def test_a_patch_that_does_not_lead_to_expected_is_not_sent(monkeypatch):
    import jsonpatch

    monkeypatch.setattr("genreconcile.plan.drift.to_patch", lambda *_: jsonpatch.JsonPatch([]))
    change = judged(widget(), widget(size=2))
    assert change.operation == "none"
    assert "after the patch it would still differ at /spec/size" in str(change.error)


def held(expected, live, which, note, times):
    """What is left of the patch when the differences that ``which`` picks were learned."""
    learned = Learned()
    found = gr.diff(expected, live, schema=SCHEMA).differences
    for key, difference in zip(learned_keys(found, expected, live), found, strict=True):
        if which(difference):
            for _ in range(times):
                note(learned, key)
    return judged(expected, live, learned)


def test_members_of_a_list_that_is_fought_for_are_left_alone_together():
    """One half of a swap alone may empty the list, or double a member."""
    expected, live = widget(steps=["a", "b"], size=2), widget(steps=["b", "c"])
    change = held(expected, live, lambda d: d.op == "add", lambda learned, key: learned.note_repair(key), 5)
    assert change.operations == [{"op": "replace", "path": "/spec/size", "value": 2}]
    assert change.retry_after is not None
    assert "a fight" in change.reason


def test_a_member_that_the_server_drops_does_not_shift_the_others():
    expected, live = widget(steps=["a", "x", "b", "c"]), widget(steps=["a"])
    change = held(expected, live, lambda d: d.expected == "x", lambda learned, key: learned.note(key, INSISTS), 2)
    assert change.operations == [
        {"op": "add", "path": "/spec/steps/1", "value": "b"},
        {"op": "add", "path": "/spec/steps/2", "value": "c"},
    ]
