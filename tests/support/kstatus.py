"""kstatus itself, as a small Go program (tests/kind/differential/kstatus), and what it said of recorded cases.

Invariant: a recorded answer belongs to exactly the objects whose digest stands beside it.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from genreconcile.testing.building.toolchain import environment
from support.statuses import as_lines, cases, digest

TESTS = Path(__file__).resolve().parents[1]
PROGRAM = TESTS / "kind/differential/kstatus"
RECORDED = TESTS / "unit/readiness/kstatus.json"
STATES = {"C": "Current", "I": "InProgress", "F": "Failed", "T": "Terminating", "U": "Unknown"}
LETTERS = {state: letter for letter, state in STATES.items()}
_WIDTH = 100


def ask(objects):
    """The state of each object, as kstatus says it; Unknown where it answers with an error."""
    with tempfile.TemporaryDirectory(prefix="kstatus-") as folder:
        program = str(Path(folder, "kstatus"))
        env = {**environment(), "CGO_ENABLED": "0"}
        command = [shutil.which("go") or "go", "build", "-trimpath", "-o", program, "."]
        subprocess.run(command, cwd=PROGRAM, env=env, check=True)
        lines = as_lines(objects)
        done = subprocess.run([program], input=lines, env=dict(os.environ), capture_output=True, text=True, check=True)
    answers = done.stdout.split()
    assert len(answers) == len(objects)
    return answers


def recorded():
    """The recorded cases, each with its answer."""
    found = json.loads(RECORDED.read_text("utf-8"))
    objects = cases(found["seed"], found["count"])
    assert digest(objects) == found["digest"], "the generator has changed: python tools/readiness/record.py"
    return list(zip(objects, (STATES[letter] for letter in "".join(found["answers"])), strict=True))


def record(seed, count):
    """Write the answers to so many cases anew."""
    objects = cases(seed, count)
    letters = "".join(LETTERS[answer] for answer in ask(objects))
    lines = [letters[start : start + _WIDTH] for start in range(0, count, _WIDTH)]
    content = {"seed": seed, "count": count, "digest": digest(objects), "answers": lines}
    RECORDED.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
