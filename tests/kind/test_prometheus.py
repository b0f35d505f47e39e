"""A Prometheus server has the shipped alerts, and scrapes programs in every trouble: each alert comes and goes, and
each panel of the dashboard shows what happened.

How long the shipped alerts wait is what tests/kind/test_promtool.py looks at.
"""

import itertools
import re

import pytest

from kind.observed import OPERATORS
from kind.prometheus import Shown, instance, program
from kind.watching import ALERTS, DASHBOARD, HASTENED, RULES, watching

# The server is built the first time, which takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TARGETS = {
    f"{panel['title']} {target['refId']}": target for panel in DASHBOARD["panels"] for target in panel["targets"]
}


@pytest.fixture(scope="module")
def watched(control_plane, tmp_path_factory):
    with watching(control_plane, program("prometheus"), tmp_path_factory.mktemp("prometheus")) as watched:
        yield watched


@pytest.fixture(scope="module")
def shown(watched):
    return Shown(DASHBOARD, watched.prometheus, watched.span)


@pytest.mark.parametrize("group", [ALERTS["groups"][0]["name"], HASTENED])
def test_every_rule_is_loaded_and_can_be_judged(watched, group):
    rules = watched.prometheus.rules(group)
    assert {rule["name"] for rule in rules} == set(RULES)
    assert {(rule["health"], rule.get("lastError", "")) for rule in rules} == {("ok", "")}


@pytest.mark.parametrize("name", RULES)
def test_an_alert_comes_says_whose_it_is_and_goes(watched, name):
    assert name in watched.fired, watched.observed.said()
    fired, rule = watched.fired[name], RULES[name]
    assert fired["labels"]["job"] in OPERATORS
    assert rule["labels"].items() <= fired["labels"].items()
    for which, template in rule["annotations"].items():
        assert re.fullmatch(rendered(template, fired["labels"]), fired["annotations"][which]), fired["annotations"]
    assert name not in watched.left


def rendered(template, labels):
    """What a text of an alert may look like: its labels are there, and its value is a number with a unit, or none."""
    parts = re.split(r"\{\{ (.*?) \}\}", template)
    texts = [re.escape(text) for text in parts[::2]]
    values = [
        re.escape(labels[part.removeprefix("$labels.")]) if part.startswith("$labels.") else r"\d[\d.]*(%|[smh0-9. ]*)"
        for part in parts[1::2]
    ]
    assert all(values)
    return "".join(itertools.chain.from_iterable(itertools.zip_longest(texts, values, fillvalue="")))


@pytest.mark.parametrize("name", TARGETS)
def test_a_panel_shows_what_happened(shown, name):
    """Each trouble that there was can be seen: no panel is empty, or 0 all the time."""
    target = TARGETS[name]
    found = shown.history(target)
    assert any(value > 0 for _, values in found for value in values.values()), found
    for labels, _ in found:
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= set(labels)


def test_all_are_the_programs_of_genreconcile(shown):
    """Prometheus itself is scraped too, and has memory and CPU seconds."""
    ours = set(map(instance, OPERATORS))
    assert set(shown.choices["job"]) == set(OPERATORS)
    assert set(shown.choices["instance"]) == ours
    assert set(shown.choices["controller"]) == {"shop", "slow", "hung", "denied", "sharded", "standby"}
    for target in ("Memory A", "CPU A"):
        assert {labels["instance"] for labels, _ in shown.history(TARGETS[target])} == ours


def test_the_first_repair_counts(watched):
    """Of a kind, and by a manager: a counter that began with it would not have increased."""
    for metric in ("genreconcile_repairs_total", "genreconcile_drift_fields_total"):
        found = watched.prometheus.history(f'{metric}{{job="shop"}}', watched.span)
        assert any(value > 0 for _, values in found for value in values.values())
        for labels, values in found:
            assert next(iter(values.values())) == 0, labels


def test_an_expression_that_is_wrong_would_be_noticed(shown):
    with pytest.raises(AssertionError, match="parse error"):
        shown.history({"expr": "sum by (result) (genreconcile_reconcile_total{"})
    assert shown.history({"expr": "genreconcile_reconciled_total"}) == []
    with pytest.raises(KeyError):
        shown.filled("genreconcile_leading{job=~'$jobs'}")
