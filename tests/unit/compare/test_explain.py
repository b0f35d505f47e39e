from pathlib import Path

import yaml

import genreconcile as gr
from support.recorded import SCHEMA

HERE = Path(__file__).parents[1]
CASE = yaml.safe_load((HERE / "golden/deployment/F6-sidecar-first.yaml").read_text("utf-8"))


def test_every_live_only_path_is_told():
    told = {entry.path: entry for entry in gr.explain(CASE["expected"], CASE["live"], schema=SCHEMA)}
    assert told["/spec/replicas"].rule == "deployment-replicas"
    assert told["/metadata/uid"].rule == "metadata-uid"
    assert str(told["/spec/replicas"]) == "/spec/replicas: covered by deployment-replicas"
    drift = [entry for entry in told.values() if entry.is_drift]
    assert [str(entry) for entry in drift] == [
        "/spec/template/spec/containers/0: drift (remove)",
        "/spec/template/spec/containers/1/image: drift (replace)",
    ]


def test_what_is_suggested_silences_the_differences():
    expected, live = CASE["expected"], CASE["live"]
    suggested = gr.suggest(expected, gr.explain(expected, live, schema=SCHEMA))
    assert [rule["path"] for rule in suggested["rules"]] == [
        "spec/template/spec/containers",
        "spec/template/spec/containers/*/image",
    ]
    rules = gr.Registry.builtin().extend(suggested)
    assert not gr.diff(expected, live, rules=rules, schema=SCHEMA)
    other = {**expected, "metadata": {**expected["metadata"], "name": "other"}}
    assert gr.diff(other, live, rules=rules, schema=SCHEMA), "for this object alone"


def test_nothing_is_suggested_without_drift():
    case = yaml.safe_load((HERE / "golden/deployment/clean.yaml").read_text("utf-8"))
    explanations = gr.explain(case["expected"], case["live"], schema=SCHEMA)
    assert explanations
    assert not any(entry.is_drift for entry in explanations)
    assert gr.suggest(case["expected"], explanations)["rules"] == []


def test_the_schemas_own_defaults_are_told():
    case = yaml.safe_load((HERE / "golden/widget/clean.yaml").read_text("utf-8"))
    told = {entry.path: entry.rule for entry in gr.explain(case["expected"], case["live"], schema=SCHEMA)}
    assert told["/spec/mode"] == "schema"
