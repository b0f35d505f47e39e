"""A real control plane: it starts, it keeps users apart, and it leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from genreconcile.cluster import connect
from genreconcile.errors import Forbidden
from genreconcile.testing import ControlPlane, ControlPlaneError, local, servers, sources, versions
from support.eventually import eventually

BOUND = 20.0


@pytest.fixture(autouse=True)
def local_programs(request, monkeypatch):
    """These tests are about processes of this machine, even where the others use a given cluster or kind."""
    if "control_plane" not in request.fixturenames:
        monkeypatch.delenv("GENRECONCILE_TEST_KUBECONFIG", raising=False)
        monkeypatch.setattr(sources, "_kind", lambda _: None)


def processes_of(state):
    """Command lines of the processes that have to do with a state directory."""
    if Path("/proc/self").exists():
        listing = [read(path).replace("\0", " ") for path in Path("/proc").glob("[0-9]*/cmdline")]
    else:
        listing = subprocess.run(["/bin/ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout.split(
            "\n"
        )
    return [line for line in listing if str(state) in line]


def read(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def request(kubeconfig, method, path, obj=None):
    cluster = connect(kubeconfig=str(kubeconfig))
    try:
        return json.loads(cluster.request(method, path, body=json.dumps(obj).encode() if obj else None))
    finally:
        cluster.close()


def pod(name):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "main", "image": "example.com/none"}]},
    }


def test_version_is_the_requested_one(control_plane):
    answer = request(control_plane.kubeconfig, "GET", "/version")

    assert answer["gitVersion"] == f"v{control_plane.version}"
    assert versions.requested() in (None, control_plane.version)


def test_pods_can_be_created_at_once(control_plane, namespace):
    made = request(control_plane.kubeconfig, "POST", f"/api/v1/namespaces/{namespace}/pods", pod("one"))

    assert made["spec"]["serviceAccountName"] == "default"


def test_namespaces_are_fresh(control_plane, namespace):
    path = f"/api/v1/namespaces/{namespace}"

    assert request(control_plane.kubeconfig, "GET", path)["metadata"]["labels"]["genreconcile.testing/owned"] == "true"
    assert request(control_plane.kubeconfig, "GET", f"{path}/pods")["items"] == []


def test_users_may_do_only_what_they_are_granted(control_plane, namespace):
    alice = control_plane.user_kubeconfig("alice", ["readers"])
    pods = f"/api/v1/namespaces/{namespace}/pods"
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    with pytest.raises(Forbidden):
        request(alice, "GET", pods)

    metadata = {"name": "read"}
    role = {"metadata": metadata, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "read"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "readers"}
    request(control_plane.kubeconfig, "POST", f"{roles}/roles", role)
    binding = {"metadata": metadata, "roleRef": reference, "subjects": [subject]}
    request(control_plane.kubeconfig, "POST", f"{roles}/rolebindings", binding)

    assert request(alice, "GET", pods)["items"] == []
    with pytest.raises(Forbidden):
        request(alice, "POST", pods, pod("two"))
    with pytest.raises(Forbidden):
        request(control_plane.user_kubeconfig("bob"), "GET", pods)


HOLDER = """
    import signal, sys, tempfile, time
    from genreconcile.testing import ControlPlane

    # Ignored by whoever is started in the background of a shell.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tempfile.tempdir = sys.argv[1]
    with ControlPlane() as control_plane:
        print("ready", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_of_a_killed_process(tmp_path, number):
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "ready\n"
        (state,) = tmp_path.iterdir()
        # The supervisor, etcd and the API server.
        assert len(processes_of(state)) == 3

        holder.send_signal(number)
        holder.communicate(timeout=60)

    eventually(lambda: not processes_of(state), timeout=BOUND)
    assert list(tmp_path.iterdir()) == []


def test_the_command_runs_it_until_it_is_interrupted():
    command = [sys.executable, "-m", "genreconcile.testing", "--start"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        try:
            variable, _, kubeconfig = program.stdout.readline().strip().partition("=")
            assert variable == "export KUBECONFIG"
            assert "gitVersion" in request(kubeconfig, "GET", "/version")
            program.send_signal(signal.SIGINT)
            assert program.wait(BOUND) == 0
        finally:
            program.kill()
    state = Path(kubeconfig).parent
    eventually(lambda: not processes_of(state) and not state.exists(), timeout=BOUND)


def test_nothing_is_left_of_a_start_interrupted_half_way(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def interrupt(plane):
        eventually(lambda: len(processes_of(plane.state)) == 3, timeout=BOUND)
        raise KeyboardInterrupt

    monkeypatch.setattr(local.LocalPlane, "_wait_ready", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ControlPlane().start()

    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_failing_start_shows_the_log_and_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(ControlPlaneError) as failure:
        ControlPlane(extra_apiserver_args=["--no-such-flag"]).start()

    (kept,) = tmp_path.iterdir()
    assert f"start failed: a server ended; the logs are kept in {kept}" in str(failure.value)
    assert "unknown flag: --no-such-flag" in str(failure.value)
    assert (kept / "kube-apiserver.log").exists()
    assert processes_of(tmp_path) == []


def test_taken_port_is_replaced_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with socket.socket() as taken:
        taken.bind((servers.HOST, 0))
        free = local._free_port()
        ports = [taken.getsockname()[1], free]
        monkeypatch.setattr(local, "_free_port", lambda: ports.pop(0))

        with ControlPlane() as control_plane:
            assert control_plane.server == f"https://127.0.0.1:{free}"
            assert [path.name for path in tmp_path.iterdir()] == [control_plane.logs.parent.name]


def test_failing_block_keeps_the_logs(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(ValueError, match="broken") as failure, ControlPlane():
        raise ValueError("broken")

    (kept,) = tmp_path.iterdir()
    assert failure.value.__notes__ == [f"The logs of the control plane are kept in {kept}"]
    assert {"etcd.log", "kube-apiserver.log"} <= {path.name for path in kept.iterdir()}


def test_settings_reach_the_api_server():
    arguments = ["--disable-admission-plugins=ServiceAccount"]
    with ControlPlane(runtime_config=["api/all=true"], extra_apiserver_args=arguments) as control_plane:
        groups = request(control_plane.kubeconfig, "GET", "/apis")["groups"]
        made = request(control_plane.kubeconfig, "POST", "/api/v1/namespaces/default/pods", pod("one"))

    assert "internal.apiserver.k8s.io" in {group["name"] for group in groups}
    assert "serviceAccountName" not in made["spec"]


@pytest.fixture(scope="module")
def whole_cluster():
    """A control plane with controllers, scheduler, and a node that runs Pods."""
    control_plane = ControlPlane(controller_manager=True, scheduler=True, kwok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GENRECONCILE_TEST_KUBECONFIG", raising=False)
        patch.setattr(sources, "_kind", lambda _: None)
        control_plane.start()
    yield control_plane
    control_plane.stop()


def test_deployment_becomes_available(whole_cluster):
    deployments = f"/apis/apps/v1/namespaces/{whole_cluster.create_namespace('deployments')}/deployments"
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod("web")["spec"]}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    request(whole_cluster.kubeconfig, "POST", deployments, {"metadata": {"name": "web"}, "spec": spec})

    def available():
        status = request(whole_cluster.kubeconfig, "GET", f"{deployments}/web")["status"]
        return status.get("availableReplicas") == 3

    eventually(available, timeout=BOUND)


def test_given_cluster_is_used_and_left_as_it_was(whole_cluster, monkeypatch):
    monkeypatch.setenv("GENRECONCILE_TEST_KUBECONFIG", str(whole_cluster.kubeconfig))
    with ControlPlane() as given:
        assert (given.kubeconfig, given.server) == (whole_cluster.kubeconfig, whole_cluster.server)
        given.create_namespace("guest")
        # Signed by the cluster's own controller: nobody but its maker has its authority's key.
        carol = given.user_kubeconfig("carol", ["guests"])
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        user = request(carol, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"]
        assert (user["username"], user["groups"]) == ("carol", ["guests", "system:authenticated"])

    names = {obj["metadata"]["name"] for obj in request(whole_cluster.kubeconfig, "GET", "/api/v1/namespaces")["items"]}
    assert "default" in names
    eventually(lambda: gone(whole_cluster.kubeconfig, "/api/v1/namespaces", "guest"), timeout=BOUND)
    assert not carol.exists()


def gone(kubeconfig, collection, name):
    return name not in {obj["metadata"]["name"] for obj in request(kubeconfig, "GET", collection)["items"]}


def test_given_cluster_with_foreign_namespaces_is_refused(whole_cluster, monkeypatch):
    monkeypatch.setenv("GENRECONCILE_TEST_KUBECONFIG", str(whole_cluster.kubeconfig))
    production = {"metadata": {"name": "production"}}
    request(whole_cluster.kubeconfig, "POST", "/api/v1/namespaces", production)

    with pytest.raises(ControlPlaneError, match=r"refused: the tests delete things, and it holds .* production, which"):
        ControlPlane().start()

    request(whole_cluster.kubeconfig, "DELETE", "/api/v1/namespaces/production")
    eventually(lambda: gone(whole_cluster.kubeconfig, "/api/v1/namespaces", "production"), timeout=BOUND)


KIND = """#!/bin/sh
echo "$*" >> {calls}
[ "$1" = create ] || exit 0
cat > {config}
while [ "$1" != --kubeconfig ]; do shift; done
cp {kubeconfig} "$2"
"""


@pytest.fixture
def fake_kind(whole_cluster, tmp_path, monkeypatch):
    """Programs ``kind`` and ``docker`` that make nothing: the cluster is there already."""
    monkeypatch.undo()
    monkeypatch.delenv("GENRECONCILE_TEST_KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr(sources, "_cached", lambda _: None)
    kind, docker = tmp_path / "bin/kind", tmp_path / "bin/docker"
    kind.parent.mkdir()
    values = {"calls": tmp_path / "calls", "config": tmp_path / "config", "kubeconfig": whole_cluster.kubeconfig}
    kind.write_text(KIND.format(**values))
    docker.write_text("#!/bin/sh\nexit 0\n")
    for program in (kind, docker):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{kind.parent}:/bin:/usr/bin")
    return tmp_path


def test_kind_cluster_is_made_and_deleted(whole_cluster, fake_kind):
    with ControlPlane(runtime_config=["api/all=true"]) as control_plane:
        assert control_plane.server == whole_cluster.server
        assert control_plane.kubeconfig != whole_cluster.kubeconfig
        state = control_plane.logs.parent
        name = state.name.replace("_", "-")
        create, *rest = (fake_kind / "calls").read_text().splitlines()
        assert rest == []
        assert f"--image kindest/node:v{whole_cluster.version} " in create
        assert json.loads((fake_kind / "config").read_text())["runtimeConfig"] == {"api/all": "true"}

    assert (fake_kind / "calls").read_text().splitlines()[1:] == [f"delete cluster --name {name}"]
    assert not state.exists()


def test_without_a_kind_image_it_is_built(fake_kind, capfd):
    (fake_kind / "bin/docker").write_text('#!/bin/sh\n[ "$1" != pull ] || { echo manifest unknown >&2; exit 1; }\n')

    with ControlPlane() as control_plane:
        assert len(processes_of(control_plane.logs.parent)) == 3

    assert "manifest unknown; building from Go modules instead" in capfd.readouterr().err
    assert not (fake_kind / "calls").exists()
