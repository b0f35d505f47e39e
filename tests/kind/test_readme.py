"""What the README says is what happens."""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from support.pages import texts
from tools.docs import terminal

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def blocks(language):
    return texts(README, language)


def test_it_is_short():
    assert len(README.splitlines()) <= 150


def test_the_program_prints_what_it_says(control_plane):
    environment = {**os.environ, "KUBECONFIG": str(control_plane.kubeconfig)}
    command = [sys.executable, "-c", blocks("python")[0]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == blocks("text")[0]


def test_the_call_with_deletion_runs(control_plane):
    with gr.Reconciler(gr.connect(kubeconfig=str(control_plane.kubeconfig))) as reconciler:
        names = {"reconciler": reconciler, "expected": []}
        exec(blocks("python")[1], names)  # noqa: S102 - the README's own example
    assert len(names["result"]) == 0


def test_the_rules_are_valid():
    (text,) = blocks("yaml")
    extended = gr.Registry.builtin().extend(yaml.safe_load(text))
    assert extended.rules[0].id == "replicas-belong-to-the-autoscaler"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_terminal_shows_what_the_commands_print(control_plane, tmp_path):
    control_plane.create_namespace(terminal.NAMESPACE)
    texts = ET.parse(terminal.PICTURE).getroot().iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own
    shown = ["".join(text.itertext()) for text in texts]
    lines = terminal.record(control_plane.kubeconfig, tmp_path)
    assert shown == [f"$ {line.text}" if line.kind == "command" else line.text for line in lines]


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (Path(__file__).parents[2] / link).exists(), link
