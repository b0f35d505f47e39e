"""The dashboard is one by Grafana's schema, as Grafana's SDK for Go has it: each field is known, of the right type, and
none is missing.
"""

import copy
import json
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from genreconcile.testing.building.toolchain import environment

FOLDER = Path(__file__).with_name("grafana")
DASHBOARD = json.loads((files("genreconcile.observe") / "dashboard.json").read_text("utf-8"))

# The program is built the first time, which takes a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    """The program; the tests are skipped where it cannot be built."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no go on the PATH to build it with")
    binary = tmp_path_factory.mktemp("grafana") / "grafana"
    command = [go, "build", "-o", binary, "-ldflags", "-s -w", "."]
    run = subprocess.run(command, cwd=FOLDER, env=environment(), capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip(f"the program that knows the schema cannot be built: {run.stderr}")
    return binary


def faults(schema, dashboard):
    text = json.dumps(dashboard)
    run = subprocess.run([schema], input=text, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.splitlines()


def test_the_dashboard_is_one(schema):
    assert faults(schema, DASHBOARD) == []


@pytest.mark.parametrize(
    ("at", "key", "value", "said"),
    [
        ([], "schemaVersion", "new", "schemaVersion: json: cannot unmarshal"),
        (["panels", 0], "titel", "Runs", "panels[0].Panel: unexpected field 'titel'"),
        (["panels", 0, "options"], "legend", {}, "panels[0].options.legend.showLegend: required field is missing"),
        (["panels", 0, "targets", 0], "expression", "1", "panels[0].targets[0].Dataquery: unexpected field"),
        (["panels", 0, "fieldConfig", "defaults", "custom"], "fill", 10, "unexpected field 'fill'"),
        (["templating", "list", 1], "multi", "yes", "templating.list[1].multi: json: cannot unmarshal"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_it_would_be_found(schema, at, key, value, said):
    broken = copy.deepcopy(DASHBOARD)
    place = broken
    for step in at:
        place = place[step]
    place[key] = value
    found = faults(schema, broken)
    assert any(said in line for line in found), found
