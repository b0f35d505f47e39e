"""Objects that the server should never send: each harms itself alone, and is named in the log."""

import json

import pytest

from genreconcile.cache import Cache
from genreconcile.cache.related import Related
from genreconcile.errors import CacheError, LoadError
from genreconcile.objects import ObjectKey
from genreconcile.plan import Prune
from genreconcile.plan.deletions import deletions
from genreconcile.selector import parse
from genreconcile.testing.fake.views import event
from support.api.scripted import WIDGETS, ScriptedCluster, obj, page

KIND = "example.com/v1/Widget"
ALL = "/apis/example.com/v1/widgets"
DEPTH = 1_000_000
"""More than any Python's decoder goes down; that of 3.14 goes as far as the stack."""
POISON = {
    "a number as a label": {"labels": {"app": 5}},
    "a list for labels": {"labels": ["app"]},
    "an owner that is text": {"ownerReferences": "me"},
    "annotations that are a number": {"annotations": 7},
    "a number for a version": {"resourceVersion": 9},
    "a map for a uid": {"uid": {"a": 1}},
    "a list for the time of deletion": {"deletionTimestamp": []},
}


@pytest.fixture
def server():
    return ScriptedCluster()


def opened(server, *objects, metadata_only=False):
    server.answer(ALL, page(5, *objects))
    watch = server.live(ALL)
    cache = Cache(server)
    cache.add(WIDGETS, metadata_only=metadata_only)
    return cache, watch


@pytest.mark.parametrize("where", ["spec", "metadata"])
@pytest.mark.parametrize("by_watch", [False, True])
def test_an_object_that_is_nested_too_deeply_is_there_and_not_readable(server, where, by_watch, caplog):
    """A custom resource may be: were it absent, it would be created again and again."""
    bad, good = obj("bad", 4, uid="uid-of-bad"), obj("good", 3)
    # As the server's text: Python's own encoder does not go so deep. In metadata: fieldsV1 is as deep as the object.
    if where == "spec":
        bad["spec"] = "DEEP"
    else:
        bad["metadata"]["managedFields"] = ["DEEP"]
    text = json.dumps(bad).replace('"DEEP"', '{"a":' * DEPTH + "1" + "}" * DEPTH).encode()
    items = [json.dumps(good).encode()] if by_watch else [text, json.dumps(good).encode()]
    server.answer(ALL, b'{"metadata":{"resourceVersion":"5"},"items":[%b]}' % b",".join(items))
    watch = server.live(ALL)
    with Cache(server, [WIDGETS]) as cache:
        cache.wait_for_sync(timeout=45)
        assert watch.opened.wait(45)
        if by_watch:
            watch.send(b'{"type":"ADDED","object":%b}\n' % text, event("MODIFIED", obj("good", 6)))
            assert cache.wait_for(WIDGETS, ObjectKey("example.com", "Widget", "shop", "good"), "6", 45)
        record = cache.record(KIND, "bad", namespace="shop")
        assert (record.uid, record.resource_version) == ("uid-of-bad", 4), "it is not absent"
        with pytest.raises(CacheError, match="shop/bad: not readable"):
            cache.get(KIND, "bad", namespace="shop")
        assert cache.get(KIND, "good", namespace="shop")["metadata"]["name"] == "good"
        cache.record_write(WIDGETS, text.replace(b'"resourceVersion": "4"', b'"resourceVersion": "9"'))
        assert cache.record(KIND, "bad", namespace="shop").resource_version == 9
    assert "Widget" in caplog.text
    assert "shop/bad: not readable: nested too deeply" in caplog.text


@pytest.mark.parametrize("metadata", POISON.values(), ids=POISON)
@pytest.mark.parametrize("by_watch", [False, True])
def test_a_malformed_object_is_there_and_not_readable(server, metadata, by_watch, caplog):
    bad, good = obj("bad", 4, metadata=metadata), obj("good", 3)
    cache, watch = opened(server, *([good] if by_watch else [bad, good]))
    with cache:
        cache.wait_for_sync(timeout=45)
        assert watch.opened.wait(45)
        if by_watch:
            watch.send(event("ADDED", bad), event("MODIFIED", obj("good", 6)))
            known = cache.wait_for(WIDGETS, ObjectKey("example.com", "Widget", "shop", "good"), "6", 45)
            assert known
        assert cache.get(KIND, "good", namespace="shop")["metadata"]["name"] == "good"
        with pytest.raises(CacheError, match="shop/bad: not readable"):
            cache.get(KIND, "bad", namespace="shop")
        assert cache.record(KIND, "bad", namespace="shop") is not None, "it is not absent"
        # It has no labels that any selector could match, and is not deleted by one that asks for none.
        assert [found["metadata"]["name"] for found in cache.list(KIND, selector="app=web")] == []
        found = deletions(cache, [WIDGETS], set(), Prune("shop", parse("!app")))
        assert [change.key.name for change in found.changes] == ["good"]
        assert "Widget.example.com shop/bad: not deleted" in found.warnings[0]
        assert Related(cache).read(KIND, "shop") is None, "rules are told that it is not known"
    assert f"{KIND} shop/bad: not readable" in caplog.text


def test_it_is_readable_again_when_it_is_well(server):
    cache, watch = opened(server, obj("bad", 4, metadata={"labels": {"app": 5}}))
    with cache:
        cache.wait_for_sync(timeout=45)
        watch.send(event("MODIFIED", obj("bad", 6, metadata={"labels": {"app": "5"}})))
        assert cache.wait_for(WIDGETS, ObjectKey("example.com", "Widget", "shop", "bad"), "6", 45)
        assert cache.list(KIND, selector="app=5")


@pytest.mark.parametrize("bad", [{"metadata": {}}, {"metadata": 5}, {}, 7, None, "text", {"metadata": {"name": 7}}])
@pytest.mark.parametrize("metadata_only", [False, True])
def test_what_has_no_name_is_passed_over(server, bad, metadata_only, caplog):
    cache, watch = opened(server, bad, obj("good", 3), metadata_only=metadata_only)
    with cache:
        cache.wait_for_sync(timeout=45)
        assert watch.opened.wait(45)
        watch.send(event("ADDED", bad), event("MODIFIED", obj("good", 6)))
        assert cache.wait_for(WIDGETS, ObjectKey("example.com", "Widget", "shop", "good"), "6", 45)
        assert [found["metadata"]["name"] for found in cache.list(KIND)] == ["good"]
    assert "an object without a name: not readable" in caplog.text


def test_an_unknown_event_and_a_megabyte_of_text(server, caplog):
    cache, watch = opened(server, obj("good", 3))
    long = "x" * 1_000_000
    with cache:
        cache.wait_for_sync(timeout=45)
        assert watch.opened.wait(45)
        watch.send(event("EXPLODED", obj("odd", 5)), event("ADDED", obj("big", 6, data={"k": long})))
        assert cache.wait_for(WIDGETS, ObjectKey("example.com", "Widget", "shop", "big"), "6", 45)
        assert cache.get(KIND, "big", namespace="shop")["data"]["k"] == long
        assert cache.get(KIND, "odd", namespace="shop") is None
    assert "the unknown type EXPLODED" in caplog.text
    assert "shop/odd" in caplog.text


def test_a_selector_error_is_still_one(server):
    cache, _ = opened(server, obj("good", 3))
    with cache:
        cache.wait_for_sync(timeout=45)
        with pytest.raises(LoadError):
            cache.list(KIND, selector="a b")
