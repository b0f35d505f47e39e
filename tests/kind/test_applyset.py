"""Owner sets and the real kubectl: each prunes what the other made, and refuses what is not for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.errors import PlanRefused
from support import objects
from support.deletion_ground import Ground, statuses
from support.eventually import eventually

PROGRAM = Path(sys.executable).with_name("genreconcile")
KUBECTL = shutil.which("kubectl")
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")

PART_OF = "applyset.kubernetes.io/part-of"
TOOLING = "applyset.kubernetes.io/tooling"
KINDS = "applyset.kubernetes.io/contains-group-kinds"
MEMBER = "genreconcile.dev/member"


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


@pytest.fixture
def shared(ground):
    return {"namespace": ground.namespace, "owner": "configmaps/shop", "owner_tool": "kubectl"}


@pytest.fixture
def reconciler(ground):
    with gr.Reconciler(ground.cluster) as reconciler:
        yield reconciler


def kubectl(ground, *objects, flags=(), owner="configmaps/shop"):
    """``kubectl apply --prune --applyset`` with exactly these objects; (exit code, stdout, stderr)."""
    command = [KUBECTL, "apply", "-n", ground.namespace, "--prune", f"--applyset={owner}", *flags, "-f", "-"]
    environment = {**os.environ, "KUBECTL_APPLYSET": "true", "KUBECONFIG": str(ground.plane.kubeconfig)}
    done = subprocess.run(
        command,
        input=yaml.safe_dump_all(objects),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def plain(ground, name, **metadata):
    return ground.config(name, labels={}, metadata=metadata)


def service(ground):
    return objects.service("web", ground.namespace)


def annotations(ground, name="shop"):
    return ground.get(ground.path("configmaps", name))["metadata"]["annotations"]


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_we_prune_what_kubectl_applied(ground, shared, flags):
    code, _, err = kubectl(ground, plain(ground, "a"), service(ground), flags=flags)
    assert code == 0, err
    before = annotations(ground)
    assert before[TOOLING].startswith("kubectl/")
    with gr.Reconciler(ground.cluster) as reconciler:
        plan = reconciler.plan([plain(ground, "a")], **shared)
        assert [str(change.key) for change in plan.changes if change.operation == "delete"] == [
            f"Service {ground.namespace}/web"
        ]
        assert statuses(reconciler.reconcile([plain(ground, "a")], **shared)) == {"a": "configured", "web": "deleted"}
        assert ground.names("services") == set()
        assert annotations(ground) == {**before, KINDS: "ConfigMap"}
        ground.cluster.requests.clear()
        assert statuses(reconciler.reconcile([plain(ground, "a")], **shared)) == {"a": "unchanged"}
        assert ground.cluster.requests == []


def test_kubectl_prunes_what_we_applied(ground, reconciler, shared):
    expected = [plain(ground, "a"), plain(ground, "b"), service(ground)]
    reconciler.reconcile(expected, **shared).raise_for_failures()
    assert annotations(ground)[TOOLING] == "kubectl/v1.27.0"
    code, out, err = kubectl(ground, plain(ground, "a"))
    assert code == 0, err
    assert sorted(out.split("\n")) == ["", "configmap/a configured", "configmap/b pruned", "service/web pruned"]
    assert ground.names() & {"a", "b"} == {"a"}
    # And we go on with what it left, under its version.
    assert eventually(lambda: not reconciler.plan([plain(ground, "a")], **shared).changes)
    assert annotations(ground)[KINDS] == "ConfigMap"


def test_both_in_turns(ground, reconciler, shared):
    assert kubectl(ground, plain(ground, "a"), plain(ground, "b"))[0] == 0
    assert eventually(lambda: "b" in statuses(reconciler.reconcile([plain(ground, "a"), plain(ground, "c")], **shared)))
    assert ground.names() & set("abc") == set("ac")
    code, out, err = kubectl(ground, plain(ground, "c"), plain(ground, "d"))
    assert code == 0, err
    assert "configmap/a pruned" in out
    assert "WARNING" not in err, "the parent is written under the manager of its tool"
    assert eventually(lambda: reconciler.plan([plain(ground, "d")], **shared).counts["delete"] == 1)
    assert statuses(reconciler.reconcile([plain(ground, "d")], **shared))["c"] == "deleted"


def test_kubectl_refuses_a_set_of_ours_until_it_is_handed_over(ground, reconciler, shared):
    own = {"namespace": ground.namespace, "owner": "configmaps/shop"}
    expected = [plain(ground, "a"), plain(ground, "b")]
    reconciler.reconcile(expected, **own).raise_for_failures()
    code, _, err = kubectl(ground, plain(ground, "a"))
    assert code == 1
    assert 'is managed by tooling "genreconcile" instead of "kubectl"' in err
    assert statuses(reconciler.reconcile(expected, **shared)) == {"a": "unchanged", "b": "unchanged"}
    code, out, err = kubectl(ground, plain(ground, "a"))
    assert code == 0, err
    assert "configmap/b pruned" in out
    # It is shared now: without saying so we leave it alone.
    assert eventually(lambda: annotations(ground)[TOOLING].startswith("kubectl/"))
    with gr.Reconciler(ground.cluster) as after, pytest.raises(PlanRefused, match="it belongs to kubectl/"):
        after.reconcile(expected, **own)


def test_scenario_22_labels_that_an_operator_copied_from_a_member_of_kubectl(ground, shared):
    assert kubectl(ground, plain(ground, "a"), plain(ground, "b"))[0] == 0
    member = ground.get(ground.path("configmaps", "a"))["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": member["uid"]}
    ground.post(plain(ground, "copied", labels=member["labels"]), fieldManager="some-operator")
    ground.post(plain(ground, "owned", labels=member["labels"], ownerReferences=[reference]), fieldManager="kubectl")
    with gr.Reconciler(ground.cluster) as reconciler:
        result = reconciler.reconcile([plain(ground, "a")], **shared)
        assert statuses(result) == {"a": "configured", "b": "deleted"}
        assert [warning.partition(":")[0] for warning in result.warnings] == [
            f"ConfigMap {ground.namespace}/copied",
            f"ConfigMap {ground.namespace}/owned",
        ]
        ground.cluster.requests.clear()
        reconciler.reconcile([plain(ground, "a")], **shared)
        assert ground.cluster.requests == [], "who set the label is asked once"
    assert ground.names() >= {"a", "copied", "owned"}


def test_a_kind_of_kubectls_set_in_another_namespace(ground, shared, control_plane):
    other = control_plane.create_namespace(ground.namespace + "-other")
    there = ground.config("there", namespace=other, labels={})
    assert kubectl(ground, plain(ground, "a"))[0] == 0
    with gr.Reconciler(ground.cluster) as reconciler:
        reconciler.reconcile([plain(ground, "a"), there], **shared).raise_for_failures()
    assert annotations(ground)["applyset.kubernetes.io/additional-namespaces"] == other
    code, out, err = kubectl(ground, plain(ground, "a"))
    assert code == 0, err
    assert "configmap/there pruned" in out


def test_a_set_with_the_older_annotation(ground, shared):
    """As kubectl 1.26 wrote it, and as the newer ones read it."""
    assert kubectl(ground, plain(ground, "a"), service(ground))[0] == 0
    older = {"op": "move", "from": "/metadata/annotations/" + KINDS.replace("/", "~1")}
    resources = "applyset.kubernetes.io/contains-group-resources"
    where = "/metadata/annotations/" + resources.replace("/", "~1")
    ground.patch(
        ground.path("configmaps", "shop"),
        {**older, "path": where},
        {"op": "replace", "path": where, "value": "configmaps,services"},
    )
    with gr.Reconciler(ground.cluster) as reconciler:
        assert statuses(reconciler.reconcile([plain(ground, "a")], **shared)) == {"a": "configured", "web": "deleted"}
        assert annotations(ground)[KINDS] == "ConfigMap"
    code, _, err = kubectl(ground, plain(ground, "a"))
    assert code == 0, err


def test_the_command_line_and_kubectl_in_turns(ground, tmp_path, control_plane):
    """A set over two namespaces: each run reads where the parent says that there are members."""
    other = control_plane.create_namespace(ground.namespace + "-other")

    def run(command, *objects, flags=()):
        file = tmp_path / "objects.yaml"
        file.write_text(yaml.safe_dump_all(objects))
        access = ("--kubeconfig", str(ground.plane.kubeconfig), "-n", ground.namespace)
        owner = ("--applyset", "configmaps/shop", "--applyset-tool", "kubectl")
        arguments = [PROGRAM, command, "-f", str(file), *access, *owner, *flags]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)

    there = ground.config("there", namespace=other, labels={})
    done = run("apply", plain(ground, "a"), plain(ground, "b"), there)
    assert done.returncode == 0, done.stderr
    assert "configmap/there created" in done.stdout
    done = run("plan", plain(ground, "a"), plain(ground, "b"))
    assert done.returncode == 1, done.stderr
    assert f"configmap/there to delete ({other})" in done.stdout
    done = run("apply", plain(ground, "a"), plain(ground, "b"), flags=("--dry-run=server",))
    assert (done.returncode, done.stderr) == (1, "dry run: nothing was written\n")
    assert "configmap/there deleted" in done.stdout
    assert "there" in ground.names(namespace=other)
    done = run("apply", plain(ground, "a"), plain(ground, "b"), flags=("--wait",))
    assert done.returncode == 0, done.stderr
    assert "there" not in ground.names(namespace=other)
    code, out, err = kubectl(ground, plain(ground, "a"))
    assert code == 0, err
    assert "configmap/b pruned" in out
    done = run("apply", flags=("--allow-empty",))
    assert done.returncode == 0, done.stderr
    assert "configmap/a deleted" in done.stdout
