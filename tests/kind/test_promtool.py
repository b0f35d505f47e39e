"""Prometheus' own tool takes the alerts, the dashboard's expressions and the metrics, and the alerts come when they are
to.
"""

import json
import os
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from kind import prometheus
from unit.observe.test_rules import scraped_text

HERE = Path(__file__).parent
OBSERVE = files("genreconcile.observe")

# The tool is built the first time, which takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def promtool():
    return prometheus.program("promtool")


def told(promtool, *arguments, text=""):
    """What it says, where it finds no fault."""
    run = subprocess.run(
        [promtool, *map(os.fspath, arguments)], input=text, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def test_the_alerts_are_rules(promtool):
    alerts = OBSERVE / "alerts.yaml"
    count = sum(len(group["rules"]) for group in yaml.safe_load(alerts.read_text("utf-8"))["groups"])
    assert f"SUCCESS: {count} rules found" in told(promtool, "check", "rules", "--lint=all", "--lint-fatal", alerts)


def test_the_alerts_come_when_they_are_to(promtool):
    assert "SUCCESS" in told(promtool, "test", "rules", HERE / "alerts_test.yaml")


def test_a_wrong_alert_would_be_noticed(promtool, tmp_path):
    suite = (HERE / "alerts_test.yaml").read_text("utf-8").replace("../../genreconcile/observe/", "")
    alerts = (
        (OBSERVE / "alerts.yaml").read_text("utf-8").replace("genreconcile_healthy == 0", "genreconcile_healthy > 0")
    )
    (tmp_path / "alerts_test.yaml").write_text(suite)
    (tmp_path / "alerts.yaml").write_text(alerts)
    with pytest.raises(AssertionError, match="GenreconcileFunctionsHang"):
        told(promtool, "test", "rules", tmp_path / "alerts_test.yaml")


def test_the_expressions_of_the_dashboard_are_expressions(promtool, tmp_path):
    dashboard = json.loads((OBSERVE / "dashboard.json").read_text("utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$__\w+", "5m", expression).replace("$", "")}
        for number, expression in enumerate(expressions)
    ]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"SUCCESS: {len(rules)} rules found" in told(promtool, "check", "rules", tmp_path / "rules.yaml")


def test_the_metrics_have_no_fault(promtool):
    assert told(promtool, "check", "metrics", text=scraped_text()) == ""
