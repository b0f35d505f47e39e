"""Who we are, asked of the server by kubectl and by us, with the same kubeconfig: the same, or an error of ours."""

from __future__ import annotations

import json
import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.cluster import connect
from genreconcile.errors import ClusterError
from genreconcile.testing import ControlPlane
from genreconcile.testing.certificates import Authority
from kind.differential.differential_kubeconfigs import GROUPS, World

KUBECTL = shutil.which("kubectl")
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="it is kubectl that says what is right")
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}).encode()
FLAGS = {"context": "--context", "as_": "--as", "as_groups": "--as-group", "as_uid": "--as-uid"}


class Tunnel(socketserver.StreamRequestHandler):
    """A proxy that knows CONNECT alone."""

    def handle(self):
        host, _, port = self.rfile.readline().split()[1].decode().rpartition(":")
        while self.rfile.readline().strip():
            pass
        with socket.create_connection((host, int(port)), 10) as other:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self.copy, args=(other, self.connection), daemon=True)
            back.start()
            self.copy(self.connection, other)
            back.join(30)

    def copy(self, source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def entry(path, kind, field):
    (found,) = yaml.safe_load(Path(path).read_text())[kind]
    return found[field]


@pytest.fixture(scope="module")
def proxy():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def see_anonymous(admin):
    """Let nobody ask who he is, so that who acts as nobody is found out."""
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "anonymous"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:basic-user"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:unauthenticated"}],
    }
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    admin.request("POST", path, body=json.dumps(body).encode())


@pytest.fixture(scope="module")
def world(proxy, tmp_path_factory):
    with ControlPlane() as plane:
        admin = connect(kubeconfig=plane.kubeconfig)
        see_anonymous(admin)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        token = json.loads(admin.request("POST", path, body=json.dumps(request).encode()))["status"]["token"]
        users = [
            entry(plane.user_kubeconfig("alice", ["dev"]), "users", "user"),
            entry(plane.kubeconfig, "users", "user"),
        ]
        pems = [decoded(user[f"client-{part}-data"]) for user in users for part in ("certificate", "key")]
        authority = decoded(entry(plane.kubeconfig, "clusters", "cluster")["certificate-authority-data"])
        port = int(plane.server.rpartition(":")[2])
        serving = ssl.get_server_certificate(("127.0.0.1", port)).encode()
        stranger = Authority().credential.certificate
        yield World(plane.server, authority, *pems, token, stranger, serving, proxy)


def decoded(text):
    import base64

    return base64.b64decode(text)


@pytest.fixture
def place(world, tmp_path, monkeypatch):
    for name in ("KUBECONFIG", "HTTPS_PROXY", "https_proxy", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobodys"))
    return replace(world, folder=tmp_path)


def written(place, name, use):
    """The path of the kubeconfig, None where it is found by itself."""
    if use.config is None:
        return None
    if use.config is ...:
        return str(place.folder / "missing")
    content = use.config if isinstance(use.config, str | bytes) else yaml.safe_dump(use.config, allow_unicode=True)
    return place.file("kubeconfig", content)


def kubectl(path, use):
    arguments = [KUBECTL, "auth", "whoami", "-o", "json", "--request-timeout=10s"]
    arguments += ["--kubeconfig", path] if path else []
    for name, value in use.flags.items():
        arguments += [f"{FLAGS[name]}={item}" for item in (value if isinstance(value, list) else [value])]
    found = subprocess.run(arguments, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return json.loads(found.stdout)["status"]["userInfo"] if found.returncode == 0 else found.stderr


def ours(path, use):
    try:
        opened = gr.connect(kubeconfig=path, **use.flags)
        answer = json.loads(opened.request("POST", REVIEWS, body=REVIEW))
        opened.close()
    except ClusterError as error:
        return f"{type(error).__name__}: {error}"
    return answer["status"]["userInfo"]


def names_of(user):
    """An identity; what names the credential itself is of each request."""
    if isinstance(user, str):
        return user
    return {**user, "extra": {k: v for k, v in user.get("extra", {}).items() if "credential-id" not in k}}


def compared(use, theirs, mine):
    """What is wrong, "" for nothing."""
    if isinstance(theirs, str):
        return "" if isinstance(mine, str) else f"kubectl refuses, we are {mine}: {theirs}"
    if isinstance(mine, str):
        return "" if use.stricter else f"kubectl is {theirs}, we refuse: {mine}"
    return "" if names_of(theirs) == names_of(mine) else f"kubectl is {theirs}, we are {mine}"


def told_otherwise(place):
    """What plugins were told of the cluster, first by kubectl, then by us."""
    file = place.folder / "info.log"
    told = [json.loads(line) for line in file.read_text().split("\n") if line] if file.exists() else []
    file.write_text("")
    return "" if not told or told[0] == told[1] else f"kubectl tells {told[0]}, we tell {told[1]}"


@pytest.mark.parametrize("group", GROUPS)
def test_the_same_identity_or_an_error(place, group, monkeypatch, record_property):
    uses = GROUPS[group](place)
    wrong = []
    for name, use in uses.items():
        with monkeypatch.context() as patch:
            patch.chdir(os.sep)
            for variable, value in use.env.items():
                patch.setenv(variable, value)
            path = written(place, name, use)
            theirs, mine = kubectl(path, use), ours(path, use)
        if problem := compared(use, theirs, mine) or told_otherwise(place):
            wrong.append(f"{name}: {problem}; {use.config}" if group == "combinations" else f"{name}: {problem}")
        if os.environ.get("SHOW"):
            print(name, "PROBLEM:", problem, "\n   K", str(theirs).strip()[-300:], "\n   G", str(mine)[:300])
    print(f"kubeconfigs, {group}: {len(uses)} tried, {len(wrong)} disagreements")
    record_property("tried", len(uses))
    record_property("disagreements", len(wrong))
    assert wrong == []
