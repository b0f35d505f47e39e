"""The contract of ``Cluster``, on ``FakeCluster``: the cases that hold on a real API server."""

import pytest

from genreconcile.testing import FakeCluster
from support.contract import CASES, Forgotten, Place

DEPLOYMENTS = "apps/v1/Deployment"


def observe(fake):
    """What a controller does that FakeCluster does not have: it notes which generation of a Deployment it has seen."""
    for obj in fake.find(DEPLOYMENTS):
        meta, status = obj["metadata"], obj.get("status") or {}
        seen = {**status, "observedGeneration": meta["generation"]}
        fake.set_status(DEPLOYMENTS, meta["name"], seen, namespace=meta["namespace"])


@pytest.fixture
def place():
    with FakeCluster() as fake:

        def settle(condition):
            """The controllers of the cluster in memory have done their work when the request has ended."""
            if not condition():
                observe(fake)
            found = condition()
            assert found
            return found

        found = Place(fake, "contract", settle=settle)
        fake.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "contract"}})

        def forgotten():
            old = Place(fake, found.create_namespace("old"), settle=settle)
            made = Forgotten.of(old)
            fake.forget_history()
            return made

        found.forgotten = forgotten
        yield found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_cluster_in_memory(place, case):
    case(place)
