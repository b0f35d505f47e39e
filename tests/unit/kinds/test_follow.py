"""The state machine of kinds that change: each state is left for what the module says, and for nothing else."""

import gc
import json
import threading
import time
import weakref

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from genreconcile.cache import CacheEvent
from genreconcile.cache.transform import read
from genreconcile.errors import ClusterError, Unauthorized
from genreconcile.kinds.definitions import _LAG
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.follow import (
    _CHANGE_WAIT,
    _FIRST_PAUSE,
    _IN_DOUBT,
    _LATE,
    _LONGEST_PAUSE,
    _PACE,
    _PATIENCE,
    Follower,
    State,
)
from genreconcile.kinds.served import Served
from genreconcile.kinds.storage import Definition
from genreconcile.objects import GVK, ObjectKey

GROUP, KIND = "apiextensions.k8s.io", "CustomResourceDefinition"
DEFINITIONS = Resource(GVK(GROUP, "v1", KIND), "customresourcedefinitions", namespaced=False)
KINDS = [Resource(GVK(f"{name}.dev", "v1", "Thing"), "things", namespaced=True) for name in ("a", "b")]
A, B = KINDS
NEVER = float("inf")


def kind_of(resource):
    return resource.gvk.group, resource.gvk.kind


def path_of(resource):
    return f"apis/{resource.gvk.group}/v1"


class Cache:
    """Tells what a test says."""

    def __init__(self):
        self.callbacks, self.of_states = [], []

    def subscribe(self, callback):
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def subscribe_states(self, callback):
        self.of_states.append(callback)
        return lambda: self.of_states.remove(callback)

    @staticmethod
    def has_synced(_):
        return True

    def tell(self, resource, event_type="MODIFIED", generation=1, stored=("v1",)):
        name = f"{resource.plural}.{resource.gvk.group}"
        spec = {"group": resource.gvk.group, "names": {"kind": resource.gvk.kind, "plural": resource.plural}}
        definition = {
            "apiVersion": f"{GROUP}/v1",
            "kind": KIND,
            "metadata": {"name": name, "resourceVersion": "1", "generation": generation},
            "spec": spec,
            "status": {"storedVersions": list(stored)},
        }
        record = read(json.dumps(definition).encode(), DEFINITIONS.gvk)
        for callback in list(self.callbacks):
            callback(CacheEvent(event_type, DEFINITIONS, key_of(resource), "1", record))

    def tell_state(self):
        for callback in list(self.of_states):
            callback()


def key_of(resource):
    return ObjectKey(GROUP, KIND, "", f"{resource.plural}.{resource.gvk.group}")


class Server:
    """Discovery, documents and types of a server; ``asked`` counts the questions to it. It has a clock of its own."""

    def __init__(self):
        self.now = 0.0
        self.served_at = dict.fromkeys((kind.gvk for kind in KINDS), 0.0)
        self.comes_at = dict.fromkeys(map(path_of, KINDS), NEVER)
        self.revision = dict.fromkeys(map(path_of, KINDS), 0)
        self.index = {}
        self.asked = 0
        self.error = None
        self.is_invalid = False

    def clock(self):
        return self.now

    # As discovery.

    def get(self, gvk):
        self.asked += self.is_invalid
        self.is_invalid = False
        return next(kind for kind in KINDS if kind.gvk == gvk) if self.served_at[gvk] <= self.now else None

    def resources(self):
        return [kind for kind in KINDS if self.get(kind.gvk)]

    def invalidate(self):
        self.is_invalid = True

    # As documents.

    def refresh(self):
        self.asked += 1
        if self.error is not None:
            raise self.error
        before, self.index = (
            self.index,
            {path: str(self.revision[path]) for path, since in self.comes_at.items() if since <= self.now},
        )
        return {path for path, _ in before.items() ^ self.index.items()}

    def hashes(self):
        return self.index

    # As types.

    def is_custom(self, gvk):
        return True if f"apis/{gvk.group}/v1" in self.index else None

    root = is_custom


class Asked:
    def forget(self):
        pass


class World:
    """A follower of such a server, and a clock that only waiting moves. ``at`` a time, something happens."""

    def __init__(self):
        self.server, self.cache = Server(), Cache()
        self.served = Served(self.server, self.server, self.server, Asked())
        self.defined = set()
        self.events = []
        self.follower = Follower(self.served, self.cache, self.definition, clock=self.server.clock, wait=self.wait)

    def definition(self, gvk):
        return Definition("token", dict) if gvk in self.defined else None

    def at(self, moment, happens):
        self.events = sorted([*self.events, (moment, happens)], key=lambda event: event[0])

    def wait(self, is_true, seconds):
        """As a Condition waits: until it is true, or for so long."""
        until = self.server.now + seconds
        while not is_true() and self.events and self.events[0][0] <= until:
            self.server.now, happens = max(self.server.now, self.events[0][0]), self.events.pop(0)[1]
            happens()
        if not is_true():
            self.server.now = until


