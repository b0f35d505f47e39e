"""Getting in, on a real API server: whom it sees, and what the command line says."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.cli import main
from genreconcile.testing.certificates import Authority
from support.eventually import eventually

REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}).encode()
V1 = "client.authentication.k8s.io/v1"


def who(cluster):
    return json.loads(cluster.request("POST", REVIEWS, body=REVIEW))["status"]["userInfo"]


def edited(control_plane, folder, user=None, cluster=None):
    """The administrator's kubeconfig with another user, or another cluster."""
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    config["users"][0]["user"] = {**config["users"][0]["user"], **user} if user and "exec" not in user else user
    if user is None:
        config["users"][0]["user"] = yaml.safe_load(control_plane.kubeconfig.read_text())["users"][0]["user"]
    config["clusters"][0]["cluster"] |= cluster or {}
    path = folder / "edited"
    path.write_text(yaml.safe_dump(config))
    return path


def program(folder, script):
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return {"exec": {"apiVersion": V1, "command": "./program", "interactiveMode": "Never"}}


@pytest.fixture
def manifest(tmp_path):
    def map_of(name):
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}

    path = tmp_path / "set.yaml"
    path.write_text(yaml.safe_dump_all([map_of("a"), map_of("b"), map_of("c")]))
    return str(path)


def test_r4_1_who_impersonates_is_the_other(control_plane, tmp_path):
    user = {"as": "bob", "as-groups": ["dev", "ops"], "as-uid": "7", "as-user-extra": {"a/b": ["1", "2"]}}
    seen = who(gr.connect(kubeconfig=edited(control_plane, tmp_path, user)))
    assert (seen["username"], seen["uid"], seen["extra"]) == ("bob", "7", {"a/b": ["1", "2"]})
    assert seen["groups"] == ["dev", "ops", "system:authenticated"]
    seen = who(gr.connect(kubeconfig=control_plane.kubeconfig, as_="eve", as_groups=["x", "y"]))
    assert (seen["username"], seen["groups"]) == ("eve", ["x", "y", "system:authenticated"])


def test_r4_1_on_the_command_line(control_plane, manifest, capsys):
    arguments = ["apply", "-f", manifest, "--kubeconfig", str(control_plane.kubeconfig), "--as", "eve"]
    assert main([*arguments, "--as-group", "dev", "--as-uid", "7"]) == 1
    assert "missing rights: create, list, watch configmaps in default" in capsys.readouterr().err
    assert main([*arguments[:5], "--as-group", "dev"]) == 3
    assert "but no user (as, --as)" in capsys.readouterr().err


def test_r4_1_as_an_administrator_again_it_writes(control_plane, manifest, namespace, capsys):
    arguments = ["apply", "-y", "-f", manifest, "--kubeconfig", str(control_plane.kubeconfig)]
    assert main([*arguments, "--as", "eve", "--as-group", "system:masters"]) == 0
    owners = gr.connect(kubeconfig=control_plane.kubeconfig).request("GET", "/api/v1/namespaces/default/configmaps/a")
    assert json.loads(owners)["metadata"]["name"] == "a"
    capsys.readouterr()


@pytest.mark.parametrize("command", ["diff", "plan", "apply"])
def test_r4_2_a_program_that_fails_is_one_line_and_exit_code_3(control_plane, tmp_path, manifest, capsys, command):
    user = program(tmp_path, "echo 'sso session expired' >&2; exit 1")
    path = edited(control_plane, tmp_path, user)
    assert main([command, "-f", manifest, "--kubeconfig", str(path)]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    said = "no credentials: the program './program' failed with exit code 1: sso session expired"
    assert err == f"error: {path}: {said}; log in again, or run it by hand [GR602]\n"


def test_r4_3_the_path_of_a_control_plane(control_plane):
    assert isinstance(control_plane.kubeconfig, Path)
    assert who(gr.connect(kubeconfig=control_plane.kubeconfig))["username"] == "admin"
    assert who(gr.connect(kubeconfig=control_plane.kubeconfig.read_text()))["username"] == "admin"


def stranger():
    return base64.b64encode(Authority().credential.certificate).decode()


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (lambda plane: {"server": plane.server.replace("https", "http")}, "the server speaks TLS; write https://"),
        (lambda _: {"certificate-authority-data": stranger()}, "is signed by no authority that the kubeconfig trusts"),
        (lambda _: {"tls-server-name": "x.example.com"}, "the server's certificate is for another name"),
        (lambda _: {"server": "https://127.0.0.1:1"}, "Connection refused; check the address and the network"),
    ],
    ids=["http", "authority", "name", "address"],
)
def test_r4_4_a_mistake_is_one_line_that_names_it(control_plane, manifest, capsys, cluster, said):
    path = edited(control_plane, Path(manifest).parent, cluster=cluster(control_plane))
    assert main(["diff", "-f", manifest, "--kubeconfig", str(path)]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_r4_4_a_context_that_is_not_there(control_plane, manifest, capsys):
    assert main(["diff", "-f", manifest, "--kubeconfig", str(control_plane.kubeconfig), "--context", "x"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "it has no context 'x'; its contexts are " in line


def granted(control_plane, user):
    entry = yaml.safe_load(control_plane.user_kubeconfig(user).read_text())["users"][0]["user"]
    pems = (base64.b64decode(entry[f"client-{part}-data"]).decode() for part in ("certificate", "key"))
    return dict(zip(("clientCertificateData", "clientKeyData"), pems, strict=True))


def test_r4_8_certificates_of_a_program_replace_each_other(control_plane, tmp_path):
    def grant(user, seconds):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        status = {**granted(control_plane, user), "expirationTimestamp": stamp}
        answer = {"kind": "ExecCredential", "apiVersion": V1, "status": status}
        (tmp_path / "answer").write_text(json.dumps(answer))

    grant("alice", 3)
    path = edited(control_plane, tmp_path, program(tmp_path, f"cat {tmp_path}/answer"))
    cluster = gr.connect(kubeconfig=path)
    assert who(cluster)["username"] == "alice"
    grant("bob", 600)
    eventually(lambda: who(cluster)["username"] == "bob", timeout=60, pause=0.1)
    cluster.close()
