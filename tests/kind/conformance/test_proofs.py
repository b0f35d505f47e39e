"""What the rules call managed cannot be predicted: each scenario of proofs/*.yaml, on a server with its controllers."""

import re

import pytest

from genreconcile.testing import ControlPlane
from kind.conformance import proof
from kind.conformance.ground import Ground
from kind.conformance.proof import Proof
from kind.conformance.scenario import OPTIONAL, REQUIRED, scenarios

SCENARIOS = scenarios()
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "$name"},
    "spec": {"type": "NodePort", "ports": [{"port": 80}]},
}
PORT = "/spec/ports/0/nodePort"
EDIT = {"edits": [{"op": "replace", "path": PORT, "value": 30080}]}
FALSE = {
    "both worlds agree": ("80", {"proof": "appears", "rules": {"service-target-port": "/spec/ports/0/targetPort"}}),
    "an edit stays": ("stays 30080", {"proof": "rewritten", "rules": {"service-node-port": PORT}, **EDIT}),
    "an edit is taken": ("DID NOT RAISE", {"proof": "refused", "rules": {"service-node-port": PORT}, **EDIT}),
    "another rule covers it": (
        "is covered by ['service-node-port']",
        {"proof": "appears", "rules": {"service-node-port-of-load-balancer": PORT}},
    ),
    "nothing is there": ("None", {"proof": "appears", "rules": {"service-node-port": "/spec/loadBalancerIP"}}),
}


@pytest.fixture(scope="module")
def ground():
    with ControlPlane(controller_manager=True, scheduler=True, kwok=True) as plane, Ground(plane) as ground:
        yield ground


@pytest.fixture
def other():
    """A maker of grounds whose API server has further arguments."""
    planes = []

    def make(arguments):
        planes.append(ControlPlane(extra_apiserver_args=arguments))
        planes[-1].start()
        return Ground(planes[-1])

    yield make
    for plane in planes:
        plane.stop()


@pytest.mark.parametrize("number", range(len(SCENARIOS)), ids=["+".join(one["rules"]) for one in SCENARIOS])
def test_nobody_could_predict(number, ground, other):
    assert Proof(ground, SCENARIOS[number], f"proof-{number}", other).run() == SCENARIOS[number]["rules"]


@pytest.mark.parametrize("name", FALSE)
def test_a_false_proof_fails(name, ground, other, monkeypatch):
    monkeypatch.setattr(proof, "SEVERAL", 1)
    monkeypatch.setattr(proof, "PATIENCE", 2.0)
    monkeypatch.setattr(proof, "SECONDS", 2.0)
    message, scenario = FALSE[name]
    scenario = {"by": "nobody", "expected": SERVICE, **scenario}
    with pytest.raises((AssertionError, pytest.fail.Exception), match=re.escape(message)):
        Proof(ground, scenario, name.replace(" ", "-"), other).run()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=["+".join(one["rules"]) for one in SCENARIOS])
def test_a_scenario_says_what_it_needs(scenario):
    assert REQUIRED <= scenario.keys() <= REQUIRED | OPTIONAL[scenario["proof"]]
    number = 2 if scenario["proof"] == "appears" else 1
    assert len(scenario.get("worlds", [[]] * number)) == number
    assert ("edits" in scenario) == (scenario["proof"] != "appears")


def test_each_rule_has_one_scenario():
    rules = [rule for scenario in SCENARIOS for rule in scenario["rules"]]
    assert sorted(rules) == sorted(set(rules))
