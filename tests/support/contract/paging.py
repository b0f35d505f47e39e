"""Lists in pages: all of one version, until history is forgotten."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import said

SECRETS = "v1/secrets"


def _secrets(place, count):
    for number in range(count):
        place.post(place.at(SECRETS), {"metadata": {"name": f"s{number}", "labels": {"odd": str(number % 2)}}})
    return place.at(SECRETS)


def _pages(place, path, limit, **query):
    page = place.get(path, limit=str(limit), **query)
    yield page
    while token := page["metadata"].get("continue"):
        page = place.get(path, **{"limit": str(limit), "continue": token, **query})
        yield page


def _names(page):
    return [item["metadata"]["name"] for item in page["items"]]


@case(rows={"one": 1, "two": 2, "all but one": 4, "all": 5, "more": 9})
def pages_together_are_the_list(place, limit):
    path = _secrets(place, 5)
    whole = place.get(path)
    pages = list(_pages(place, path, limit))
    assert [len(page["items"]) for page in pages] == [min(limit, 5 - start) for start in range(0, 5, limit)]
    assert [item for page in pages for item in page["items"]] == whole["items"]
    (version,) = {page["metadata"]["resourceVersion"] for page in pages}
    assert int(version) >= int(whole["metadata"]["resourceVersion"])


@case
def a_page_says_how_many_are_left(place):
    left = [page["metadata"].get("remainingItemCount") for page in _pages(place, _secrets(place, 5), 2)]
    assert left == [3, 1, None]


@case
def a_page_of_a_selection_does_not_say_how_many_are_left(place):
    pages = list(_pages(place, _secrets(place, 5), 2, labelSelector="odd=0"))
    assert [page["metadata"].get("remainingItemCount") for page in pages] == [None, None]
    assert [_names(page) for page in pages] == [["s0", "s2"], ["s4"]]


@case
def the_last_page_of_a_selection_may_be_empty(place):
    """The server knows of more objects, and not that none of them is selected."""
    pages = list(_pages(place, _secrets(place, 5), 1, labelSelector="odd=1"))
    assert [_names(page) for page in pages] == [["s1"], ["s3"], []]


@case
def pages_are_of_one_version_whatever_happens_meanwhile(place):
    path = _secrets(place, 4)
    before = place.get(path)
    pages = _pages(place, path, 2)
    first = next(pages)
    place.delete(f"{path}/s2")
    place.merge(f"{path}/s3", {"metadata": {"labels": {"new": "x"}}})
    place.post(path, {"metadata": {"name": "s9"}})
    rest = list(pages)
    assert [item for page in (first, *rest) for item in page["items"]] == before["items"]
    assert {page["metadata"]["resourceVersion"] for page in rest} == {first["metadata"]["resourceVersion"]}


@case
def the_last_page_needs_no_limit(place):
    path = _secrets(place, 4)
    first = place.get(path, limit="1")
    rest = place.get(path, **{"continue": first["metadata"]["continue"]})
    assert _names(rest) == ["s1", "s2", "s3"]
    assert set(rest["metadata"]) == {"resourceVersion"}


@case
def a_list_from_the_cache_is_not_paged(place):
    path = _secrets(place, 3)
    place.settle(lambda: len(place.get(path, resourceVersion="0")["items"]) == 3)
    found = place.get(path, limit="1", resourceVersion="0")
    assert _names(found) == ["s0", "s1", "s2"]
    assert "continue" not in found["metadata"]


@case
def pages_go_through_all_namespaces(place):
    mark = place.name("mark")
    first = place.create_namespace("aa")
    for namespace in (first, place.namespace):
        place.post(place.at(SECRETS, namespace=namespace), {"metadata": {"name": "a", "labels": {"mark": mark}}})
    path = place.at(SECRETS, namespace="")
    pages = list(_pages(place, path, 1, labelSelector=f"mark={mark}"))
    found = [item["metadata"]["namespace"] for page in pages for item in page["items"]]
    assert found == [first, place.namespace]


@case
def custom_objects_are_paged(place):
    for name in "abc":
        place.widget(name)
    pages = list(_pages(place, place.at(place.kind("Widget")), 2))
    assert [_names(page) for page in pages] == [["a", "b"], ["c"]]


@case
def a_token_that_cannot_be_read_is_refused(place):
    error = place.refused(place.get, place.at(SECRETS), **{"continue": "junk"})
    assert said(error) == ("Invalid", 400, "BadRequest")


@case
def a_token_and_a_version_together_are_refused(place):
    token = place.get(_secrets(place, 2), limit="1")["metadata"]["continue"]
    query = {"limit": "1", "continue": token, "resourceVersion": "5"}
    error = place.refused(place.get, place.at(SECRETS), **query)
    assert said(error) == ("Invalid", 400, "BadRequest")
