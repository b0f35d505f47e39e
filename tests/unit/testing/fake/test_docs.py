"""What docs/testing.md says of FakeCluster is what happens."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[4] / "docs/testing.md").read_text("utf-8")


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]


def test_the_example_prints_what_it_says():
    done = subprocess.run([sys.executable, "-c", block("python")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == block("text")
