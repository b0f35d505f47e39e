"""Write what the deployments have of the package: the chart's alerts and dashboard; and of each other: the kustomize
base, which is what the chart renders. Run it after a change of either; it needs Helm 3 or 4 on the PATH.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART, OBSERVE = Path("deploy/chart"), Path("genreconcile/observe")
BASE, MONITORING = Path("deploy/kustomize/base"), Path("deploy/kustomize/monitoring")
COPIES = {
    CHART / "files/alerts.yaml": OBSERVE / "alerts.yaml",
    CHART / "files/dashboard.json": OBSERVE / "dashboard.json",
    MONITORING / "dashboard.json": OBSERVE / "dashboard.json",
}
RENDERED = {
    "ServiceAccount": BASE / "serviceaccount.yaml",
    "Service": BASE / "service.yaml",
    "StatefulSet": BASE / "statefulset.yaml",
    "ServiceMonitor": MONITORING / "servicemonitor.yaml",
    "PrometheusRule": MONITORING / "prometheusrule.yaml",
}
VALUES = {
    "operator": {"files": {"main.py": ""}},
    "metrics": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
}
OF_HELM = {"helm.sh/chart", "app.kubernetes.io/managed-by"}


def texts(helm: str) -> Iterator[tuple[Path, str]]:
    """Each file, by its path from the root, and what it should hold."""
    for copy, source in COPIES.items():
        yield copy, (ROOT / source).read_text("utf-8")
    command = [helm, "template", "genreconcile", str(ROOT / CHART), "--values", "-"]
    run = subprocess.run(command, input=yaml.safe_dump(VALUES), check=True, capture_output=True, text=True)
    for obj in filter(None, yaml.safe_load_all(run.stdout)):
        if path := RENDERED.get(obj["kind"]):
            yield path, yaml.safe_dump(_plain(obj), sort_keys=False, width=120)


def _plain(obj: dict[str, Any]) -> dict[str, Any]:
    """Without what is Helm's, and what kustomize says itself: namespaces, and names that change with the files."""
    metadata = obj["metadata"]
    metadata.pop("namespace")
    metadata["labels"] = {key: value for key, value in metadata["labels"].items() if key not in OF_HELM}
    obj.get("spec", {}).get("template", {}).get("metadata", {}).pop("annotations", None)
    return obj


def main() -> None:
    """Write them all. Raises CalledProcessError where the chart cannot be rendered."""
    helm = shutil.which("helm")
    if helm is None:
        raise SystemExit("render.py: no helm on the PATH")
    # The chart's own files first: it is rendered from them.
    for path, text in texts(helm):
        (ROOT / path).write_text(text, "utf-8")
        print(path)


if __name__ == "__main__":
    main()
