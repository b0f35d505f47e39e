import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from genreconcile.cache.scope import Scope
from genreconcile.cache.store import Store, WentBack
from genreconcile.cache.transform import Record
from genreconcile.selector import parse


def record(name, version, *, uid=None, namespace="shop", labels=None, owners=(), data=None):
    uid = f"uid-{name}" if uid is None else uid
    return Record(
        namespace, name, uid, version, labels or {}, tuple(owners), deleting=False, data=data or str(version).encode()
    )


def changes(deltas):
    return [(delta.type, delta.record.name, delta.record.resource_version) for delta in deltas]


def names(records):
    return [(found.namespace, found.name) for found in records]


@pytest.fixture
def store():
    return Store()


def test_upsert_adds_then_modifies(store):
    assert changes(store.upsert(record("a", 1))) == [("ADDED", "a", 1)]
    assert changes(store.upsert(record("a", 2))) == [("MODIFIED", "a", 2)]
    assert store.get(("shop", "a")).resource_version == 2
    assert len(store) == 1


@pytest.mark.parametrize("version", [4, 5])
def test_what_is_not_newer_is_ignored(store, version):
    store.upsert(record("a", 5, data=b"new"))
    assert store.upsert(record("a", version, data=b"old")) == []
    assert store.get(("shop", "a")).data == b"new"


def test_versions_are_compared_as_numbers(store):
    store.upsert(record("a", 9))
    assert changes(store.upsert(record("a", 10))) == [("MODIFIED", "a", 10)]


def test_another_uid_is_deletion_and_creation(store):
    store.upsert(record("a", 1, uid="old"))
    assert changes(store.upsert(record("a", 5, uid="new"))) == [("DELETED", "a", 1), ("ADDED", "a", 5)]
    assert store.upsert(record("a", 9, uid="old")) == []


def test_an_older_object_of_the_same_name_is_ignored(store):
    store.upsert(record("a", 5, uid="new"))
    assert store.upsert(record("a", 4, uid="old")) == []


def test_without_versions_the_later_one_counts(store):
    store.upsert(record("a", 0, data=b"1"))
    assert changes(store.upsert(record("a", 0, data=b"2"))) == [("MODIFIED", "a", 0)]


def test_a_deleted_uid_does_not_return(store):
    store.upsert(record("a", 1))
    assert changes(store.delete(("shop", "a"), "uid-a", 3)) == [("DELETED", "a", 1)]
    assert store.upsert(record("a", 2)) == []
    assert changes(store.upsert(record("a", 4, uid="other"))) == [("ADDED", "a", 4)]


def test_a_change_has_the_record_before_it(store):
    first, second, anew = record("a", 1), record("a", 2), record("a", 3, uid="new")
    assert store.upsert(first) == [("ADDED", first, None)]
    assert store.upsert(second) == [("MODIFIED", second, first)]
    assert store.upsert(anew) == [("DELETED", second, second), ("ADDED", anew, None)]
    assert store.replace([record("a", 4, uid="new"), record("b", 4)], 5) == [
        ("MODIFIED", record("a", 4, uid="new"), anew),
        ("ADDED", record("b", 4), None),
    ]
    assert store.replace([record("b", 4)], 6) == [("DELETED", record("a", 4, uid="new"), record("a", 4, uid="new"))]
    assert store.delete(("shop", "b"), "uid-b") == [("DELETED", record("b", 4), record("b", 4))]


def test_deletion_of_the_former_object_spares_the_new_one(store):
    store.upsert(record("a", 9, uid="new"))
    assert store.delete(("shop", "a"), "old", 5) == []
    assert store.get(("shop", "a")).uid == "new"


def test_a_deletion_counts_whatever_its_version(store):
    """The answer to an own write may be stored before the watch brings an earlier deletion."""
    store.upsert(record("a", 9))
    assert changes(store.delete(("shop", "a"), "uid-a", 5)) == [("DELETED", "a", 9)]


