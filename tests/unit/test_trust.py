"""Whom a connection trusts: programs that a kubeconfig names, and certificates."""

import socket
import ssl
import warnings

import pytest
import yaml

import genreconcile as gr
from genreconcile.errors import Unreachable
from genreconcile.testing.certificates import Authority
from genreconcile.testing.fake.wire import json_answer
from support.api.listener import Exchange, Listener
from support.api.tls import server_context

pytestmark = pytest.mark.usefixtures("way")

TOKEN = "canary-token"


def kubeconfig(folder, user, **cluster):
    settings = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1", **cluster}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}},
                     {"name": "plain", "context": {"cluster": "c", "user": "plain"}}],
        "users": [{"name": "u", "user": user}, {"name": "plain", "user": {"token": TOKEN}}],
    }  # fmt: skip
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(settings))
    return str(file)


def plugin(folder):
    """A program that leaves a trace when it is run."""
    program, trace = folder / "plugin", folder / "trace"
    credential = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t"}}'
    program.write_text(f"#!/bin/sh\ntouch {trace}\necho '{credential}'\n")
    program.chmod(0o755)
    settings = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "interactiveMode": "Never"}
    return {"exec": settings}, str(program), trace


@pytest.mark.parametrize("allowed", [(), ("aws",), ("plugin",)])
def test_a_program_that_is_not_allowed_is_not_run(tmp_path, allowed):
    user, program, trace = plugin(tmp_path)
    with pytest.raises(Unreachable, match="add it to plugins to allow it") as caught:
        gr.connect(kubeconfig=kubeconfig(tmp_path, user), plugins=allowed)
    assert program in str(caught.value)
    assert not trace.exists()


def test_one_that_is_allowed_runs(tmp_path):
    user, program, trace = plugin(tmp_path)
    gr.connect(kubeconfig=kubeconfig(tmp_path, user), plugins=[program])
    assert trace.exists()


def test_only_the_chosen_context_counts(tmp_path):
    user, _, trace = plugin(tmp_path)
    gr.connect(kubeconfig=kubeconfig(tmp_path, user), context="plain", plugins=())
    assert not trace.exists()


def test_older_ways_to_name_a_program_count_too(tmp_path):
    user = {"auth-provider": {"name": "gcp", "config": {"cmd-path": "/bin/true"}}}
    with pytest.raises(Unreachable, match="'/bin/true'"):
        gr.connect(kubeconfig=kubeconfig(tmp_path, user), plugins=())


@pytest.mark.parametrize("content", ["", "[]", "users: 5", "users: [7]\ncontexts: {}", "a: ["])
def test_a_file_of_another_shape_runs_nothing(tmp_path, content):
    file = tmp_path / "kubeconfig"
    file.write_text(content)
    with pytest.raises(Unreachable, match="not usable"):
        gr.connect(kubeconfig=str(file), plugins=())


def test_of_several_files_the_first_that_names_a_user_counts(tmp_path, monkeypatch):
    user, _, trace = plugin(tmp_path)
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
    files = [kubeconfig(first, user), kubeconfig(second, {"token": TOKEN})]
    monkeypatch.setenv("KUBECONFIG", ":".join(files))
    with pytest.raises(Unreachable, match="add it to plugins"):
        gr.connect(plugins=())
    monkeypatch.setenv("KUBECONFIG", ":".join(reversed(files)))
    gr.connect(plugins=())
    assert not trace.exists()


class Tokens(Exchange):
    def serve(self, request):
        self.server.seen.append(request.headers.get("authorization"))
        self.send(json_answer({}))


class Noting(Listener):
    """A TLS server that notes which tokens it is given."""

    def __init__(self, context):
        super().__init__(Tokens, context=context)
        self.seen = []
        self.start()


@pytest.fixture
def serve():
    """Makes servers with certificates of an authority; they end with the test."""
    servers = []

    def start(authority, *, names=("localhost",), newest=None):
        context = server_context(authority, names)
        if newest:
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore"):  # Python thinks that nobody should want that.
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = newest
        server = Noting(context)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


def request(folder, server, **cluster):
    url = f"https://127.0.0.1:{server.server_address[1]}"
    return gr.connect(kubeconfig=kubeconfig(folder, {"token": TOKEN}, **{"server": url, **cluster})).request(
        "GET", "/x"
    )


def trusting(folder, authority):
    (folder / "ca").write_bytes(authority.credential.certificate)
    return {"certificate-authority": str(folder / "ca")}


def test_the_right_server_is_answered(tmp_path, serve):
    authority = Authority()
    server = serve(authority)
    assert request(tmp_path, server, **trusting(tmp_path, authority)) == b"{}"
    assert server.seen == [f"Bearer {TOKEN}"]


def test_a_certificate_of_another_authority_gets_no_token(tmp_path, serve):
    server = serve(Authority())
    with pytest.raises(Unreachable, match=r"(?i)certificate"):
        request(tmp_path, server, **trusting(tmp_path, Authority()))
    assert server.seen == []


def test_a_certificate_of_another_name_gets_no_token(tmp_path, serve):
    authority = Authority()
    server = serve(authority, names=("elsewhere.example.com",))
    with pytest.raises(Unreachable, match=r"(?i)certificate"):
        request(tmp_path, server, **trusting(tmp_path, authority))
    assert server.seen == []


def speaks_old_tls(server):
    """Whether a client that minds nothing gets through: then it is ours that refuses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    try:
        with socket.create_connection(server.server_address, 5) as plain, context.wrap_socket(plain) as wrapped:
            return wrapped.version() == "TLSv1.1"
    except OSError:
        return False


def test_tls_before_1_2_gets_no_token(tmp_path, serve):
    authority = Authority()
    server = serve(authority, newest=ssl.TLSVersion.TLSv1_1)
    if not speaks_old_tls(server):
        pytest.skip("this OpenSSL has no TLS 1.1, for which the test would ask in vain")
    with pytest.raises(Unreachable):
        request(tmp_path, server, **trusting(tmp_path, authority))
    assert server.seen == []
