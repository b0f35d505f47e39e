"""The locks, and the audit of what is in them."""

import importlib.util
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / "supply" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


AUDIT = load("audit")


def name_of(requirement):
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-")


def test_there_are_locks():
    assert [lock.stem for lock in LOCKS] == ["ci", "runtime", "tools"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_is_pinned_and_hashed_and_no_host_is_named(lock):
    text = lock.read_text("utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        assert PIN.match(line), line
        assert "--hash=sha256:" in line, line
    assert "://" not in text
    assert "index" not in "".join(line for line in lines if line.startswith("-"))


def test_the_lock_holds_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = list(project["project"]["dependencies"])
    asked += [item for extra in project["project"]["optional-dependencies"].values() for item in extra]
    asked += [item for group in ("test", "lint", "build") for item in project["dependency-groups"][group]]
    wanted = {name_of(item) for item in asked if isinstance(item, str)} - {"genreconcile"}
    locked = {name.lower().replace("_", "-") for name, _ in PIN.findall((ROOT / "locks" / "ci.txt").read_text("utf-8"))}
    assert wanted <= locked, "run make lock"


def test_what_users_get_is_what_is_tested():
    ci, runtime = (dict(PIN.findall((ROOT / "locks" / f"{name}.txt").read_text("utf-8"))) for name in ("ci", "runtime"))
    assert runtime.items() <= ci.items()


PACKAGES = [
    {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}, {"id": "X-2", "fix_versions": []}]},
    {"name": "b", "version": "1", "vulns": []},
    {"name": "c", "skip_reason": "not found"},
]


def test_findings_and_what_was_not_asked_are_told():
    report, findings = AUDIT.judged(PACKAGES)
    assert findings == ["a 1: X-1; fixed in 2", "a 1: X-2; fixed in no version yet"]
    assert (
        report == "2 of 3 packages audited, 2 known vulnerabilities; NOT AUDITED, for the service does not know them: c"
    )
    report, findings = AUDIT.judged(PACKAGES[2:])
    assert (report.startswith("NOT AUDITED"), findings) == (True, [])


@pytest.mark.parametrize(
    ("packages", "code"),
    [(PACKAGES, 1), (PACKAGES[1:], 0), (PACKAGES[2:], 0), (None, 0)],
    ids=["found", "none", "unknown", "silent"],
)
def test_only_findings_fail(monkeypatch, capsys, packages, code):
    out = json.dumps({"dependencies": packages}) if packages else ""
    answer = subprocess.CompletedProcess([], 1, out, "no route to host")
    monkeypatch.setattr(AUDIT.subprocess, "run", lambda *_, **__: answer)
    assert AUDIT.main() == code
    told = capsys.readouterr().out
    assert ("NOT AUDITED" in told) == (packages is None or "skip_reason" in str(packages))
    assert ("no route to host" in told) == (packages is None)


LOWEST = load("lowest")


def test_every_dependency_has_a_least_version(tmp_path):
    found = LOWEST.pins()
    assert "kubernetes==24.2" in found
    assert len(found) == len({name_of(pin) for pin in found}) > 10
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (tmp_path / "pyproject.toml").write_text(text.replace('"PyYAML>=6.0"', '"PyYAML"'))
    with pytest.raises(ValueError, match="PyYAML: not usable: it has no least version"):
        LOWEST.pins(tmp_path)