def test_without_uids_an_old_deletion_spares_the_newer_object(store):
    store.upsert(record("a", 9, uid=""))
    assert store.delete(("shop", "a"), "", 5) == []
    assert changes(store.delete(("shop", "a"), "", 10)) == [("DELETED", "a", 9)]
    assert changes(store.upsert(record("a", 11, uid=""))) == [("ADDED", "a", 11)]


def test_replace_tells_the_differences(store):
    for found in (record("same", 1), record("changed", 2), record("gone", 3)):
        store.upsert(found)
    deltas = store.replace([record("same", 1), record("changed", 5), record("new", 6)], 7)
    assert changes(deltas) == [("MODIFIED", "changed", 5), ("ADDED", "new", 6), ("DELETED", "gone", 3)]
    assert names(store.select()) == [("shop", "changed"), ("shop", "new"), ("shop", "same")]
    assert store.seen() == 7


def test_replace_keeps_what_is_newer_than_the_list(store):
    store.upsert(record("written", 9))
    store.upsert(record("created", 10))
    assert store.replace([record("written", 4)], 8) == []
    assert names(store.select()) == [("shop", "created"), ("shop", "written")]
    assert store.get(("shop", "written")).resource_version == 9


def test_what_vanished_by_a_list_does_not_return(store):
    store.upsert(record("a", 1))
    store.replace([], 5)
    assert store.upsert(record("a", 4)) == []


def test_a_list_from_before_an_own_deletion_does_not_resurrect(store):
    store.upsert(record("a", 1))
    store.delete(("shop", "a"), "uid-a")
    assert store.replace([record("a", 1)], 5) == []
    assert store.select() == []


def test_a_list_replaces_at_the_same_version(store):
    """A CRD's new default is served under the old resourceVersion."""
    store.upsert(record("a", 1, data=b"old"))
    assert changes(store.replace([record("a", 1, data=b"new")], 1)) == [("MODIFIED", "a", 1)]


def test_a_list_without_a_version_replaces_all(store):
    store.upsert(record("a", 3))
    assert changes(store.replace([], 0)) == [("DELETED", "a", 3)]


def test_a_server_that_went_back_begins_an_epoch(store):
    store.replace([record("a", 90), record("b", 95)], 100)
    store.delete(("shop", "b"), "uid-b", 101)
    deltas = store.replace([record("a", 20), record("b", 25)], 50, restored=True)
    assert changes(deltas) == [("MODIFIED", "a", 20), ("ADDED", "b", 25)]
    assert store.epoch == 1
    assert store.seen() == 50
    assert changes(store.upsert(record("a", 51))) == [("MODIFIED", "a", 51)]


def test_what_a_restored_server_lacks_may_come_back(store):
    """Its history may be that of before: the same objects, the same uids."""
    store.replace([record("a", 90), record("b", 95, uid="new")], 100)
    store.replace([record("b", 25, uid="old")], 50, restored=True)
    assert changes(store.upsert(record("a", 90))) == [("ADDED", "a", 90)]
    store.delete(("shop", "b"), "old", 94)
    assert changes(store.upsert(record("b", 95, uid="new"))) == [("ADDED", "b", 95)]


def test_what_a_restored_server_lacks_may_be_made_again_under_its_name(store):
    """The versions of another history say nothing of what is older."""
    store.replace([record("a", 90, uid="old")], 100)
    store.replace([], 50, restored=True)
    assert changes(store.upsert(record("a", 51, uid="new"))) == [("ADDED", "a", 51)]


def test_an_older_version_in_a_newer_list_shows_that_the_server_went_back(store):
    """As after a restore with a raised revision."""
    store.replace([record("a", 90), record("b", 95)], 100)
    listing = store.begin(1000, mark=store.mark())
    with pytest.raises(WentBack):
        listing.take([record("b", 95), record("a", 20)])
    assert store.get(("shop", "a")).resource_version == 90


