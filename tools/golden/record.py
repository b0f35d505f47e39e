"""Record golden cases on a real API server.

Usage: record.py [KUBECONFIG [CASE.yaml…]]    (default: a control plane of its own; cases without ``live``)

A case holds ``expected`` and ``edits`` (RFC 6902, made by somebody else). This writes ``live``, what the server then
has, and ``patch``, what genreconcile would send, after it has checked that the patch restores the object.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

import genreconcile as gr
from genreconcile import gojson
from genreconcile.catalog import Catalog
from genreconcile.testing import ControlPlane

GOLDEN = Path(__file__).parents[2] / "tests/unit/golden"
JSON_PATCH = "application/json-patch+json"
VOLATILE = ("resourceVersion", "generation", "managedFields")


def without_volatile(obj: dict[str, Any]) -> dict[str, Any]:
    """An object without what changes with each write."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in VOLATILE}
    return {**obj, "metadata": metadata}


class Replay:
    """One case on a server, in a namespace of its own choice; also what tests/kind/test_golden.py runs."""

    def __init__(self, cluster: gr.Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.catalog = Catalog(cluster, gr.Registry.builtin())
        self.schema = gr.Schema.from_cluster(cluster)

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> dict[str, Any]:
        """One request, its answer parsed."""
        data = self.cluster.request(
            method, path, body=None if body is None else gojson.dumps(body), content_type=content_type
        )
        answer: dict[str, Any] = gojson.loads(data)
        return answer

    def run(self, case: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Create, edit, compare, repair. Returns live and patch; AssertionError where the repair is not exact."""
        expected = case["expected"]
        resource = self.catalog.resource(gr.GVK.of(expected))
        namespace = self.namespace if resource.namespaced else ""
        path = resource.path(namespace, expected["metadata"]["name"])
        try:
            created = self.send("POST", resource.path(namespace), expected)
            return self._edited(case, path, created)
        finally:
            self._remove(path)

    def _edited(self, case: dict[str, Any], path: str, created: dict[str, Any]) -> tuple[Any, Any]:
        live = self.send("PATCH", path, case["edits"], JSON_PATCH) if case["edits"] else created
        live["metadata"].pop("managedFields", None)
        patch = gr.diff(case["expected"], live, schema=self.schema).patch.patch
        after = self.send("PATCH", path, patch, JSON_PATCH) if patch else live
        if gr.diff(case["expected"], after, schema=self.schema):
            raise AssertionError(f"{path}: not repaired by {patch}")
        if case.get("exact", True) and without_volatile(after) != without_volatile(created) and patch:
            raise AssertionError(f"{path}: not as before after {patch}:\n{after}\n{created}")
        return live, patch

    def _remove(self, path: str) -> None:
        try:
            self.send("PATCH", path, [{"op": "add", "path": "/metadata/finalizers", "value": []}], JSON_PATCH)
            self.send("DELETE", path)
        except gr.NotFound:
            return


def main() -> None:
    """Record the cases that are named, or those without ``live``; on a control plane of its own unless one is named."""
    if len(sys.argv) > 1:
        record(sys.argv[1], [Path(name) for name in sys.argv[2:]])
        return
    with ControlPlane() as plane:
        record(str(plane.kubeconfig), [])


def record(kubeconfig: str, named: list[Path]) -> None:
    """Record these cases, or those without ``live``, on a cluster that may be written to."""
    cluster = gr.connect(kubeconfig=kubeconfig)
    with gr.Reconciler(cluster) as reconciler:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "golden"}}
        reconciler.reconcile([namespace]).raise_for_failures()
    replay = Replay(cluster, "golden")
    for file in named or sorted(GOLDEN.rglob("*.yaml")):
        case = yaml.safe_load(file.read_text("utf-8"))
        if not named and "live" in case:
            continue
        case["live"], case["patch"] = replay.run(case)
        file.write_text(yaml.safe_dump(case, sort_keys=False, allow_unicode=True), "utf-8")
        shown = [op for op in case["patch"] if op["op"] != "test" and op["path"] != "/metadata/resourceVersion"]
        print(file.relative_to(GOLDEN) if file.is_relative_to(GOLDEN) else file, *shown, sep="\n    ")


if __name__ == "__main__":
    main()
