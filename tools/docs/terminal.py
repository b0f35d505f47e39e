"""Run a terminal session on a control plane, and draw it.

``python tools/docs/terminal.py`` writes docs/_static/session.svg, where each line appears after the one before it. It
needs kubectl. What is drawn is what the commands print; tests/kind/test_readme.py runs them anew and compares.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURE: Final = ROOT / "docs/_static/session.svg"
NAMESPACE: Final = "session"
MANIFESTS: Final = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {greeting: hello}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.29"}]}
"""
COMMANDS: Final = (
    "genreconcile apply -f shop.yaml",
    """kubectl patch deployment web -p '{"spec": {"template": {"spec": {"hostNetwork": true}}}}'""",
    "kubectl diff -f shop.yaml && echo no difference",
    "genreconcile diff -f shop.yaml",
    "genreconcile apply -f shop.yaml",
    "genreconcile diff -f shop.yaml && echo in sync",
)

_WIDTH, _LINE, _LEFT, _TOP = 820, 19, 18, 46
_PAUSES: Final = {"command": 0.8, "output": 0.06}

_STYLE: Final = (
    "text{fill:#c9d1d9;white-space:pre}.command{fill:#fff;font-weight:600}.prompt{fill:#3fb950}"
    ".removed{fill:#ff7b72}.added{fill:#56d364}.head{fill:#79c0ff}"
    "@media (prefers-reduced-motion:no-preference){g{animation:show .01s linear both}}"
    "@keyframes show{from{opacity:0}to{opacity:1}}"
)


class Line(NamedTuple):
    """One line of the terminal; ``kind`` is ``command`` or ``output``."""

    kind: str
    text: str


def record(kubeconfig: Path, folder: Path) -> list[Line]:
    """Carry out the session in a namespace that is there, as a new user does: with a home and nothing else in it."""
    config = json.loads(kubeconfig.read_text("utf-8"))
    config["contexts"][0]["context"]["namespace"] = NAMESPACE
    home = folder / ".kube" / "config"
    home.parent.mkdir()
    home.write_text(json.dumps(config), "utf-8")
    (folder / "shop.yaml").write_text(MANIFESTS, "utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    return list(_lines(folder, {**environment, "HOME": str(folder), "PATH": path}))


def _lines(folder: Path, environment: Mapping[str, str]) -> Iterator[Line]:
    for command in COMMANDS:
        yield Line("command", command)
        done = subprocess.run(
            ["bash", "-c", command],  # noqa: S607 - as a user's terminal finds it
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        yield from (Line("output", line) for line in done.stdout.splitlines())


def drawn(lines: list[Line]) -> str:
    """The session as an SVG; without animations all of it is seen."""
    height = _TOP + _LINE * len(lines) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"',
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" role="img">',
        "<title>kubectl diff finds nothing; genreconcile diff finds the drift, and apply repairs it</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#0d1117"/>',
        *(
            f'<circle cx="{22 + 18 * at}" cy="20" r="5.5" fill="{fill}"/>'
            for at, fill in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
    ]
    seconds = 0.3
    for at, line in enumerate(lines):
        y = _TOP + _LINE * at + 10
        parts.append(f'<g style="animation-delay:{seconds:.2f}s">{_drawn(line, y)}</g>')
        seconds += _PAUSES[line.kind]
    return "\n".join([*parts, "</svg>", ""])


def _drawn(line: Line, y: int) -> str:
    if line.kind == "command":
        return (
            f'<text x="{_LEFT}" y="{y}" xml:space="preserve"><tspan class="prompt">$ </tspan>'
            f'<tspan class="command">{escape(line.text)}</tspan></text>'
        )
    return f'<text x="{_LEFT}" y="{y}" class="{_class(line.text)}" xml:space="preserve">{escape(line.text)}</text>'


def _class(text: str) -> str:
    if text.startswith(("--- ", "+++ ", "@@ ")):
        return "head"
    return {"-": "removed", "+": "added"}.get(text[:1], "output")


def main() -> None:
    """Run, and draw."""
    from genreconcile.testing import ControlPlane

    with ControlPlane() as plane, tempfile.TemporaryDirectory() as folder:
        plane.create_namespace(NAMESPACE)
        PICTURE.write_text(drawn(record(plane.kubeconfig, Path(folder))), "utf-8")


if __name__ == "__main__":
    main()
