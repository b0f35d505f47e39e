from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from support.objects import rule_set
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


def of_shop(kind, **fields):
    metadata = {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "1"}
    return {"apiVersion": kind.rpartition("/")[0], "kind": kind.rpartition("/")[2], "metadata": metadata, **fields}


def test_a_manifest_without_a_namespace_is_of_the_namespace_of_live():
    live = of_shop("apps/v1/Deployment", spec={"replicas": 5, "paused": True})
    expected = {**live, "metadata": {"name": "web"}, "spec": {"replicas": 1}}
    rules = gr.Registry.builtin().extend(
        rule_set({"id": "ours", "object": {"namespace": "shop"}, "path": "spec/paused", "ignore": True})
    )
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = of_shop("autoscaling/v2/HorizontalPodAutoscaler", spec={"scaleTargetRef": target, "maxReplicas": 9})
    terms = {"rules": rules, "others": [scaler], "schema": SCHEMA}
    found = gr.explain(expected, live, **terms)
    assert not [str(one) for one in found if one.is_drift]
    elsewhere = {**live, "metadata": {**live["metadata"], "namespace": "other"}}
    drift = {one.path for one in gr.explain(expected, elsewhere, **terms) if one.is_drift}
    assert drift == {"/spec/replicas", "/spec/paused"}


@pytest.mark.parametrize("metadata", [{}, {"metadata": {}}, {"metadata": None}, {"metadata": []}, {"metadata": "web"}])
def test_sides_without_metadata_are_compared_all_the_same(metadata):
    live = of_shop("example.dev/v1/Widget", spec={"size": 1})
    expected = {"apiVersion": "example.dev/v1", "kind": "Widget", **metadata, "spec": {"size": 2}}
    assert {"op": "replace", "path": "/spec/size", "value": 2} in gr.diff(expected, live).patch
    assert gr.diff(live, expected).patch
