"""Lists of versions whose history the server has forgotten: 410, as an answer of its own.

Invariant: what a case needs is old before the case begins, for a real server forgets in its own time.
"""

from __future__ import annotations

from genreconcile.errors import ClusterError
from support.contract.cases import case
from support.contract.errors import said


def _refused_at_last(place, path, **query):
    errors = []

    def is_refused():
        try:
            place.get(path, **query)
        except ClusterError as error:
            errors.append(error)
        return errors

    return place.settle(is_refused)[-1]


@case
def an_expired_token_is_gone_and_a_fresh_list_begins_anew(place):
    old = place.forgotten()
    error = _refused_at_last(place, old.path, **{"limit": "1", "continue": old.token})
    assert said(error) == ("Gone", 410, "Expired")
    fresh = place.get(old.path, limit="2")
    assert [item["metadata"]["name"] for item in fresh["items"]] == ["a", "b"]
    rest = place.get(old.path, **{"continue": fresh["metadata"]["continue"]})
    assert [item["metadata"]["labels"] for item in rest["items"]] == [{"new": "x"}]


@case
def an_exact_version_that_is_forgotten_is_gone(place):
    old = place.forgotten()
    query = {"resourceVersion": old.version, "resourceVersionMatch": "Exact"}
    error = _refused_at_last(place, old.path, **query)
    assert said(error) == ("Gone", 410, "Expired")
    assert place.names(old.path, resourceVersion=old.version) == ["a", "b", "c"]
