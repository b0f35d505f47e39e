"""The container file: its linter has nothing to say, and its steps, run in a folder, make a program that runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy/Containerfile"
PREFIX, PLACE = "/opt/genreconcile", "/src"


def instructions():
    """Of the file, as (word, rest), a line for each."""
    lines = [line for line in FILE.read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line]


def test_the_linter_has_nothing_to_say():
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("there is no hadolint beside Python")
    done = subprocess.run([hadolint, "--no-color", FILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_nobody_and_starts_the_program():
    last = dict(instructions())  # The last of each word counts.
    user, group = map(int, last["USER"].split(":"))
    assert user
    assert group
    assert last["ENTRYPOINT"] == '["genreconcile"]'
    assert last["ENV"] == f"PATH={PREFIX}/bin:$PATH"
    assert ("ENV", "MALLOC_ARENA_MAX=2") in instructions(), "the soak judges memory with it"


def test_the_files_that_it_copies_are_there():
    copied = [rest.split()[:-1] for word, rest in instructions() if word == "COPY" and not rest.startswith("--from")]
    assert copied
    assert [name for names in copied for name in names if not (ROOT / name).exists()] == []


@pytest.mark.slow  # Installs packages.
@pytest.mark.timeout(900)
def test_its_steps_make_a_program(tmp_path):
    prefix, place = tmp_path / "prefix", tmp_path / "src"
    place.mkdir()
    environment = {**os.environ, "COMPILE": os.environ.get("GENRECONCILE_COMPILE", "")}
    environment.pop("PYTHONPATH", None)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            *names, target = rest.split()
            for name in names:
                copy(ROOT / name, place / (target + Path(name).name if target.endswith("/") else target))
        elif word == "RUN":
            step = rest.replace(PREFIX, str(prefix))
            subprocess.run(["/bin/sh", "-ec", step], cwd=place, env=environment, check=True)
    program = prefix / "bin/genreconcile"
    assert said(program, "version").startswith("genreconcile ")
    assert "--shards" in said(program, "run", "--help")
    assert said(prefix / "bin/python", "-c", "import prometheus_client, genreconcile; print(genreconcile.__file__)")
    assert not (prefix / "bin/pip").exists()


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    else:
        shutil.copy(source, target)


def said(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, cwd="/").stdout
