"""What the rules call managed cannot be predicted: each scenario of proofs/*.yaml, on a server with its controllers."""

import pytest
from ground import Ground
from proof import Proof
from scenario import OPTIONAL, REQUIRED, scenarios

from genreconcile.testing import ControlPlane

SCENARIOS = scenarios()


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
    Proof(ground, SCENARIOS[number], f"proof-{number}", other).run()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=["+".join(one["rules"]) for one in SCENARIOS])
def test_a_scenario_says_what_it_needs(scenario):
    assert REQUIRED <= scenario.keys() <= REQUIRED | OPTIONAL[scenario["proof"]]
    number = 2 if scenario["proof"] == "appears" else 1
    assert len(scenario.get("worlds", [[]] * number)) == number
    assert ("edits" in scenario) == (scenario["proof"] != "appears")


def test_each_rule_has_one_scenario():
    rules = [rule for scenario in SCENARIOS for rule in scenario["rules"]]
    assert sorted(rules) == sorted(set(rules))