def test_a_former_object_of_that_name_shows_it_too(store):
    store.replace([record("a", 90, uid="new")], 100)
    with pytest.raises(WentBack):
        store.begin(1000, mark=store.mark()).take([record("a", 20, uid="old")])


def test_an_object_that_is_back_from_its_deletion_shows_it_too(store):
    store.replace([record("a", 90)], 100)
    store.delete(("shop", "a"), "uid-a", 101)
    with pytest.raises(WentBack):
        store.begin(1000, mark=store.mark()).take([record("a", 90)])


def test_a_list_that_was_made_before_a_deletion_is_no_contradiction(store):
    store.replace([record("a", 90)], 100)
    listing = store.begin(100, mark=store.mark())
    store.delete(("shop", "a"), "uid-a", 101)
    assert listing.take([record("a", 90)]) == []
    assert listing.finish() == []
    assert store.select() == []
    assert store.epoch == 0


def test_an_epoch_of_one_scope_leaves_what_is_known_of_the_others(store):
    store.replace([], 100, Scope("x"))
    store.replace([], 90, Scope("y"))
    store.replace([], 50, Scope("x"), restored=True)
    assert (store.seen(Scope("x")), store.seen(Scope("y"))) == (50, 90)


def test_a_list_overtaken_by_events_is_no_new_epoch(store):
    store.replace([record("a", 1)], 5)
    store.upsert(record("a", 9))
    store.progress(9)
    assert store.replace([record("a", 1)], 7) == []
    assert store.epoch == 0
    assert store.seen() == 9


def test_a_scope_replaces_only_its_namespace(store):
    store.replace([record("a", 1, namespace="x")], 5, Scope("x"))
    store.replace([record("b", 2, namespace="y")], 6, Scope("y"))
    assert changes(store.replace([], 7, Scope("x"))) == [("DELETED", "a", 1)]
    assert names(store.select()) == [("y", "b")]
    assert (store.seen(Scope("x")), store.seen(Scope("y"))) == (7, 6)


def test_an_equal_record_of_a_list_is_dropped_for_the_stored_one(store):
    first = record("a", 1, data=b"same")
    store.upsert(first)
    assert store.replace([record("a", 1, data=b"same")], 5) == []
    assert store.get(("shop", "a")) is first


def test_a_list_comes_page_by_page(store):
    for found in (record("a", 1), record("b", 2), record("gone", 3)):
        store.upsert(found)
    listing = store.begin(9)
    assert changes(listing.take([record("a", 5)])) == [("MODIFIED", "a", 5)]
    assert names(store.select()) == [("shop", "a"), ("shop", "b"), ("shop", "gone")]
    store.upsert(record("meanwhile", 10))
    assert changes(listing.take([record("b", 2), record("c", 8)])) == [("ADDED", "c", 8)]
    assert store.seen() == 0
    assert changes(listing.finish()) == [("DELETED", "gone", 3)]
    assert names(store.select()) == [("shop", "a"), ("shop", "b"), ("shop", "c"), ("shop", "meanwhile")]
    assert store.seen() == 9


def test_a_list_that_breaks_off_takes_nothing_away(store):
    store.upsert(record("a", 1))
    listing = store.begin(9)
    listing.take([record("b", 5)])
    assert names(store.select()) == [("shop", "a"), ("shop", "b")]
    assert store.seen() == 0


