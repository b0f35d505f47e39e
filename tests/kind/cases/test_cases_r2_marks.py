"""The marks of owner sets, and who leaves them alone (docs/cases.md, R2.8)."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import genreconcile as gr

PROGRAM = Path(sys.executable).with_name("genreconcile")
PART_OF, MEMBER = "applyset.kubernetes.io/part-of", "genreconcile.dev/member"
SET = {"owner": "configmaps/s1"}


@pytest.fixture
def command(control_plane, world, tmp_path):
    def command(verb, objects, *options):
        file = tmp_path / "objects.yaml"
        file.write_text(yaml.safe_dump_all(objects))
        line = [PROGRAM, verb, "-f", file, "-n", world.namespace, "--kubeconfig", control_plane.kubeconfig, *options]
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)

    return command


def test_r2_8_a_set_that_is_applied_without_its_name_stays_a_set(world, command):
    objects = [world.config(name, data={"a": name}) for name in ("one", "two")]
    applied = command("apply", objects, "--applyset", "configmaps/s1")
    assert applied.returncode == 0, applied.stderr
    assert command("diff", objects).returncode == 0
    assert "unchanged" in command("apply", objects).stderr + command("apply", objects).stdout
    objects[0]["data"]["a"] = "new"
    assert command("apply", objects).returncode == 0
    assert PART_OF in world.get(objects[0])["metadata"]["labels"]
    assert MEMBER in world.get(objects[0])["metadata"]["annotations"]
    done = command("apply", objects[:1], "--applyset", "configmaps/s1")
    assert done.returncode == 0, done.stderr
    with pytest.raises(gr.NotFound):
        world.get(objects[1])
    assert world.get(objects[0])["data"] == {"a": "new"}


def test_r2_8_the_marks_of_a_parent_stay(world, command):
    """The parent may be an object of a manifest, too."""
    settings = {"namespace": world.namespace, **SET}
    world.reconcile(world.config("one"), **settings).raise_for_failures()
    parent = world.config("s1", data={"a": "1"})
    before = world.get(parent)["metadata"]
    world.reconcile(parent).raise_for_failures()
    after = world.get(parent)["metadata"]
    assert (after["labels"], after["annotations"]) == (before["labels"], before["annotations"])
    assert world.get(parent)["data"] == {"a": "1"}
    assert {outcome.status for outcome in world.reconcile(parent)} == {"unchanged"}
    result = world.reconcile(**settings, allow_empty=True)
    assert [(outcome.key.name, outcome.status) for outcome in result] == [("one", "deleted")]


def test_r2_8_marks_that_kubectl_has_set_stay(world):
    labels = {PART_OF: "applyset-kubectls-own-v1", "mine": "1"}
    world.send("POST", f"/api/v1/namespaces/{world.namespace}/configmaps", world.config("one", {"labels": labels}))
    expected = world.config("one", {"labels": {"mine": "2"}}, data={"a": "1"})
    world.reconcile(expected).raise_for_failures()
    assert world.get(expected)["metadata"]["labels"] == {**labels, "mine": "2"}
    assert world.plan(expected) == []


def test_r2_8_a_set_itself_still_compares_its_marks(world):
    """Whoever manages the set repairs what somebody does to them."""
    expected, settings = world.config("one", data={"a": "1"}), {"namespace": world.namespace, **SET}
    world.reconcile(expected, **settings).raise_for_failures()
    marks = world.get(expected)["metadata"]
    world.edit(expected, {"op": "remove", "path": "/metadata/annotations/genreconcile.dev~1member"})
    assert [outcome.status for outcome in world.reconcile(expected, **settings)] == ["configured"]
    again = world.get(expected)["metadata"]
    assert (again["labels"], again["annotations"]) == (marks["labels"], marks["annotations"])
