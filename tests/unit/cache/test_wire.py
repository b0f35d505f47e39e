import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.cache import wire
from genreconcile.cache.wire import read_bookmark, read_events, read_page, token_ahead

EVENTS = [{"type": "ADDED", "object": {"n": index, "text": "ä\u2028" * index}} for index in range(4)]
STREAM = b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in EVENTS)


def decoded(chunks):
    return [{"type": event.type, "object": json.loads(bytes(event.object))} for event in read_events(chunks)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_cut_gives_the_same_events(cuts):
    ends = [0, *sorted(cuts), len(STREAM)]
    assert decoded(STREAM[a:b] for a, b in pairwise(ends)) == EVENTS


def test_a_line_that_is_cut_off_is_no_event():
    assert decoded([STREAM[:-5]]) == EVENTS[:-1]


def test_a_whole_line_without_its_end_is_no_event():
    assert decoded([STREAM[:-1]]) == EVENTS[:-1]


def test_empty_lines_are_skipped():
    assert decoded([b"\n\r\n", STREAM, b"\n"]) == EVENTS


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b'{"type":"ADDED"}\n', b'\xff{"type":"A","object":{}}\n'])
def test_a_line_that_is_no_event_is_refused(line):
    with pytest.raises(msgspec.MsgspecError):
        decoded([line])


def test_a_line_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(wire, "LONGEST_LINE", 10)
    with pytest.raises(msgspec.DecodeError, match="longer than 10"):
        decoded([b"12345678", b"9012"])


def test_a_page():
    page = read_page(b'{"kind":"L","metadata":{"resourceVersion":"7","continue":"t"},"items":[{"a":1}]}')
    assert (page.metadata.resource_version, page.metadata.continue_) == ("7", "t")
    assert [bytes(item) for item in page.items] == [b'{"a":1}']


TYPED = (
    b'{"kind":"DeploymentList","apiVersion":"apps/v1",'
    b'"metadata":{"resourceVersion":"7","continue":"e\\u003d","remainingItemCount":9},"items":[{"metadata":{"continue":"x"}}]}'
)
UNTYPED = (
    b'{"apiVersion":"example.com/v1","items":[{"metadata":{"continue":"x"}}],"kind":"L","metadata":{"continue":"t"}}'
)


@pytest.mark.parametrize(
    ("data", "token"),
    [
        (TYPED, "e="),
        (TYPED.replace(b'"continue"', b'"other"'), ""),
        (b'{"metadata":{"continue":"t"},"items":[]}', "t"),
        (b'{"metadata":{"continue":7},"items":[]}', ""),
        (b'{"metadata":{"continue":"t","more":{"continue":"x"}},"items":[]}', ""),
        (b'{"kind":"\\"","metadata":{"continue":"t"},"items":[]}', ""),
        (UNTYPED, ""),
        (b"[]", ""),
        (b"", ""),
    ],
)
def test_the_head_of_a_page_tells_the_token_of_the_next_one(data, token):
    assert token_ahead(data) == token


@given(st.integers(0, len(TYPED)))
def test_a_head_that_was_cut_off_tells_the_token_or_nothing(length):
    assert token_ahead(TYPED[:length]) in {"", read_page(TYPED).metadata.continue_}


def test_a_page_without_items():
    page = read_page(b'{"metadata":{"resourceVersion":"7"},"items":null}')
    assert (page.metadata.continue_, page.items) == ("", None)


def test_a_bookmark():
    (event,) = read_events([b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n'])
    found = read_bookmark(event)
    assert (found.resource_version, found.ends_initial_events) == ("9", False)


@pytest.mark.parametrize(("value", "ends"), [("true", True), ("false", False), ("", False)])
def test_a_bookmark_that_ends_the_initial_events(value, ends):
    line = b'{"type":"BOOKMARK","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"%b"}}}}\n'
    (event,) = read_events([line % value.encode()])
    assert read_bookmark(event).ends_initial_events is ends


DEEP = b'{"metadata":{"name":"deep"},"spec":' + b"[" * 3000 + b"]" * 3000 + b"}"
FLAT = b'{"metadata":{"name":"a \\" ]}, b"}}'


def test_one_object_that_is_nested_too_deeply_hides_no_other():
    data = b'{"kind":"L","metadata":{"resourceVersion":"7","continue":"x"},"items":[%b,%b,%b]}' % (FLAT, DEEP, FLAT)

    page = wire.read_page(data)

    assert (page.metadata.resource_version, page.metadata.continue_) == ("7", "x")
    assert [bytes(item) for item in page.items] == [FLAT, DEEP, FLAT]


def test_an_event_with_such_an_object_is_an_event():
    lines = b'{"type":"ADDED","object":%b}\n{"type":"MODIFIED","object":%b}\n' % (DEEP, FLAT)

    events = list(wire.read_events([lines]))

    assert [(event.type, bytes(event.object)) for event in events] == [("ADDED", DEEP), ("MODIFIED", FLAT)]
