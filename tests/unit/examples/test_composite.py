"""The composite, as its author tests it: two controllers in one process."""

import pytest

from support.objects import available
from unit.examples import examples

KIND, CACHE, DEPLOYMENT, MAP = (
    "shops.example.com/v1/Shop",
    "cache.example.com/v1/Memcached",
    "apps/v1/Deployment",
    "v1/ConfigMap",
)


@pytest.fixture
def fake():
    with examples.cluster("memcached", "composite") as fake:
        yield fake


@pytest.fixture
def controllers():
    return examples.module("composite/shop.py").shops, examples.module("memcached/memcached.py").memcached


@pytest.fixture
def run(fake, controllers):
    with fake.run(*controllers) as run:
        run.advance(seconds=2)
        yield run


def is_ready(fake, kind):
    return examples.conditions(fake.get(kind, "toys")).get("Ready")


def make_ready(fake):
    replicas = fake.get(DEPLOYMENT, "toys")["spec"]["replicas"]
    generation = fake.get(DEPLOYMENT, "toys")["metadata"]["generation"]
    fake.set_status(DEPLOYMENT, "toys", available(replicas, generation))


def test_the_parts_are_made_by_both(fake, run):
    assert fake.get(CACHE, "toys")["spec"] == {"size": 2}
    assert fake.get(DEPLOYMENT, "toys")["spec"]["replicas"] == 2
    assert fake.get(MAP, "toys")["data"] == {"memcached": "toys.shop.svc:11211"}


def test_it_is_ready_when_its_parts_are(fake, run):
    assert (is_ready(fake, CACHE), is_ready(fake, KIND)) == ("False", "False")
    make_ready(fake)
    run.advance(seconds=2)
    assert (is_ready(fake, CACHE), is_ready(fake, KIND)) == ("True", "True")
    fake.patch(KIND, "toys", {"op": "replace", "path": "/spec/caches", "value": 4})
    run.advance(seconds=3)
    assert (is_ready(fake, CACHE), is_ready(fake, KIND)) == ("False", "False")
    make_ready(fake)
    run.advance(seconds=2)
    assert (is_ready(fake, CACHE), is_ready(fake, KIND)) == ("True", "True")


def test_it_is_never_ready_before_its_parts(fake, run):
    told = [
        condition["status"]
        for write in run.writes
        if write.path.endswith("/shops/toys/status")
        for operation in write.body
        for condition in conditions_in(operation.get("value"))
        if condition["type"] == "Ready"
    ]
    assert told
    assert "True" not in told


def conditions_in(value):
    if isinstance(value, dict):
        return [value] if {"type", "status"} <= value.keys() else conditions_in(value.get("conditions"))
    return [found for one in value for found in conditions_in(one)] if isinstance(value, list) else []


def test_a_settled_composite_writes_nothing(fake, run):
    make_ready(fake)
    run.advance(seconds=5)
    run.writes.clear()
    run.advance(seconds=200_000)
    assert run.writes == []


def test_a_part_without_its_controller_is_not_ready(fake, controllers):
    with fake.run(controllers[0]) as run:
        run.advance(seconds=5)
        assert is_ready(fake, KIND) == "False", "nobody has said that the Memcached is there"


def test_all_goes_with_the_shop(fake, run):
    fake.delete(KIND, "toys")
    run.advance(seconds=10)
    assert fake.find(KIND) == fake.find(CACHE) == fake.find(DEPLOYMENT) == fake.find("v1/Service") == []
