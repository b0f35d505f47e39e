"""Kinds that are served before an OpenAPI document describes them."""

import pytest

from genreconcile.catalog import Catalog
from genreconcile.errors import Unreachable
from genreconcile.kinds.follow import _IN_DOUBT, _PATIENCE, Follower
from genreconcile.kinds.storage import UNREADABLE, Definition
from genreconcile.normalize import Registry
from support.api.scripted import PLANETS, WIDGETS, ScriptedCluster, status

PATH = "apis/example.com/v1"
DEFINED = Definition("token", dict)
TYPE = {"x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}]}


class Silent:
    """A cache that knows nothing, and tells of nothing."""

    def subscribe(self, _):
        return lambda: None

    subscribe_states = subscribe


class World:
    """A server whose documents come when a test says, and a clock that only waiting moves."""

    def __init__(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        self.server = ScriptedCluster()
        self.now = 0.0
        self.definition = DEFINED
        self.comes_at = float("inf")
        self.server.answer("/openapi/v3", self.index)
        self.server.answer(f"/openapi/v3/{PATH}", {"components": {"schemas": {"com.example.v1.Widget": TYPE}}})
        self.catalog = Catalog(self.server, Registry.empty())
        self.young = self.follower()

    def follower(self):
        served, clock = self.catalog.served, lambda: self.now
        return Follower(served, Silent(), lambda _: self.definition, clock=clock, wait=self.wait)

    def index(self):
        found = {PATH: {"serverRelativeURL": "/x?hash=AA"}} if self.now >= self.comes_at else {}
        return {"paths": found}

    def wait(self, _, seconds):
        self.now += seconds


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path, monkeypatch)


def test_r1_13_a_kind_whose_document_comes_later_is_waited_for(world):
    world.comes_at = 0.7
    assert world.catalog.is_custom(WIDGETS) is None
    assert world.young.is_undescribed(WIDGETS)
    before = world.catalog.generation
    assert world.young.await_described([WIDGETS]) == [WIDGETS]
    assert world.catalog.is_custom(WIDGETS)
    assert not world.young.is_undescribed(WIDGETS)
    assert world.catalog.generation > before
    assert 0.7 <= world.now < 1


def test_r1_13_the_wait_is_bounded_and_the_kind_is_asked_for_again(world):
    assert world.young.await_described([WIDGETS]) == []
    assert _PATIENCE <= world.now < _PATIENCE + 1
    waited = world.now
    world.server.requests.clear()
    assert world.young.await_described([WIDGETS]) == []
    assert world.server.requests == []
    # It is not waited for again, only asked for, and each time a longer pause follows.
    asked = []
    while world.now < 300:
        world.now += 0.5
        if world.server.requests:
            asked.append(world.now)
            world.server.requests.clear()
        assert world.young.await_described([WIDGETS]) == []
    pauses = [later - earlier for earlier, later in zip([waited, *asked], asked, strict=False)]
    assert 1 < pauses[0] <= 2
    assert pauses == sorted(pauses)
    assert 55 < pauses[-1] <= 61
    world.comes_at = 0
    world.now += 60
    assert world.young.await_described([WIDGETS]) == [WIDGETS]
    assert world.young.await_described([WIDGETS]) == []


def test_r1_13_what_nothing_defines_is_in_doubt_for_a_moment(world):
    """The definition may be younger than the cache."""
    world.definition = None
    assert world.young.await_described([WIDGETS]) == []
    assert _IN_DOUBT <= world.now < _IN_DOUBT + 1
    assert not world.young.is_undescribed(WIDGETS)


def test_r1_13_not_to_be_allowed_to_read_definitions_counts_as_may_be_defined(world):
    world.definition = UNREADABLE
    world.comes_at = _IN_DOUBT + 3
    assert world.young.await_described([WIDGETS]) == [WIDGETS]


def test_r1_13_a_kind_that_is_described_costs_no_request(world):
    world.comes_at = 0
    assert world.catalog.is_custom(WIDGETS)
    world.server.requests.clear()
    assert world.young.await_described([WIDGETS]) == []
    assert world.server.requests == []


def test_r1_13_an_index_that_cannot_be_read_is_asked_for_again(world):
    assert world.catalog.is_custom(PLANETS) is None
    world.server.answers["/openapi/v3"].appendleft(status(500))
    world.comes_at = 0
    assert world.young.await_described([WIDGETS]) == [WIDGETS]
    other = world.follower()
    world.server.answers["/openapi/v3"].appendleft(Unreachable("gone"))
    with pytest.raises(Unreachable):
        other.await_described([PLANETS])
