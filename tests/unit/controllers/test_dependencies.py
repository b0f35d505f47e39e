"""Who is woken by which change, and what the index keeps."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import genreconcile as gr
from genreconcile.cache.store import Store
from genreconcile.cache.subscribers import Subscribers
from genreconcile.cache.transform import read
from genreconcile.controllers.dependencies import MOST_AT_ONCE, Dependencies, is_crowd
from genreconcile.controllers.readers import Readers, ReadIndex
from genreconcile.controllers.reads import Read
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK
from genreconcile.selector import ParsedSelector, Requirement, parse

POD = GVK("", "v1", "Pod")
MAP = GVK("", "v1", "ConfigMap")


def resource(kind):
    return Resource(kind, f"{kind.kind.lower()}s", namespaced=True, verbs=frozenset({"list", "watch"}))


def record(kind, name, namespace="shop", version=1, labels=None, **fields):
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": str(version)}
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {**metadata, "labels": labels or {}}}
    return read(json.dumps({**obj, **fields}).encode(), kind)


class World:
    """A store of each kind, whose events the dependencies judge."""

    def __init__(self, dependencies):
        self.stores, self.version = {POD: Store(), MAP: Store()}, 0
        self.subscribers = Subscribers()
        self.woken = []
        self.subscribers.add(lambda event: self.woken.append(dependencies.woken(event)))

    def tell(self, kind, deltas):
        self.woken.clear()
        self.subscribers.notify(resource(kind), deltas)
        return {parent for woken in self.woken for parent in woken}

    def put(self, kind, name, namespace="shop", labels=None, **fields):
        self.version += 1
        return self.tell(kind, self.stores[kind].upsert(record(kind, name, namespace, self.version, labels, **fields)))

    def delete(self, kind, name, namespace="shop"):
        found = self.stores[kind].get((namespace, name))
        deltas = self.stores[kind].delete((namespace, name), found.uid)
        return self.tell(kind, deltas)


@pytest.fixture
def dependencies():
    return Dependencies()


@pytest.fixture
def world(dependencies):
    return World(dependencies)


def test_an_absent_object_is_a_dependency(dependencies, world):
    dependencies.replace("p", [Read(MAP, "shop", "config")])
    assert world.put(MAP, "config", data={"a": "1"}) == {"p"}
    assert world.put(MAP, "config", data={"a": "2"}) == {"p"}
    assert world.put(MAP, "config", data={"a": "2"}) == set()
    assert world.delete(MAP, "config") == {"p"}


def test_others_are_none(dependencies, world):
    dependencies.replace("p", [Read(MAP, "shop", "config")])
    assert world.put(MAP, "other") == set()
    assert world.put(MAP, "config", "elsewhere") == set()
    assert world.put(POD, "config") == set()


def test_a_list_that_an_object_enters_leaves_or_changes_in(dependencies, world):
    dependencies.replace("p", [Read(POD, "shop", selector=parse("app=web"))])
    assert world.put(POD, "a", labels={"app": "db"}) == set()
    assert world.put(POD, "a", labels={"app": "web"}) == {"p"}
    assert world.put(POD, "a", labels={"app": "web"}, spec={"x": 1}) == {"p"}
    assert world.put(POD, "a", labels={"app": "web"}, spec={"x": 1}) == set()
    assert world.put(POD, "a", "elsewhere", labels={"app": "web"}) == set()
    assert world.put(POD, "a", labels={"app": "db"}, spec={"x": 1}) == {"p"}
    assert world.put(POD, "a", labels={}, spec={"x": 2}) == set()
    assert world.put(POD, "a", labels={"app": "web"}) == {"p"}
    assert world.delete(POD, "a") == {"p"}


def test_an_object_that_is_made_anew_wakes(dependencies, world):
    dependencies.replace("p", [Read(POD, "shop", selector=parse("app=web"), fields=("/spec",))])
    world.put(POD, "a", labels={"app": "web"})
    anew = gr.Record("shop", "a", "other", 99, {"app": "web"}, (), deleting=False, data=b"{}")
    assert world.tell(POD, world.stores[POD].upsert(anew)) == {"p"}
    assert len(world.woken) == 2


def test_the_list_of_all_namespaces(dependencies, world):
    dependencies.replace("all", [Read(POD)])
    dependencies.replace("web", [Read(POD, selector=parse("app=web"))])
    assert world.put(POD, "a", "one", labels={"app": "web"}) == {"all", "web"}
    assert world.put(POD, "b", "two") == {"all"}


def test_named_fields_alone_wake_besides_entering_and_leaving(dependencies, world):
    selector = parse("app=web")
    dependencies.replace("p", [Read(POD, "shop", selector=selector, fields=("/status/phase",))])
    dependencies.replace("q", [Read(POD, "shop", selector=selector)])
    assert world.put(POD, "a", labels={"app": "web"}) == {"p", "q"}
    assert world.put(POD, "a", labels={"app": "web"}, spec={"x": 1}) == {"q"}
    assert world.put(POD, "a", labels={"app": "web"}, spec={"x": 1}, status={"phase": "Running"}) == {"p", "q"}
    assert world.delete(POD, "a") == {"p", "q"}


def test_one_object_read_in_two_ways(dependencies, world):
    dependencies.replace(
        "p", [Read(MAP, "shop", "a", fields=("/data/x",)), Read(MAP, "shop", "a", fields=("/data/y",))]
    )
    world.put(MAP, "a", data={"x": "1", "y": "1", "z": "1"})
    assert world.put(MAP, "a", data={"x": "2", "y": "1", "z": "1"}) == {"p"}
    assert world.put(MAP, "a", data={"x": "2", "y": "2", "z": "1"}) == {"p"}
    assert world.put(MAP, "a", data={"x": "2", "y": "2", "z": "2"}) == set()


def test_after_a_run_that_ended_only_its_reads_stay_and_after_one_that_failed_all(dependencies, world):
    one, two, three = (Read(MAP, "shop", name) for name in ("one", "two", "three"))
    dependencies.replace("p", [one])
    dependencies.add("p", [two])
    assert dependencies.reads_of("p") == {one, two}
    assert world.put(MAP, "one") == world.put(MAP, "two") == {"p"}
    dependencies.replace("p", [two, three])
    assert dependencies.reads_of("p") == {two, three}
    assert world.put(MAP, "one", data={"a": "b"}) == set()
    assert world.put(MAP, "three") == {"p"}


def test_nothing_is_left_of_a_parent_that_is_gone(dependencies, world):
    reads = [Read(MAP, "shop", "one"), Read(POD, "shop"), Read(POD, selector=parse("a in (b,c),c in (d,e),!f"))]
    for parent in ("p", "q"):
        dependencies.replace(parent, reads)
    dependencies.drop("p")
    dependencies.drop("unknown")
    assert dependencies.reads_of("p") == set()
    assert world.put(MAP, "one") == {"q"}
    dependencies.drop("q")
    assert world.put(MAP, "one", data={"a": "b"}) == set()
    assert (len(dependencies), dependencies.kinds(), dependencies.places()) == (0, (), set())
    assert not dependencies._readers
    assert not dependencies._kinds


def test_kinds_and_places(dependencies):
    dependencies.replace("p", [Read(MAP, "shop", "one"), Read(POD)])
    dependencies.replace("q", [Read(MAP, "shop", "two"), Read(MAP, "other", "one")])
    assert set(dependencies.kinds()) == {MAP, POD}
    assert dependencies.places() == {(MAP, "shop"), (MAP, "other"), (POD, "")}
    dependencies.replace("q", [Read(MAP, "other", "one")])
    assert dependencies.places() == {(MAP, "shop"), (MAP, "other"), (POD, "")}
    dependencies.drop("q")
    assert dependencies.places() == {(MAP, "shop"), (POD, "")}
    assert len(dependencies) == 1


def looked_at(dependencies, kind, labels, namespace="shop"):
    """The readers that a change of an unnamed object makes the index look at."""
    return dependencies._kinds[kind].candidates(namespace, "-", labels.items())


def test_no_event_looks_at_all_parents(dependencies):
    for number in range(1000):
        selector = parse({"app": "cache", "instance": f"i-{number}", "zone": "a"})
        dependencies.replace(number, [Read(POD, "shop", selector=selector), Read(MAP, "shop", f"config-{number}")])
    assert len(looked_at(dependencies, POD, {"app": "cache", "zone": "a", "instance": "other"})) <= 2
    assert len(looked_at(dependencies, POD, {"app": "cache", "zone": "a", "instance": "i-7"})) <= 3
    assert not looked_at(dependencies, POD, {"app": "other"})
    assert not looked_at(dependencies, POD, {"instance": "i-7"}, "elsewhere")
    assert not looked_at(dependencies, MAP, {"app": "cache"})
    entries = dependencies._kinds[POD]._entries
    for number in range(1000):
        dependencies.drop(number)
    assert not entries


def test_of_a_selector_the_requirement_with_the_fewest_values_is_entered():
    index = ReadIndex()
    index.add(Readers(Read(POD, selector=parse("a in (1,2,3),b=1"))))
    assert list(index._entries) == [("", "b", "1")]


def test_a_list_that_many_parents_share_is_looked_at_once(dependencies, world):
    for number in range(200):
        dependencies.replace(number, [Read(POD, "shop", selector=parse("!draft"))])
    assert len(looked_at(dependencies, POD, {})) == 1
    woken = world.put(POD, "a")
    assert woken == set(range(200))
    assert is_crowd(woken)


def test_more_than_a_hundred_are_a_crowd():
    assert not is_crowd(range(MOST_AT_ONCE))
    assert is_crowd(range(MOST_AT_ONCE + 1))


def test_a_selector_of_two_lists_of_values_leaves_nothing():
    index, parts = ReadIndex(), [Requirement("k", "In", values) for values in (("w", "y"), ("w", "z"))]
    readers = Readers(Read(POD, "shop", selector=ParsedSelector(tuple(parts))))
    index.add(readers)
    assert index._entries
    index.remove(readers)
    assert not index._entries
    assert not index.places


def test_a_parent_of_very_many_reads_is_woken_by_the_whole_kind(world):
    dependencies = Dependencies(most_reads=10)
    world.subscribers.add(lambda event: world.woken.append(dependencies.woken(event)))
    reads = [Read(MAP, "shop", f"map-{number}") for number in range(10)]
    pods = [Read(POD, "shop", f"pod-{number}") for number in range(3)]
    dependencies.replace("p", reads)
    assert dependencies.reads_of("p") == {*reads}
    dependencies.add("p", pods)
    assert dependencies.reads_of("p") == {Read(MAP), *pods}
    assert world.put(MAP, "map-3") == {"p"}
    assert world.put(POD, "pod-1") == {"p"}
    assert world.put(POD, "pod-7") == set()
    assert len(dependencies._readers) == 4


def test_kinds_beyond_the_bound_stay():
    dependencies = Dependencies(most_reads=1)
    reads = [Read(kind, "shop", name) for kind in (MAP, POD) for name in "ab"]
    dependencies.replace("p", reads)
    assert dependencies.reads_of("p") == {Read(MAP), Read(POD)}


@pytest.mark.parametrize("most", [0, -1, 1.5, None])
def test_the_bound_is_a_whole_number(most):
    with pytest.raises(gr.InputError, match="most_reads: not usable"):
        Dependencies(most_reads=most)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (Read(MAP, "shop", "a"), "v1/ConfigMap a in shop"),
        (Read(GVK("a.b", "v1", "Wide"), "", "a"), "a.b/v1/Wide a"),
        (Read(POD), "all v1/Pod"),
        (Read(POD, "shop", selector=parse("a=b,!c")), "all v1/Pod in shop with a=b,!c"),
    ],
)
def test_a_read_in_words(read, text):
    assert str(read) == text


def test_threads(dependencies):
    """Whoever's reads are added before the change is woken by it, whatever others do meanwhile."""
    rounds, missed, begin = 300, [], threading.Barrier(4)

    def run(number):
        world = World(dependencies)
        begin.wait()
        for turn in range(rounds):
            dependencies.add(number, [Read(MAP, "shop", f"m-{number}"), Read(POD, "shop", selector=parse("a=b"))])
            if number not in world.put(MAP, f"m-{number}", data={"turn": str(turn)}):
                missed.append(turn)
            if turn % 3 == 0:
                dependencies.drop(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not missed
    for number in range(4):
        dependencies.drop(number)
    assert not dependencies._readers
    assert not dependencies._kinds


def test_threads_that_add_to_one_parent(dependencies):
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: dependencies.add("p", [Read(MAP, "shop", str(number))]), range(500)))
    finally:
        sys.setswitchinterval(interval)
    assert len(dependencies.reads_of("p")) == 500
