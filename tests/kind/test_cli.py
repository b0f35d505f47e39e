"""The command line, end to end on a real API server."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from genreconcile.report import schema

PROGRAM = Path(sys.executable).with_name("genreconcile")


@pytest.fixture
def run(control_plane, namespace):
    def run(*arguments, stdin=""):
        command = [PROGRAM, *arguments, "--kubeconfig", str(control_plane.kubeconfig), "-n", namespace]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def folder(tmp_path):
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "labels": {"app": "x"}},
        "data": {"k": "v"},
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "canary"}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "s.json").write_text(json.dumps(secret))
    return tmp_path


def test_diff_apply_diff(run, folder):
    done = run("diff", "-f", str(folder))
    assert done.returncode == 1, done.stderr
    assert "+  k: v" in done.stdout
    done = run("apply", "-f", str(folder))
    assert done.returncode == 0, done.stderr
    assert "created" in done.stdout
    done = run("diff", "-f", str(folder))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_json_follows_its_schema(run, folder):
    done = run("plan", "-R", "-f", str(folder), "-o", "json")
    assert done.returncode == 1, done.stderr
    plan = json.loads(done.stdout)
    jsonschema.validate(plan, schema())
    assert plan["summary"]["create"] == 2
    done = run("apply", "-R", "-f", str(folder), "-o", "json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    jsonschema.validate(result, schema())
    assert {change["status"] for change in result["changes"]} == {"created"}
    done = run("diff", "-R", "-f", str(folder), "-o", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["changes"] == []


@pytest.mark.parametrize("form", ["text", "diff", "patch", "json"])
def test_secrets_never_leave(run, folder, form):
    assert run("apply", "-R", "-f", str(folder)).returncode == 0
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "second"}}
    done = run("diff", "-f", "-", "-o", form, "--v=9", stdin=json.dumps(secret))
    assert done.returncode == 1
    for value in ("canary", "second", "Y2FuYXJ5", "c2Vjb25k"):
        assert value not in done.stdout + done.stderr


def test_deletion(run, folder, namespace):
    settings = ["--delete-from-namespace", namespace, "--delete-selector", "app=x"]
    assert run("apply", "-f", str(folder)).returncode == 0
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "labels": {"app": "x"}}}
    done = run("apply", "-f", "-", *settings, "-o", "json", stdin=json.dumps(other))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"] == {
        "configured": 0, "created": 1, "deleted": 1, "failed": 0, "skipped": 0, "unchanged": 0,
    }  # fmt: skip
    done = run("apply", "-f", "-", *settings, "--kinds", "v1/ConfigMap", stdin="")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "--allow-empty" in done.stderr


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("a: [", 2, "<stdin>"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", 2, "name"),
        ("apiVersion: v1\nkind: ConfigMop\nmetadata: {name: a}\n", 2, "did you mean v1/ConfigMap?"),
    ],
    ids=["syntax", "no name", "unknown kind"],
)
def test_bad_input(run, text, code, message):
    done = run("diff", "-f", "-", stdin=text)
    assert done.returncode == code
    assert message.replace("<stdin>", "line 1") in done.stderr + done.stdout or "stdin" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_cluster(tmp_path, folder):
    settings = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }  # fmt: skip
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(settings))
    command = [PROGRAM, "diff", "-f", str(folder), "--kubeconfig", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
