"""The contract of ``Cluster``, on ``FakeCluster``: the cases that hold on a real API server."""

from pathlib import Path

import pytest

from genreconcile.testing import FakeCluster
from support.contract import CASES, Forgotten, Place

NOT_YET = frozenset((Path(__file__).parent / "not_yet.txt").read_text("utf-8").splitlines())
"""The cases that the cluster in memory does not pass yet."""
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


def _marked(name):
    return [pytest.mark.xfail(strict=True)] if name in NOT_YET else []


@pytest.mark.parametrize("case", [pytest.param(case, id=name, marks=_marked(name)) for name, case in CASES.items()])
def test_the_cluster_in_memory(place, case):
    case(place)