@pytest.fixture
def world():
    return World()


def differing(documents, others):
    return {path for path, _ in documents.items() ^ others.items()}


class Machine(RuleBasedStateMachine):
    """Two kinds, their definitions and documents; beside it, what is to come of them."""

    def __init__(self):
        super().__init__()
        self.world = World()
        self.server, self.follower = self.world.server, self.world.follower
        self.generation = dict.fromkeys(KINDS, 0)
        self.changing, self.is_ahead = {}, True
        self.untold = set()  # The documents that have changed since somebody planned.
        self.overdue = {}

    kinds = st.sampled_from(KINDS)
    several = st.lists(kinds, unique=True)

    def told(self, kind, event_type="MODIFIED"):
        self.world.cache.tell(kind, event_type, self.generation[kind])

    def is_described(self, kind):
        return path_of(kind) in self.server.index

    @rule(kind=kinds)
    def somebody_writes_a_definition(self, kind):
        self.generation[kind] += 1
        self.world.defined.add(kind.gvk)
        self.told(kind)
        self.changing[kind], self.is_ahead = self.server.now + _LAG, True

    @rule(kind=kinds)
    def a_definition_goes(self, kind):
        self.world.defined.discard(kind.gvk)
        self.told(kind, "DELETED")
        self.generation[kind] = 0
        self.changing[kind], self.is_ahead = self.server.now + _LAG, True

    @precondition(lambda self: any(self.generation.values()))
    @rule(data=st.data())
    def a_status_changes(self, data):
        self.told(data.draw(st.sampled_from([kind for kind in KINDS if self.generation[kind]])))

    @rule(kind=kinds)
    def we_write_a_definition(self, kind):
        self.generation[kind] += 1
        self.world.defined.add(kind.gvk)
        self.told(kind)
        self.is_ahead = True
        self.follower.definitions.note_own_write(key_of(kind), self.generation[kind])
        self.changing.pop(kind, None)

    @rule(kind=kinds, delay=st.sampled_from([0.0, 0.5, 5.0]))
    def a_document_comes(self, kind, delay):
        self.server.comes_at[path_of(kind)] = self.server.now + delay

    @rule(kind=kinds)
    def a_document_goes(self, kind):
        self.server.comes_at[path_of(kind)] = NEVER

    @rule(kind=kinds)
    def a_document_changes(self, kind):
        self.server.revision[path_of(kind)] += 1

    @rule(seconds=st.sampled_from([0.3, 1.0, _LAG, 70.0]))
    def time_goes_by(self, seconds):
        self.server.now += seconds

    @rule()
    def somebody_plans(self):
        """As plan/kinds.py does first."""
        found = self.follower.definitions.changing()
        assert found == {kind_of(kind) for kind in self.changing}
        self.changing = {kind: until for kind, until in self.changing.items() if until > self.server.now}
        asked, documents = self.server.asked, dict(self.server.index)
        if found:
            self.world.served.invalidate()
        before = self.follower.definitions.changes
        changed = self.world.served.renew() if self.world.served.is_stale else set()
        if changed:
            self.follower.definitions.note_followed(before)
            self.is_ahead = False
        assert bool(found) or self.server.asked == asked
        assert changed == (self.untold | differing(documents, self.server.index) if found else set())
        self.untold -= changed

    @rule(kinds=several)
    def kinds_are_met(self, kinds):
        undescribed = [kind for kind in kinds if not self.is_described(kind)]
        met = [kind for kind in undescribed if kind not in self.overdue]
        due = [kind for kind in undescribed if kind in met or self.overdue[kind][0] <= self.server.now]
        started, asked, documents = self.server.now, self.server.asked, dict(self.server.index)
        found = self.follower.await_described(kinds)
        took, asked = self.server.now - started, self.server.asked - asked
        self.untold |= differing(documents, self.server.index)
        assert found == [kind for kind in due if self.is_described(kind)]
        left = [kind for kind in met if kind not in found]
        bound = max((_PATIENCE if kind.gvk in self.world.defined else _IN_DOUBT for kind in met), default=0.0)
        assert took <= bound + 2 * _PACE
        if left:
            assert took >= max(_PATIENCE if kind.gvk in self.world.defined else _IN_DOUBT for kind in left)
        if not met:
            assert took == 0
            assert asked == bool(due)
        for kind in due:
            if kind in found:
                self.overdue.pop(kind, None)
            else:
                pause = self.overdue.get(kind, (0.0, _FIRST_PAUSE))[1]
                self.overdue[kind] = self.server.now + pause, min(2 * pause, _LONGEST_PAUSE)

    @invariant()
    def each_kind_is_in_its_state(self):
        for kind in KINDS:
            if not self.is_described(kind):
                expected = State.OVERDUE if kind in self.overdue else State.UNDESCRIBED
            else:
                expected = State.CHANGING if kind in self.changing else State.DESCRIBED
            assert self.follower.state(kind) is expected
            is_young = not self.is_described(kind) and kind.gvk in self.world.defined
            assert self.follower.is_undescribed(kind) is is_young

    @invariant()
    def objects_are_left_alone_as_long_as_no_document_has_followed(self):
        assert self.follower.definitions.are_ahead is (bool(self.changing) and self.is_ahead)

    @invariant()
    def a_look_asks_for_nothing(self):
        asked = self.server.asked
        assert [self.follower.state(kind) for kind in KINDS]
        assert self.server.asked == asked


