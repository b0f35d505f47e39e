"""What a loop is told: whether all is as it should be, and when to come again."""

import json

import jsonschema
import pytest

import genreconcile as gr
from genreconcile.apply.result import Outcome, Result
from genreconcile.cluster import status_error
from genreconcile.errors import NotSynced, Throttled, Unreachable
from genreconcile.memory.fights import Fights
from genreconcile.memory.learned import Learned
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change
from genreconcile.report import render
from genreconcile.report.document import schema

EXPECTED = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}
KEY = ObjectKey("", "ConfigMap", "n", "a")


def change(operation="update", **more):
    return Change(operation, GVK("", "v1", "ConfigMap"), KEY, **{"expected": EXPECTED, **more})


def failed(error):
    return Outcome(change(), "failed", error=error)


def answered(code, *, reason="", message="no", header=None, **details):
    status = {"code": code, "reason": reason, "message": message, "details": details}
    return status_error("PATCH", status, header)


WEBHOOK = 'admission webhook "a.b.c" denied the request: no'
TERMINATING = [{"reason": "NamespaceTerminating", "message": "x", "field": "metadata.namespace"}]


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Throttled("x", retry_after=7.0), 7.0),
        (Throttled("x", retry_after=0.0), 0.0),
        (Throttled("x"), 5.0),
        (answered(429, header="12"), 12.0),
        (answered(429, retryAfterSeconds=3), 3.0),
        (Unreachable("x"), 5.0),
        (NotSynced("x"), 5.0),
        (answered(500), 5.0),
        (answered(503), 5.0),
        (answered(504), 5.0),
        (answered(409), 5.0),
        (answered(403, causes=TERMINATING), 5.0),
        (answered(500, message=WEBHOOK), None),
        (answered(409, message=WEBHOOK), None),
        (answered(422), None),
        (answered(403), None),
        (answered(404), None),
        (answered(501), None),
        (gr.InputError("x"), None),
        (gr.ReconcileError("x"), None),
    ],
    ids=repr,
)
def test_r2_7_when_an_error_may_have_passed(error, seconds):
    assert failed(error).retry_after == seconds
    assert Result((failed(error),)).retry_after == seconds
    assert not Result((failed(error),)).is_converged


FOUGHT = change("none", skipped=True, reason="a fight", retry_after=30.0)


@pytest.mark.parametrize(
    ("outcome", "converged"),
    [
        (Outcome(change("create"), "created"), True),
        (Outcome(change(), "configured"), True),
        (Outcome(change("none"), "unchanged"), True),
        (Outcome(change("none"), "unchanged", reason="the server insists"), True),
        (Outcome(change("delete", expected=None), "deleted"), True),
        (Outcome(FOUGHT, "skipped"), False),
        (Outcome(change(retry_after=30.0), "configured"), False),  # One of its differences is fought over.
        (Outcome(change("none", skipped=True), "skipped"), False),  # It is being deleted, say.
        (Outcome(change("delete", expected=None), "skipped"), False),  # Withheld.
        (Outcome(change("none", expected=None, skipped=True), "skipped"), True),  # Protected.
        (failed(gr.ReconcileError("x")), False),
    ],
    ids=range(11),
)
def test_r2_7_what_counts_as_converged(outcome, converged):
    assert outcome.is_converged is converged
    assert Result((outcome,)).is_converged is converged


def test_r2_7_a_result_is_due_when_its_first_outcome_is():
    fine = Outcome(change("none"), "unchanged")
    result = Result((fine, Outcome(FOUGHT, "skipped"), failed(Throttled("x", retry_after=7.0))))
    assert result.retry_after == 7.0
    assert Result((fine,)).retry_after is None
    assert Result(()).retry_after is None
    assert Result(()).is_converged


def test_r2_7_a_fight_says_when_the_next_repair_is_due():
    now = [0.0]
    learned = Learned(fights=Fights(rounds=2, clock=lambda: now[0]), clock=lambda: now[0])
    key = ("uid", "replace", ("data", "k"), "content", "values")
    assert learned.pause(key) is None
    for _ in range(2):
        learned.note_repair(key)
    assert learned.pause(key) == 30.0
    now[0] = 20.0
    assert learned.pause(key) == 10.0
    assert learned.fight(key).endswith("next repair in 10 s")
    now[0] = 30.0
    assert learned.pause(key) is None
    assert learned.fight(key) == ""


def test_r2_7_the_json_report_has_both():
    result = Result((Outcome(FOUGHT, "skipped", reason="a fight"), failed(gr.ReconcileError("x"))))
    read = json.loads(render(result, "json"))
    assert (read["converged"], read["retryAfter"]) == (False, 30.0)
    assert [item.get("retryAfter") for item in read["changes"]] == [30.0, None]
    jsonschema.validate(read, schema())
    del read["converged"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read, schema())


def test_an_outcome_names_its_object_once():
    key = change().key
    named = Outcome(change(), "failed", error=Unreachable(f"{key}: not patched: no answer"))
    assert str(named) == f"{key} failed: not patched: no answer"
    assert str(Outcome(change(), "failed", error=Unreachable("no answer"))) == f"{key} failed: no answer"
