"""Record who owns what on a real API server.

Usage: managers.py KUBECONFIG      (writes tests/unit/managers/live.json)

Each case of cases.yaml beside it holds ``steps``, writes by several field managers; the object afterwards is what
tests/unit/managers reads. tests/kind/test_managers.py plays the same steps and reads what the server has then.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

import genreconcile as gr
from genreconcile import gojson

CASES = Path(__file__).parents[2] / "tests/unit/managers/cases.yaml"
LIVE = CASES.with_name("live.json")
JSON_PATCH, APPLY = "application/json-patch+json", "application/apply-patch+yaml"


def play(cluster: gr.Cluster, namespace: str, case: dict[str, Any]) -> dict[str, Any]:
    """The object after all steps of a case."""
    path = case["path"].replace("$namespace", namespace)
    live: dict[str, Any] = {}
    for step in case["steps"]:
        live = gojson.loads(_write(cluster, path, step, live))
    return live


def _write(cluster: gr.Cluster, path: str, step: dict[str, Any], live: dict[str, Any]) -> bytes:
    query = {"fieldManager": step["manager"]} | ({"force": "true"} if step.get("force") else {})
    if "create" in step:
        return cluster.request("POST", path, query=query, body=gojson.dumps(step["create"]))
    if "apply" in step:
        path, body = f"{path}/{step['apply']['metadata']['name']}", gojson.dumps(step["apply"])
        return cluster.request("PATCH", path, query=query, body=body, content_type=APPLY)
    path = f"{path}/{live['metadata']['name']}"
    place = f"{path}/{step['subresource']}" if "subresource" in step else path
    answer = cluster.request("PATCH", place, query=query, body=gojson.dumps(step["patch"]), content_type=JSON_PATCH)
    return cluster.request("GET", path) if "subresource" in step else answer


def main() -> None:
    """Record all cases in the default namespace."""
    cluster = gr.connect(kubeconfig=sys.argv[1])
    cases = yaml.safe_load(CASES.read_text("utf-8"))
    recorded = {case["case"]: play(cluster, "default", case) for case in cases}
    LIVE.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