def test_select(store):
    store.upsert(record("b", 1, labels={"app": "web", "tier": "1"}))
    store.upsert(record("a", 2, labels={"app": "web"}, owners=["o", "o"]))
    store.upsert(record("a", 3, uid="u3", namespace="other", labels={"app": "db"}))
    assert names(store.select()) == [("other", "a"), ("shop", "a"), ("shop", "b")]
    assert names(store.select("other")) == [("other", "a")]
    assert names(store.select(selector=parse("app=web"))) == [("shop", "a"), ("shop", "b")]
    assert names(store.select("other", parse("app=web"))) == []
    assert names(store.select(selector=parse("app=web,!tier"))) == [("shop", "a")]
    assert names(store.select(selector=parse("app in (web,db)"))) == [("other", "a"), ("shop", "a"), ("shop", "b")]
    assert names(store.select(owner="o")) == [("shop", "a")]
    assert names(store.select(owner="none")) == []
    assert names(store.select("shop", parse("app=db"))) == []
    assert names(store.select("other", owner="o")) == []
    assert names(store.select("shop", parse("tier=1"), owner="o")) == []


def test_the_index_follows_changed_labels(store):
    store.upsert(record("a", 1, labels={"app": "web"}))
    store.upsert(record("a", 2, labels={"app": "db"}))
    assert names(store.select(selector=parse("app=web"))) == []
    assert names(store.select(selector=parse("app=db"))) == [("shop", "a")]
    store.delete(("shop", "a"), "uid-a")
    assert store._index._names == {}


def test_wait_for_an_object(store):
    assert not store.wait_for(("shop", "a"), 5, "", 0.0)
    threading.Timer(0.01, store.upsert, [record("a", 5)]).start()
    assert store.wait_for(("shop", "a"), 5, "", 45)


def test_wait_for_the_scope(store):
    threading.Timer(0.01, store.progress, [9, "shop"]).start()
    assert store.wait_for(("shop", "a"), 5, "shop", 45)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "delete", "list"]),
        st.sampled_from("ab"),
        st.integers(1, 3),  # which incarnation: its uid
        st.integers(1, 30),
    ),
    max_size=30,
)


@given(STEPS)
def test_versions_never_decrease_and_the_index_is_exact(steps):
    store = Store()
    newest: dict[str, int] = {}
    for step, name, incarnation, version in steps:
        uid = f"{name}{incarnation}"
        found = record(name, version, uid=uid, labels={"v": str(version % 3)}, data=str(version).encode())
        if step == "upsert":
            store.upsert(found)
        elif step == "delete":
            store.delete(("shop", name), uid, version)
        else:
            store.replace([found], version)
        for held in store.select():
            assert held.resource_version >= newest.get(held.uid, 0)
            newest[held.uid] = held.resource_version
        for value in "012":
            by_index = store.select(selector=parse({"v": value}))
            assert by_index == [held for held in store.select() if held.labels["v"] == value]


def test_r3_late_news_of_an_object_that_had_the_name_before(store):
    """An own object of the name came and went meanwhile: what was there before it is gone, too."""
    store.upsert(record("a", 10, uid="own"))
    store.delete(("shop", "a"), "own")
    assert store.upsert(record("a", 7, uid="before")) == []
    assert store.get(("shop", "a")) is None
    assert [delta.type for delta in store.upsert(record("a", 12, uid="after"))] == ["ADDED"]


def test_a_change_of_one_object_ends_the_wait_for_it(store):
    store.upsert(record("a", 3))
    known = store.get(("shop", "a"))
    waiting = threading.Thread(target=store.wait_for_change, args=(("shop", "a"), known, 45))
    waiting.start()
    store.upsert(record("b", 4))
    waiting.join(0.05)
    assert waiting.is_alive()
    store.delete(("shop", "a"), "uid-a", 5)
    waiting.join(30)
    assert not waiting.is_alive()
    store.wait_for_change(("shop", "a"), known, 45)  # Another record is there already: none.


def test_the_size_is_that_of_the_records_and_of_those_that_they_remember():
    store = Store(remembers=True)
    assert store.size() == 0
    store.upsert(record("a", 1, data=b"x" * 1000))
    one = store.size()
    assert one > 2000
    store.upsert(replace(record("a", 2, data=b"x" * 1000), managers=b"y" * 500))
    assert store.size() == 2 * one + 500
