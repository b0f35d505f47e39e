"""The flags that docs/command-line.md calls kubectl's are there, spelled as kubectl spells them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from genreconcile.cli.apply import command

PAGE = Path(__file__).parents[3] / "docs/command-line.md"
KUBECTL = shutil.which("kubectl")


def documented():
    rows = [line.split("|")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `-")]
    return {flag for row in rows for flag in re.findall(r"`(-[^`]+)`", row)}


def test_r5_the_flags_of_kubectl_that_are_named_are_there():
    offered = {flag for parameter in command.params for flag in parameter.opts}
    assert len(documented()) > 12
    assert documented() <= offered


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not there")
def test_r5_kubectl_has_them():
    run = [
        subprocess.run([KUBECTL, *of], capture_output=True, text=True, check=True)
        for of in (["apply", "-h"], ["options"])
    ]
    flags = {flag for done in run for flag in re.findall(r"^\s+(-[-a-z]+)|(--[-a-z]+)=", done.stdout, re.MULTILINE)}
    flags = {spelling for pair in flags for spelling in pair} | set(
        re.findall(r"(-\w), --", run[0].stdout + run[1].stdout)
    )
    # Still an alpha of kubectl's, and shown only where KUBECTL_APPLYSET is set.
    assert documented() - flags <= {"--applyset"}
