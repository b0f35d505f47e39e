"""Golden cases: what somebody expects, what a real server had, and the patch that restores it.

Each file of tests/unit/golden is one case; tools/golden/record.py fills in ``live`` and ``patch`` on a server, and
tests/kind/test_golden.py replays them there.
"""

import copy
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from support.recorded import SCHEMA

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
CASES = sorted(GOLDEN.rglob("*.yaml"))
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Six times as fast, where there is one.


def test_there_are_cases():
    assert len(CASES) >= 70


@pytest.mark.parametrize("file", CASES, ids=lambda file: str(file.relative_to(GOLDEN).with_suffix("")))
def test_golden(file):
    case = yaml.load(file.read_text("utf-8"), LOADER)  # noqa: S506 - a safe one
    expected, live = case["expected"], case["live"]
    before = copy.deepcopy((expected, live))

    found = gr.diff(expected, live, schema=SCHEMA)

    assert found.typed
    assert found.patch.patch == case["patch"]
    assert (expected, live) == before, "neither side may be changed"
    after = found.patch.apply(live)
    assert not gr.diff(expected, after, schema=SCHEMA).differences
