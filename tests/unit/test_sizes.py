"""Sizes in words, the parts of an object by size, and refusals for size."""

import pytest

import genreconcile as gr
from genreconcile.apply.oversize import Oversize
from genreconcile.apply.result import Outcome
from genreconcile.cluster import status_error
from genreconcile.errors import ClusterError, InputError, RuleError
from genreconcile.normalize import prepare
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change, Plan
from genreconcile.report import render
from genreconcile.sizes import TOO_LARGE, in_words, largest
from support.objects import rule_set

LARGE_SECRET = "hunter2hunter2" * 100_000
SERVER_SAYS = [
    (413, "Request entity too large: limit is 3145728"),
    (413, "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"),
    (500, "etcdserver: request is too large"),
    (500, "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2307168 vs. 2097152)"),
    (500, "rpc error: code = Unknown desc = etcdserver: request is too large"),
    (500, "request is too large"),
]


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1 << 20, "1.0 MiB")]
)
def test_r2_5_sizes_in_words(size, words):
    assert in_words(size) == words


def test_r2_5_the_largest_parts_come_first_and_hold_no_value():
    obj = {"kind": "A", "data": {"a/b": "x" * 5000, "c": "y" * 3000, "d": "z"}, "spec": {"list": ["q" * 50] * 40}}
    assert largest(obj) == "/data/a~1b 4.9 KiB, /data/c 2.9 KiB, /spec/list 2.1 KiB"
    assert largest({"k" * 5000: "v" * 9000}).startswith(f"/{'k' * 199}…")
    assert largest("x", ("data", "k")) == "/data/k 3 bytes"


@pytest.mark.parametrize(("code", "message"), SERVER_SAYS)
def test_r2_5_refusals_for_size_are_known(code, message):
    found = status_error("POST /x", {"code": code, "message": message}, hide=lambda _: "hidden")
    assert found.details[TOO_LARGE] == message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (500, 'failed calling webhook "w": etcdserver: request is too large'),
        (422, "etcdserver: request is too large"),
        (413, "hunter2"),
        (500, "etcdserver: request timed out"),
    ],
)
def test_r2_5_other_refusals_are_not_taken_for_it(code, message):
    assert TOO_LARGE not in status_error("POST /x", {"code": code, "message": message}).details


def change(operation="create", text=LARGE_SECRET):
    expected = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "data": {"k": text}}
    return Change(operation, GVK.of(expected), ObjectKey.of(expected), expected=expected)


def refused(oversize, tried, error):
    with pytest.raises(ClusterError) as caught, oversize.watched(tried, b"x" * 2048):
        raise error
    return caught.value


@pytest.mark.parametrize(("code", "message"), [*SERVER_SAYS, (413, "a page of a proxy")])
def test_r2_5_the_same_is_not_sent_again(code, message):
    oversize = Oversize()
    error = refused(oversize, change(), status_error("POST /x", {"code": code, "message": message}))
    assert isinstance(error, gr.TooLarge)
    assert "a request of 2.0 KiB; the object's largest parts are /data/k 1.3 MiB" in str(error)
    with pytest.raises(gr.TooLarge, match="was not sent again"), oversize.watched(change(), b""):
        pytest.fail("it was sent")
    with oversize.watched(change(text="other"), b""):
        pass


def test_r2_5_other_errors_stay_what_they_are():
    error = ClusterError("x", status=500)
    assert refused(Oversize(), change(), error) is error


def test_r2_5_parts_of_a_large_secret_are_told_and_nothing_of_it():
    tried = change()
    error = refused(Oversize(), tried, status_error("POST /x", {"code": 413, "message": LARGE_SECRET[:500]}))
    outcome = Outcome(tried, "failed", error=error)
    assert "/data/k 1.3 MiB" in str(outcome)
    assert "hunter" not in str(outcome) + repr(outcome)


def test_r2_5_an_error_of_the_input_for_size_is_told_of_a_large_secret():
    error = InputError.of([InputError("/data: 3 bytes", "/data", is_free_of_values=True)])
    tried = Change("none", change().gvk, change().key, expected=change().expected, error=error)
    assert "/data: 3 bytes" in render(Plan((tried,)), "text")
    mixed = InputError.of([error, InputError(f"/x: {LARGE_SECRET[:20]}", "/x")])
    assert not mixed.is_free_of_values


def rule(limit):
    entry = {"id": "r", "object": {}, "path": "spec/texts", "limit": limit}
    return gr.Registry.empty().extend(rule_set(entry))


@pytest.mark.parametrize(
    "limit",
    [5, {}, {"bytes": 0}, {"bytes": True}, {"bytes": 5, "with": "x"}, {"bytes": 5, "keys": 1}, {"bytes": 5, "x": 1}],
)
def test_r2_5_a_limit_that_cannot_be_meant(limit):
    with pytest.raises(RuleError, match="rule r: key limit: "):
        rule(limit)


@pytest.mark.parametrize(
    ("limit", "texts", "others", "count"),
    [
        ({"bytes": 5}, {"a": "xxxxx"}, {}, 0),
        ({"bytes": 5}, {"a": "xxx", "b": "xxx"}, {}, 6),
        ({"bytes": 5, "keys": True}, {"a": "xxxxx"}, {}, 6),
        ({"bytes": 5, "with": ["others"]}, {"a": "xxx"}, {"b": "ää"}, 7),
        ({"bytes": 5, "with": ["others"]}, {}, {"b": "xxxxxx"}, 6),
        ({"bytes": 5}, {"a": "xxx"}, {"b": "xxxxxx"}, 0),
        ({"bytes": 5}, {"a": 12345678}, {}, 0),
    ],
)
def test_r2_5_what_a_limit_counts(limit, texts, others, count):
    obj = {"apiVersion": "e.com/v1", "kind": "A", "metadata": {"name": "a"}, "spec": {"texts": texts, "others": others}}
    node = rule(limit).compile(GVK.of(obj), None, obj, has_status=True)
    errors = prepare(obj, node).errors
    assert [f"{count} bytes where the server takes 5" in str(error) for error in errors] == [True] * bool(count)
