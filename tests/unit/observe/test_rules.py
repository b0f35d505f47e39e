"""Alerts, dashboard and page name what a running program has, and all that it has has a row in the page."""

import itertools
import json
import re
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

import genreconcile as gr
from genreconcile.data import Managers, shipped
from support.eventually import eventually
from unit.controllers import things
from unit.controllers.things import MAP, edit, names, thing
from unit.observe.test_observer import Scraped, meddle

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/observability.md").read_text("utf-8")
ALERTS = yaml.safe_load((files("genreconcile.observe") / "alerts.yaml").read_text("utf-8"))
DASHBOARD = json.loads((files("genreconcile.observe") / "dashboard.json").read_text("utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
OF_PROMETHEUS = {"job", "instance", "namespace"}
"""The labels that Prometheus gives each series of a target in a cluster."""

GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = {"and", "or", "unless", "bool", "offset"}
FUNCTIONS = {
    "sum", "max", "min", "avg", "count", "rate", "increase", "max_over_time", "histogram_quantile", "label_values"
}  # fmt: skip
TOKEN = re.compile(
    r"""(?P<blank>\s+|\[[^\]]*\])|"(?P<text>(?:[^"\\]|\\.)*)"|(?P<number>\d[\w.]*)|(?P<word>[A-Za-z_:][\w:]*)"""
    r"""|(?P<mark>=~|!~|!=|==|<=|>=|[-+*/%(){},=<>])"""
)


class Matcher(NamedTuple):
    label: str
    operator: str
    value: str


class Uses(NamedTuple):
    """What an expression names."""

    metrics: list[tuple[str, list[Matcher]]]
    grouped: set[str]

    def labels(self, scrape):
        """Those that its result may have."""
        own = {label for metric, _ in self.metrics for label in scrape.labels(metric)} | OF_PROMETHEUS
        return own & self.grouped if self.grouped else own


def tokens(expression):
    at = 0
    while at < len(expression):
        found = TOKEN.match(expression, at)
        assert found, f"not understood: {expression[at:]}"
        at = found.end()
        if found.lastgroup != "blank":
            yield found.lastgroup, found[found.lastgroup]


def uses(expression):
    found, grouped, left = [], set(), list(tokens(expression))
    while left:
        kind, word = left.pop(0)
        following = left[0][1] if left else ""
        if kind != "word" or word in WORDS:
            continue
        if word in GROUPING:
            grouped |= labels(left) if following == "(" else set()
        elif following == "(" or following in GROUPING:
            assert word in FUNCTIONS, f"no function: {word}"
        else:
            found.append((word, matchers(left) if following == "{" else []))
    return Uses(found, grouped)


def until(end, left):
    """Takes the tokens between a pair of marks out."""
    inside = [text for _, text in itertools.takewhile(lambda token: token[1] != end, left)]
    del left[: len(inside) + 1]
    return inside[1:]


def labels(left):
    return set(until(")", left)[::2])


def matchers(left):
    inside = until("}", left)
    return [Matcher(*inside[at : at + 3]) for at in range(0, len(inside), 4)]


class Scrape:
    """Types by name of metric, and the labels and their values by name of sample."""

    def __init__(self, text):
        self.types, self.of_family, self._values = {}, {}, {}
        for family in text_string_to_metric_families(text):
            name = family.name + ("_total" if family.type == "counter" else "")
            self.types[name] = family.type
            self.of_family[name] = {label for one in family.samples for label in one.labels if label != "le"}
            for one in family.samples:
                values = self._values.setdefault(one.name, {})
                for label, value in one.labels.items():
                    values.setdefault(label, set()).add(value)

    def labels(self, metric):
        assert metric in self._values, f"no metric: {metric}"
        return set(self._values[metric])

    def check(self, expression):
        """Raises AssertionError for what is not there."""
        found = uses(expression)
        assert found.metrics
        for metric, matched in found.metrics:
            known = self.labels(metric)
            for label, operator, value in matched:
                assert label in known | OF_PROMETHEUS, f"no label of {metric}: {label}"
                if operator in {"=", "!="}:
                    assert value in self._values[metric][label], f"no {label} of {metric}: {value}"
        unknown = found.grouped - {label for metric, _ in found.metrics for label in self.labels(metric)}
        assert unknown <= OF_PROMETHEUS, f"no labels: {unknown}"
        return found


def stated(parent, ctx):
    for name in parent["spec"]["names"]:
        yield things.config(name)


def scraped_text():
    """What a program says that holds a shard, and has created, deleted and repaired."""
    lease = gr.Lease(
        "things", duration=60, renew_deadline=45.0, retry_period=0.05, shards=1, shard_identity=0, takeover_after=0
    )
    with (
        things.cluster(thing("one", names=["a", "b"])) as fake,
        Scraped(fake, stated, lease=lease) as scraped,
        scraped.program,
    ):
        eventually(lambda: names(fake) == ["a", "b"])
        eventually(lambda: scraped.sample("workqueue_depth", name="things") == 0)
        meddle(fake, "a", "kubectl-edit")
        eventually(
            lambda: scraped.sample("genreconcile_drift_fields_total", kind="ConfigMap", manager="kubectl-edit") == 1
        )
        edit(fake, names=["a"])
        eventually(lambda: names(fake) == ["a"])
        assert fake.get(MAP, "a")["data"] == {"k": "v"}
        eventually(
            lambda: scraped.sample(
                "genreconcile_writes_total", controller="things", kind="ConfigMap", operation="deleted"
            )
        )
        return scraped.get("/metrics")[1]


@pytest.fixture(scope="module")
def scrape():
    return Scrape(scraped_text())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_is_there_and_says_what_to_do(scrape, rule):
    found = scrape.check(rule["expr"])
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"] in ({"severity": "warning"}, {"severity": "critical"})
    assert set(rule["annotations"]) == {"summary", "description"}
    told = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", told)) <= found.labels(scrape)
    for metric in re.findall(r"\b(?:genreconcile|workqueue)_\w+", told):
        assert metric in scrape.types


def test_alerts_are_few_and_each_has_a_test_of_promtool():
    alerts = [rule["alert"] for rule in RULES]
    assert len(set(alerts)) == len(alerts) <= 10
    suite = yaml.safe_load((ROOT / "tests/kind/alerts_test.yaml").read_text("utf-8"))
    fired = {case["alertname"] for one in suite["tests"] for case in one["alert_rule_test"] if case["exp_alerts"]}
    assert fired == set(alerts)


def chosen(matched):
    """The variables that choose the series."""
    return {one.value.removeprefix("$") for one in matched if one.operator == "=~"}


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_is_there(scrape, panel):
    for target in panel["targets"]:
        expression = target["expr"]
        found = scrape.check(expression)
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= found.labels(scrape)
        assert set(re.findall(r"\$(\w+)", expression)) - {"__rate_interval", "__range"} <= set(VARIABLES)
        assert set(re.findall(r"\[(.*?)\]", expression)) <= {"$__rate_interval", "$__range"}
        for metric, matched in found.metrics:
            assert chosen(matched) >= {"namespace", "job", "instance"}, metric
            assert chosen(matched) <= set(VARIABLES)
        assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert panel["description"]


def test_variables_ask_for_what_is_there(scrape):
    assert list(VARIABLES) == ["datasource", "namespace", "job", "instance", "controller"]
    assert VARIABLES["datasource"]["type"] == "datasource"
    for name in ("namespace", "job", "instance", "controller"):
        query = VARIABLES[name]["query"]["query"]
        assert VARIABLES[name]["definition"] == query
        assert [metric for metric, _ in scrape.check(query.rpartition(",")[0] + ")").metrics]
        assert query.endswith(f", {name})")
    assert "controller" in scrape.labels("genreconcile_fights")
    assert "allValue" not in VARIABLES["job"], "all programs that Prometheus scrapes would be shown"


def test_panels_do_not_overlap():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize(
    "expression",
    [
        "genreconcile_lead == 0",
        'genreconcile_reconcile_total{outcome="error"}',
        'genreconcile_reconcile_total{result="failed"}',
        "sum by (job, reason) (rate(genreconcile_reconcile_total[5m]))",
        "rates(genreconcile_reconcile_total[5m])",
        "genreconcile_reconcile_seconds > 1",
        "genreconcile_leading ? 1",
    ],
)
def test_what_is_not_there_is_found(scrape, expression):
    with pytest.raises(AssertionError):
        scrape.check(expression)


def test_an_expression_is_read():
    text = (
        'sum by (le, a) (rate(x_bucket{b=~"c.*", d!="e"}[5m])) / on (f) group_left y > 0.5e3 or max(z) unless on (g) w'
    )
    found = uses(text)
    matched = [Matcher("b", "=~", "c.*"), Matcher("d", "!=", "e")]
    assert found.metrics == [("x_bucket", matched), ("y", []), ("z", []), ("w", [])]
    assert found.grouped == {"le", "a", "f", "g"}


def test_the_page_has_a_row_for_each_metric(scrape):
    rows = re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram|summary) \|([^|]*)\| [^|]+ \|$", PAGE, re.MULTILINE)
    told = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert len(told) == len(rows)
    assert told == {name: (kind, scrape.of_family[name]) for name, kind in scrape.types.items()}


def test_the_page_names_no_other_metric_and_each_alert(scrape):
    for name in re.findall(r"\b(?:genreconcile|workqueue|process|python)_[a-z_]+\b", PAGE):
        assert name in scrape.types or scrape.labels(name)
    assert set(re.findall(r"^\| `(Genreconcile\w+)`", PAGE, re.MULTILINE)) == {rule["alert"] for rule in RULES}
    for rule in RULES:
        assert f"| `{rule['alert']}` | {rule['labels']['severity']} |" in PAGE


def test_the_page_names_the_managers_that_are_listed():
    listed = re.search(r"^The managers are (.*?)\.\s", PAGE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`([\w-]+)`", listed[1])) == set(shipped(Managers).listed)


def test_the_commands_of_the_page_find_the_files():
    commands = re.findall(r"^\$ (python -c .*?)(?: > \S+)?$", PAGE, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        _, *arguments = shlex.split(command)
        told = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, cwd=ROOT)
        assert yaml.safe_load(told.stdout) in (ALERTS, DASHBOARD)
