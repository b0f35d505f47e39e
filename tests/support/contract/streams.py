"""The ``Cluster`` protocol itself: streams that are interrupted or shared, chunks, and requests by many threads."""

from __future__ import annotations

import json
import threading

from genreconcile.cluster import Interrupt
from genreconcile.errors import ClusterError
from support.contract.cases import case
from support.contract.errors import said

SECRETS = "v1/secrets"


def _now(place):
    return {"resourceVersion": place.get(place.at(SECRETS))["metadata"]["resourceVersion"]}


@case
def two_watches_see_the_same(place):
    path, query = place.at(SECRETS), _now(place)
    with place.watching(path, **query) as one, place.watching(path, **query) as other:
        place.post(path, {"metadata": {"name": "a"}})
        place.delete(f"{path}/a")
        assert [next(one), next(one)] == [next(other), next(other)]


@case
def a_watch_that_is_left_ends(place):
    path, query = place.at(SECRETS), _now(place)
    with place.watching(path, **query) as events:
        place.post(path, {"metadata": {"name": "a"}})
        assert next(events)["object"]["metadata"]["name"] == "a"
    assert place.names(path) == ["a"]
    assert [event["type"] for event in place.watch(path, 1, **query)] == ["ADDED"]


@case
def a_watch_is_interrupted_by_another_thread(place):
    path, query = place.at(SECRETS), _now(place)
    interrupt, opened, ended = Interrupt(), threading.Event(), []

    def watch():
        try:
            with interrupt, place.watching(path, **query) as events:
                opened.set()
                ended.append(list(events))
        except ClusterError as error:
            ended.append(said(error))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    assert opened.wait(60)
    interrupt.set()
    thread.join(25)  # Before the time of the watch is over.
    assert ended == [("Unreachable", 0, "")]


@case
def a_thread_that_is_interrupted_sends_nothing_more(place):
    interrupt = Interrupt()
    interrupt.set()
    with interrupt:
        error = place.refused(place.post, place.at(SECRETS), {"metadata": {"name": "a"}})
    assert said(error) == ("Unreachable", 0, "")
    assert place.names(place.at(SECRETS)) == []


@case
def a_large_event_comes_in_chunks(place):
    path, query = place.at(SECRETS), _now(place)
    text = "x" * 300_000
    place.post(path, {"metadata": {"name": "a"}, "stringData": {"k": text}})
    query |= {"watch": "true", "timeoutSeconds": "30"}
    found = b""
    with place.cluster.stream(path, query=query, read_timeout=60.0) as chunks:
        for chunk in chunks:
            assert 0 < len(chunk) <= 64 * 1024
            found += chunk
            if found.endswith(b"\n"):
                break
    event = json.loads(found)
    assert (event["type"], len(event["object"]["data"]["k"])) == ("ADDED", 400_000)


@case
def an_answer_is_json_in_bytes(place):
    path, made = place.config_map("a", {"k": "grüße\u2028"})
    answer = place.cluster.request("GET", path)
    assert isinstance(answer, bytes)
    assert json.loads(answer) == made
    assert "grüße".encode() in answer


@case
def a_cluster_says_where_it_is(place):
    assert place.cluster.server.startswith("https://")
    assert isinstance(place.cluster.namespace, str)
    error = place.refused(place.get, place.at(SECRETS, "none"))
    assert str(error).startswith(f"GET {place.cluster.server}{place.at(SECRETS, 'none')}: 404 NotFound: ")


@case
def a_refusal_of_a_secret_does_not_show_it(place):
    password = "hunter2"
    body = {"metadata": {"name": "a"}, "stringData": {"k": password}}
    place.post(place.at(SECRETS), body)
    change = {"op": "replace", "path": "/type", "value": "example.dev/other"}
    error = place.refused(place.patch, place.at(SECRETS, "a"), change)
    assert (error.status, error.reason) == (422, "Invalid")
    shown = f"{error} {error.details}"
    assert password not in shown
    assert "aHVudGVyMg==" not in shown