Machine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
test_states = Machine.TestCase


def test_what_is_notified_between_the_look_and_the_wait_is_not_missed(world):
    waits = []
    world.follower._news._wait = lambda is_true, _: waits.append(is_true())
    for happens in (world.cache.tell_state, lambda: world.cache.tell(A)):
        looks = []

        def is_true(happens=happens, looks=looks):
            looks.append(happens() if not looks else None)
            return len(looks) == 2

        world.follower.until(is_true, 60)
    assert waits == [True, True]


def test_who_looks_holds_no_lock_that_a_notifier_needs(world):
    ended = []

    def is_true():
        notifier = threading.Thread(target=lambda: (world.cache.tell(A), world.cache.tell_state()))
        notifier.start()
        notifier.join(30)
        ended.append(not notifier.is_alive())
        return True

    world.follower.until(is_true, 60)
    world.defined.add(A.gvk)
    world.server.is_custom = lambda _: True if ended[1:] or (world.server.asked and is_true()) else None
    assert world.follower.await_described([A]) == [A]
    assert ended == [True, True]


def test_what_a_look_raises_is_passed_on(world):
    def is_true():
        raise Unauthorized("no")

    with pytest.raises(Unauthorized):
        world.follower.until(is_true, 60)


def test_the_cache_is_looked_at_when_it_tells_and_at_no_other_time(world):
    looks = []
    for moment in (3, 5):
        world.at(moment, world.cache.tell_state)
    world.at(7, lambda: world.cache.tell(B))
    world.follower.until(lambda: looks.append(world.server.now), 20)
    assert looks == [0, 3, 5, 7, 20]


@pytest.mark.parametrize(
    "waiting",
    [
        lambda follower: follower.until(lambda: False, time.monotonic() + 250),
        lambda follower: follower.await_described([A]),
        lambda follower: follower.await_served([A]),
        lambda follower: follower.await_document(A.gvk, time.monotonic() + 250, changed=False),
    ],
    ids=["the cache", "a document", "a kind", "the next document"],
)
def test_the_end_ends_each_wait(world, monkeypatch, waiting):
    """On a real Condition. With the patience that there is, this would outlast the time limit of the tests."""
    for name in ("_LATE", "_PATIENCE", "_PACE"):
        monkeypatch.setattr(f"genreconcile.kinds.follow.{name}", 1000.0)
    world.defined.add(A.gvk)
    world.server.served_at[A.gvk] = NEVER
    follower = Follower(world.served, world.cache, world.definition)
    is_waiting, wait = threading.Event(), follower._news.condition.wait_for
    follower._news._wait = lambda is_true, seconds: (is_waiting.set(), wait(is_true, seconds))
    thread = threading.Thread(target=waiting, args=(follower,), daemon=True)
    thread.start()
    assert is_waiting.wait(30)
    follower.close()
    thread.join(30)
    assert not thread.is_alive()
    assert len(world.cache.callbacks) == len(world.cache.of_states) == 1, "the fixture's own"


def test_an_event_of_its_definition_ends_the_pause_of_who_asks(world):
    world.defined.add(A.gvk)
    world.server.served_at[A.gvk] = 0.03
    world.at(0.01, lambda: world.cache.tell(B))
    world.at(0.02, world.cache.tell_state)
    world.at(0.04, lambda: world.cache.tell(A))
    world.server.comes_at[path_of(A)] = 0.0
    assert world.follower.await_served([A]) == [A]
    assert world.server.now == 0.04
    assert world.server.asked == 3, "discovery twice, and the index"


