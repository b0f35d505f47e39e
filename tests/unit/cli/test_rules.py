import json
from pathlib import Path

import pytest
import yaml

from genreconcile.cli import main
from support.objects import rule_set
from support.recorded import BUILT_IN

UNIT = Path(__file__).parents[1]


@pytest.fixture
def files(tmp_path):
    case = yaml.safe_load((UNIT / "golden/deployment/replicas-default-changed.yaml").read_text("utf-8"))
    for name in ("expected", "live"):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(case[name]))
    return ["-f", str(tmp_path / "expected.yaml"), "--live", str(tmp_path / "live.yaml")]


def test_explain(files, capsys):
    assert main(["rules", "explain", *files, "--schema", str(BUILT_IN)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "/spec/replicas: drift (replace)" in lines
    assert "/spec/revisionHistoryLimit: covered by deployment-history" in lines


def test_suggest_then_explain(files, capsys, tmp_path):
    schema = ["--schema", str(BUILT_IN)]
    assert main(["rules", "suggest", *files, *schema]) == 0
    rules = tmp_path / "rules.yaml"
    rules.write_text(capsys.readouterr().out)
    assert main(["rules", "explain", *files, *schema, "--rules", str(rules)]) == 0
    assert "/spec/replicas: covered by ignore-1" in capsys.readouterr().out


def test_without_a_schema_it_says_so(files, capsys):
    assert main(["rules", "explain", *files]) == 1
    assert "without --schema" in capsys.readouterr().err


def test_one_object_is_compared_with_one(files, capsys, tmp_path):
    (tmp_path / "live.yaml").write_text("")
    assert main(["rules", "explain", *files]) == 2
    assert "holds 0 objects" in capsys.readouterr().err


def test_a_failed_test_of_a_rule_is_told(tmp_path, capsys):
    rules = tmp_path / "rules.yaml"
    entry = {"object": {"kind": "Thing"}, "steps": [{"state": "Failed"}]}
    tests = [{"object": {"kind": "Thing"}, "state": "Current"}, {"object": {"kind": "Thing"}, "state": "Failed"}]
    entries = [{"id": "thing", **entry, "tests": tests}, {"id": "other", **entry}]
    rules.write_text(json.dumps({**rule_set(), "readiness": entries}), "utf-8")
    assert main(["rules", "test", str(rules)]) == 1
    said = capsys.readouterr()
    assert said.out == (
        "FAILED thing: test 1: Current is expected; found Failed, by thing\npassed thing: test 2\n2 tests, 1 failed\n"
    )
    assert said.err == "other: has no tests\n"
    rules.write_text("kind: RuleSet", "utf-8")
    assert main(["rules", "test", str(rules)]) == 2
