"""Options of deletions: preconditions, and the three propagations at the moment of the request."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said

HOLD = "example.dev/hold"
KINDS = {"built-in": "ConfigMap", "custom": "Widget"}


_PRECONDITIONS = {"uid": {"uid": "other"}, "version": {"resourceVersion": "1"}}


@case(rows={f"{kind}, {name}": (kind, value) for name, value in _PRECONDITIONS.items() for kind in KINDS.values()})
def a_precondition_that_does_not_hold_is_a_conflict(place, kind, preconditions):
    path, made = place.config_map("a") if kind == "ConfigMap" else place.widget("a")
    error = place.refused(place.delete, path, {"preconditions": preconditions})
    assert said(error) == ("Conflict", 409, "Conflict")
    assert error.details["name"] == "a"
    assert place.get(path) == made


@case
def a_deletion_under_preconditions_that_hold(place):
    path, made = place.config_map("a")
    meta = made["metadata"]
    place.delete(path, {"preconditions": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}})
    assert not place.is_there(path)


@case
def a_deletion_for_an_object_that_was_made_anew_is_a_conflict(place):
    path, first = place.config_map("a")
    place.delete(path)
    _, second = place.config_map("a")
    options = {"preconditions": {"uid": first["metadata"]["uid"]}}
    assert said(place.refused(place.delete, path, options)) == ("Conflict", 409, "Conflict")
    assert place.get(path) == second


_POLICIES = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
_WAYS = {
    f"{policy}, in the {where}": (policy, finalizer, where)
    for policy, finalizer in _POLICIES.items()
    for where in ("body", "query")
}


@case(rows=_WAYS)
def a_propagation_is_a_finalizer_at_first(place, policy, finalizer, where):
    """Another one keeps the garbage collector from being faster than the assertion."""
    path, _ = place.config_map("a", finalizers=[HOLD])
    asked = {"propagationPolicy": policy}
    answer = place.delete(path, asked) if where == "body" else place.delete(path, **asked)
    assert set(answer["metadata"]["finalizers"]) == {HOLD, finalizer}
    assert "deletionTimestamp" in answer["metadata"]


@case
def a_propagation_in_the_background_deletes_at_once(place):
    path, _ = place.config_map("a")
    assert place.delete(path, {"propagationPolicy": "Background"})["status"] == "Success"
    assert not place.is_there(path)


@case
def a_propagation_that_is_none_is_refused(place):
    path, _ = place.config_map("a")
    error = place.refused(place.delete, path, {"propagationPolicy": "Bogus"})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueNotSupported", "propagationPolicy")]
    assert place.is_there(path)


@case(rows={"cut": b"{", "another kind": b'{"kind":"Pod","apiVersion":"v1"}'})
def options_that_cannot_be_read_are_refused(place, body):
    path, _ = place.config_map("a")
    assert said(place.refused(place.delete, path, body)) == ("Invalid", 400, "BadRequest")
    assert place.is_there(path)
