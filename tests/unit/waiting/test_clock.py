"""When a wait looks again: at a change, at the end of a grace, and at nothing else. The cache is a stand-in."""

import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

import genreconcile as gr
from genreconcile.cache import CacheEvent
from genreconcile.catalog import Catalog
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import ObjectKey
from genreconcile.waiting.gate import WaveGate
from genreconcile.waiting.waiting import Place, Waiting
from support.eventually import eventually

THING = Resource(gr.GVK("example.com", "v1", "Thing"), "things", namespaced=True)
KEY = ObjectKey("example.com", "Thing", "shop", "one")
SOON = 40.0


class Stand:
    """A cache with one object, and a catalog that knows one kind."""

    def __init__(self, live):
        self.live, self.looks, self.error = live, 0, None
        self.hear = self.hear_of_states = None
        status = SimpleNamespace(type=SimpleNamespace(fields={"conditions": None}))
        kind = SimpleNamespace(fields={"status": status})
        self.schema = SimpleNamespace(root=lambda _: kind, is_custom=lambda _: True, has_status=lambda _: True)
        catalog = Catalog.__new__(Catalog)
        catalog.rules, catalog._schema = gr.Registry.empty(), self.schema
        self.waiting = Waiting(SimpleNamespace(cache=self, catalog=catalog))

    def get(self, resource, name, *, namespace):
        assert (resource, name, namespace) == (THING, "one", "shop")
        self.looks += 1
        if self.error is not None:
            raise self.error
        return self.live

    def subscribe(self, callback):
        self.hear = callback
        return lambda: setattr(self, "hear", None)

    def subscribe_states(self, callback):
        self.hear_of_states = callback
        return lambda: setattr(self, "hear_of_states", None)

    def wait(self, seconds=SOON):
        return self.waiting.until_settled([Place(THING, KEY)], time.monotonic() + seconds)[KEY]


def thing(*conditions, seconds=3600.0):
    """Made so many seconds ago."""
    made = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
    metadata = {"name": "one", "namespace": "shop", "creationTimestamp": made.isoformat()}
    status = {"conditions": [{"type": name, "status": value} for name, value in conditions]} if conditions else {}
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": metadata, "status": status}


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as pool:
        yield pool


def event(key):
    return CacheEvent("MODIFIED", THING, key, "7", None)


def test_it_looks_again_at_its_own_changes_alone(pool):
    stand = Stand(thing(("Ready", "False")))
    waiting = pool.submit(stand.wait)
    eventually(lambda: stand.looks == 1 and stand.hear)
    stand.hear(event(KEY._replace(name="other")))
    stand.hear(event(KEY))
    eventually(lambda: stand.looks == 2)
    stand.live = thing(("Ready", "True"))
    stand.hear(event(KEY))
    assert waiting.result(SOON).state == "Current"
    assert (stand.looks, stand.hear, stand.hear_of_states) == (3, None, None)


def test_a_grace_ends_by_itself():
    stand = Stand(thing(seconds=29.9))
    status = stand.wait()
    assert (status.state, bool(status.warning), stand.looks) == ("Current", True, 2)


def test_what_cannot_be_read_is_looked_at_again_when_it_can(pool):
    stand = Stand(thing(("Ready", "True")))
    stand.error = gr.NotSynced("Thing: no list")
    waiting = pool.submit(stand.wait)
    eventually(lambda: stand.looks == 1 and stand.hear_of_states)
    stand.error = None
    stand.hear_of_states()
    assert waiting.result(SOON).state == "Current"


def test_what_cannot_be_read_in_time_is_unknown():
    stand = Stand(None)
    stand.error = gr.NotSynced("Thing: no list")
    status = stand.wait(0)
    assert str(status) == "Unknown (NotReadable): Thing: no list"


def test_a_kind_of_which_nobody_can_tell_has_its_grace():
    stand = Stand(thing(seconds=1))

    def unreachable(_):
        raise gr.Unreachable("no answer")

    stand.schema.root = unreachable
    assert stand.wait(0).reason == "NothingTold"


def test_a_gate_waits_once_for_each_wave():
    stand = Stand(thing(("Ready", "True")))
    gate = WaveGate(stand.waiting, [Place(THING, KEY)], time.monotonic() + SOON)
    assert (gate.before(0), stand.looks) == ("", 0), "it is of a later wave"
    assert (gate.before(99), gate.before(99), stand.looks) == ("", "", 1)


def test_a_gate_that_is_closed_stays_so():
    stand = Stand(None)
    gate = WaveGate(stand.waiting, [Place(THING, KEY)], time.monotonic())
    told = "Thing.example.com shop/one, of an earlier wave, is not ready: NotFound: there is no such object"
    assert (gate.before(98), gate.before(99), stand.looks) == (told, told, 1)