def test_a_kind_that_is_never_served_is_asked_for_in_a_bound(world):
    world.server.served_at[A.gvk] = NEVER
    assert world.follower.await_served([A]) == []
    assert _LATE <= world.server.now < _LATE + 2 * _PACE
    assert world.server.asked <= _LATE / _PACE + 1


def test_a_document_that_is_there_is_not_taken_for_the_next(world):
    world.server.comes_at[path_of(A)] = 0.0
    world.served.look()
    world.at(1.0, lambda: world.server.revision.update({path_of(A): 1}))
    world.follower.await_document(A.gvk, 30, changed=True)
    assert 1.0 <= world.server.now < 1.0 + 2 * _PACE
    started = world.server.now
    world.follower.await_document(A.gvk, 30, changed=True)
    assert _CHANGE_WAIT <= world.server.now - started < _CHANGE_WAIT + 2 * _PACE
    asked = world.server.asked
    world.follower.await_document(A.gvk, world.server.now, changed=False)
    assert world.server.asked == asked, "the time was over before it began"


def test_an_index_that_cannot_be_read_is_asked_for_again(world):
    world.server.error = ClusterError("500")
    world.at(0.5, lambda: setattr(world.server, "error", None))
    world.defined.add(A.gvk)
    world.server.comes_at[path_of(A)] = 0.0
    assert world.follower.await_described([A]) == [A]
    world.server.index, world.server.error = {}, Unauthorized("no")
    with pytest.raises(Unauthorized):
        world.follower.await_described([A])


def test_a_change_that_comes_while_documents_are_read_is_not_taken_for_followed(world):
    """The document that was read belongs to the change before."""
    definitions = world.follower.definitions
    world.cache.tell(A, generation=1)
    before = definitions.changes
    world.cache.tell(A, generation=2)
    definitions.note_followed(before)
    assert definitions.are_ahead
    definitions.note_followed(definitions.changes)
    assert not definitions.are_ahead


def test_a_kind_that_was_overdue_and_is_described_is_met_for_the_first_time_if_that_goes(world):
    assert world.follower.await_described([A]) == []
    assert world.follower.state(A) is State.OVERDUE
    world.server.comes_at[path_of(A)] = 0.0
    world.server.now += _FIRST_PAUSE
    assert world.follower.await_described([A]) == [A]
    assert world.follower.state(A) is State.DESCRIBED
    world.server.comes_at[path_of(A)] = NEVER
    world.served.look()
    assert world.follower.state(A) is State.UNDESCRIBED


def test_a_status_is_no_change_of_which_a_document_is_to_follow(world):
    definitions = world.follower.definitions
    world.cache.tell(A, generation=1)
    definitions.note_followed(definitions.changes)
    world.cache.tell(A, generation=1)
    assert definitions.is_changing(kind_of(A))
    assert not definitions.are_ahead


def test_what_a_look_has_found_is_told_by_the_next_renewal(world):
    """The objects of other kinds in the same document are to be read again as well."""
    world.server.comes_at[path_of(A)] = 0.0
    generation = world.served.generation
    world.served.look()
    assert world.served.generation == generation + 1
    assert world.served.renew() == set()
    world.served.invalidate()
    assert world.served.renew() == {path_of(A)}
    world.served.invalidate()
    assert world.served.renew() == set()


def test_who_only_looks_whether_documents_are_behind_takes_no_telling_away(world):
    world.cache.tell(A)
    world.server.now = _LAG + 1
    assert world.follower.definitions.are_ahead
    assert world.follower.definitions.changing() == {kind_of(A)}
    assert world.follower.definitions.changing() == frozenset()


def test_what_is_invalidated_while_it_is_read_is_read_again(world):
    refresh = world.server.refresh

    def overtaken():
        world.server.refresh = refresh
        world.served.invalidate()
        return refresh()

    world.served.invalidate()
    world.server.refresh = overtaken
    world.served.renew()
    assert world.served.is_stale
    world.served.renew()
    assert not world.served.is_stale


def test_a_follower_that_nobody_has_closed_is_not_kept(world):
    """A Reconciler that is gone must not leave its documents with the cache that others use."""
    follower = weakref.ref(Follower(world.served, world.cache, world.definition))
    gc.collect()
    assert follower() is None
    world.cache.tell(A)
    world.cache.tell_state()
