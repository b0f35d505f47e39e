"""``genreconcile doctor`` on a real API server, and what is wrong there."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import yaml

import genreconcile as gr
from genreconcile.report import schema
from genreconcile.testing.certificates import Authority

PROGRAM = Path(sys.executable).with_name("genreconcile")
KINDS = ("--kinds", "v1/ConfigMap", "--kinds", "apps/v1/Deployment")
ALL = ["kubeconfig", "proxy", "tls", "connection", "clock", "identity", "server", "client", "schema", "rights", "cache"]


def doctor(kubeconfig, *arguments, **environment):
    command = [PROGRAM, "doctor", "--kubeconfig", str(kubeconfig), "-o", "json", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **environment}
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, schema())
    findings = {one["check"]: one for one in found["findings"]}
    return SimpleNamespace(code=done.returncode, all=found["findings"], costs=found["costs"], **findings)


def changed(kubeconfig, folder, *, user=None, name="changed", **cluster):
    """A kubeconfig with another user, and another address or authority."""
    config = yaml.safe_load(Path(kubeconfig).read_text("utf-8"))
    config["clusters"][0]["cluster"].update(cluster)
    if user is not None:
        config["users"][0]["user"] = user
    (folder / name).write_text(json.dumps(config), "utf-8")
    return folder / name


def test_all_is_well(control_plane, namespace):
    cluster = gr.connect(kubeconfig=control_plane.kubeconfig)
    for number in range(3):
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{number}"}}
        cluster.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=json.dumps(config).encode())
    found = doctor(control_plane.kubeconfig, *KINDS, "-n", namespace)

    assert [(one["check"], one["level"]) for one in found.all] == [(check, "ok") for check in ALL]
    assert found.code == 0
    assert found.identity["message"].startswith("admin, of ")
    count = {cost["kind"]: cost["objects"] for cost in found.costs}
    assert (count["ConfigMap"] >= 3, count["Deployment"]) == (True, 0)


def test_a_user_without_rights(control_plane, namespace):
    found = doctor(control_plane.user_kubeconfig("ill"), *KINDS, "-n", namespace)

    assert found.code == 3
    assert found.identity["message"] == "ill, of system:authenticated"
    assert found.rights["code"] == "GR403"
    assert found.rights["message"].startswith("12 of 12 missing: ")
    assert (found.cache["code"], found.costs) == ("GR403", [])


def test_another_authority(control_plane, tmp_path):
    data = base64.b64encode(Authority().credential.certificate).decode()
    found = doctor(changed(control_plane.kubeconfig, tmp_path, **{"certificate-authority-data": data}))

    assert (found.code, found.connection["code"]) == (3, "GR606")


def test_a_name_that_the_certificate_does_not_have(control_plane, tmp_path):
    found = doctor(changed(control_plane.kubeconfig, tmp_path, **{"tls-server-name": "elsewhere.example.com"}))

    assert (found.code, found.connection["code"]) == (3, "GR607")


def test_a_port_where_nobody_listens(control_plane, tmp_path):
    found = doctor(changed(control_plane.kubeconfig, tmp_path, server="https://127.0.0.1:1"))

    assert (found.code, found.connection["code"]) == (3, "GR605")


def test_plain_http_to_a_server_that_speaks_tls(control_plane, tmp_path):
    server = yaml.safe_load(control_plane.kubeconfig.read_text("utf-8"))["clusters"][0]["cluster"]["server"]
    found = doctor(changed(control_plane.kubeconfig, tmp_path, server=server.replace("https:", "http:")))

    assert found.tls["code"] == "GR613"
    assert (found.code, found.identity["code"]) == (3, "GR609")


def test_a_certificate_that_is_not_verified(control_plane, tmp_path):
    config = yaml.safe_load(control_plane.kubeconfig.read_text("utf-8"))
    del config["clusters"][0]["cluster"]["certificate-authority-data"]
    (tmp_path / "stripped").write_text(json.dumps(config), "utf-8")
    found = doctor(changed(tmp_path / "stripped", tmp_path, **{"insecure-skip-tls-verify": True}))

    assert (found.code, found.tls["level"], found.tls["code"]) == (0, "warning", "GR612")


def test_a_token_that_is_none(control_plane, tmp_path):
    found = doctor(changed(control_plane.kubeconfig, tmp_path, user={"token": "expired"}))

    assert (found.code, found.identity["code"], found.clock["level"]) == (3, "GR401", "ok")


def test_a_token_holds_as_long_as_its_account(control_plane, tmp_path, namespace):
    cluster = gr.connect(kubeconfig=control_plane.kubeconfig)
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    tokens = {}
    for name in ("here", "gone"):
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        cluster.request("POST", path, body=json.dumps(account).encode())
        answer = json.loads(cluster.request("POST", f"{path}/{name}/token", body=json.dumps(wish).encode()))
        tokens[name] = changed(control_plane.kubeconfig, tmp_path, name=name, user={"token": answer["status"]["token"]})
    cluster.request("DELETE", f"{path}/gone")

    here, gone = doctor(tokens["here"]), doctor(tokens["gone"])
    assert here.identity["message"].startswith(f"system:serviceaccount:{namespace}:here, of ")
    assert (here.code, gone.code, gone.identity["code"]) == (0, 3, "GR401")


def test_a_token_that_has_expired_is_not_sent(control_plane, tmp_path):
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1_700_000_000}).encode()).decode().rstrip("=")
    config = {"idp-issuer-url": "https://id.example.com", "client-id": "c", "id-token": f"e30.{claims}.e30"}
    provider = {"name": "oidc", "config": config}
    found = doctor(changed(control_plane.kubeconfig, tmp_path, user={"auth-provider": provider}))

    assert (found.code, found.identity["code"], found.all[-1]["check"]) == (3, "GR604", "identity")


def test_a_program_that_grants_nothing(control_plane, tmp_path):
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}
    found = doctor(changed(control_plane.kubeconfig, tmp_path, user={"exec": plugin}))

    assert (found.code, found.identity["code"], found.all[-1]["check"]) == (3, "GR602", "identity")


def test_a_proxy_that_is_away(control_plane, tmp_path):
    found = doctor(changed(control_plane.kubeconfig, tmp_path, **{"proxy-url": "http://u:p@127.0.0.1:1"}))

    assert found.proxy["message"] == "through http://127.0.0.1:1"
    assert (found.code, found.connection["code"]) == (3, "GR605")
