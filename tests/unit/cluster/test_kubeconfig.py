"""Kubeconfigs: files, texts, what wins, and what is an error that names the mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import genreconcile as gr
from genreconcile.cluster.proxies import proxy_of
from genreconcile.errors import Unauthorized, Unreachable
from genreconcile.testing.certificates import Authority
from support.accounts import b64, written

pytestmark = pytest.mark.usefixtures("way")


def authorization(server, kubeconfig, **more):
    gr.connect(kubeconfig=kubeconfig, **more).request("GET", "/x")
    headers = {name.lower(): value for name, value in server.seen[-1][2].items()}
    return headers.get("authorization")


def url(server):
    return f"http://127.0.0.1:{server.server_port}"


# R4.3


def test_r4_3_a_path_and_what_is_like_one(server, tmp_path):
    path = written(tmp_path, url(server), {"token": "t"})

    class Like:
        def __fspath__(self):
            return path

    for given in (path, Path(path), Like()):
        assert authorization(server, given) == "Bearer t"


def test_r4_3_the_text_of_a_kubeconfig(server, tmp_path):
    text = Path(written(tmp_path, url(server), {"token": "t"})).read_text()
    lines = "current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
    lines += "users: [{name: u, user: {token: l}}]\n"
    assert authorization(server, text) == "Bearer t"
    assert authorization(server, f"{lines}clusters: [{{name: c, cluster: {{server: '{url(server)}'}}}}]") == "Bearer l"
    with pytest.raises(Unreachable, match=r"^kubeconfig:\d: not usable: "):
        gr.connect(kubeconfig="a: [\nb")
    with pytest.raises(Unreachable, match=r"^kubeconfig: not usable: it has no context 'd'; its contexts are c"):
        gr.connect(kubeconfig=text, context="d")


def test_r4_3_the_home_folder_and_the_environment(server, tmp_path, monkeypatch):
    (tmp_path / ".kube").mkdir()
    written(tmp_path / ".kube", url(server), {"token": "home"}, name="config")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert authorization(server, None) == authorization(server, "") == "Bearer home"
    assert authorization(server, "~/.kube/config") == "Bearer home"
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/none:{written(tmp_path, url(server), {'token': 'variable'})}")
    assert authorization(server, None) == "Bearer variable"


def test_r4_3_of_a_pod(server, tmp_path, monkeypatch):
    monkeypatch.setattr("genreconcile.cluster.incluster.FOLDER", tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    with pytest.raises(Unreachable, match="token is not there: this is no Pod"):
        gr.connect()
    (tmp_path / "token").write_text("t\n")
    (tmp_path / "namespace").write_text("shop\n")
    (tmp_path / "ca.crt").write_bytes(Authority().credential.certificate)
    opened = gr.connect(as_="bob")
    assert (opened.server, opened.namespace) == ("https://[::1]:6443", "shop")
    assert opened._credentials.headers() == [("Authorization", "Bearer t"), ("Impersonate-User", "bob")]
    empty = tmp_path / "empty"
    empty.write_text("")
    monkeypatch.setenv("KUBECONFIG", str(empty))
    assert gr.connect().server == "https://[::1]:6443"
    with pytest.raises(Unreachable, match="it has no current-context"):
        gr.connect(kubeconfig=empty)


# R4.4


def unusable(tmp_path, user=None, cluster=None, **more):
    with pytest.raises(Unreachable) as caught:
        gr.connect(kubeconfig=written(tmp_path, "https://127.0.0.1:1", user or {"token": "t"}, cluster), **more)
    text = str(caught.value)
    assert "\n" not in text
    return text.removeprefix(f"{tmp_path}/kubeconfig: not usable: ")


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        ({"server": ""}, "its cluster has no server; correct the kubeconfig"),
        ({"server": "ftp://x"}, "the cluster's server is no URL; write https://host:port"),
        ({"server": "https://x:0"}, "the cluster's server is no URL; write https://host:port"),
        ({"server": "x:6443"}, "the cluster's server is no URL; write https://host:port"),
        ({"server": "https://a:b@x"}, "the cluster's server has a user in its URL; name it in the user's username"),
        ({"certificate-authority-data": "%"}, "the certificate-authority-data is no base64; correct the kubeconfig"),
        (
            {"certificate-authority": "/none"},
            "the certificate-authority /none: No such file or directory; correct the kubeconfig",
        ),
        ({"proxy-url": "ftp://x"}, "the cluster's proxy-url begins neither with http:// nor https:// nor socks5://;"),
    ],
)
def test_r4_4_what_is_wrong_with_the_cluster_is_named(tmp_path, cluster, said):
    assert unusable(tmp_path, cluster=cluster).startswith(said)


def test_r4_4_what_is_wrong_with_the_context_is_named(tmp_path):
    assert unusable(tmp_path, context="d") == "it has no context 'd'; its contexts are c"
    path = Path(written(tmp_path, "https://127.0.0.1:1", {}))
    config = json.loads(path.read_text())
    for kind, said in {
        "users": "the user 'u', whom it has not",
        "clusters": "the cluster 'c', which it has not",
    }.items():
        path.write_text(json.dumps({**config, kind: []}))
        with pytest.raises(Unreachable, match=f"its context 'c' names {said}; it has no {kind}"):
            gr.connect(kubeconfig=path)


def test_r4_4_nobody_is_an_error(tmp_path):
    assert unusable(tmp_path, user={"as": "bob"}).startswith("its user has no credentials, so that you would be nobody")


def test_r4_4_http_where_tls_is_spoken(server, tmp_path):
    server.behave = lambda handler: handler.answer(400, b"Client sent an HTTP request to an HTTPS server.\n")
    with pytest.raises(Unreachable, match=r"^GET http://.*/x: no answer: the server speaks TLS; write https:// in the"):
        authorization(server, written(tmp_path, url(server), {"token": "t"}))


@pytest.mark.parametrize("answer", [b"", b"\x15\x03\x01\x00\x02\x02\x46"], ids=["closes", "alert"])
def test_r4_4_http_where_something_else_is_spoken(server, tmp_path, answer):
    def behave(handler):
        handler.wfile.write(answer)
        handler.close_connection = True

    server.behave = behave
    with pytest.raises(Unreachable, match="if the server speaks TLS, write https:// in the kubeconfig"):
        authorization(server, written(tmp_path, url(server), {"token": "t"}))


def test_r4_4_tls_where_http_is_spoken(server, tmp_path):
    with pytest.raises(Unreachable, match="no answer: the server does not speak TLS; check the port, or write http://"):
        authorization(server, written(tmp_path, url(server).replace("http", "https"), {"token": "t"}))


# R4.10


def test_r4_10_of_token_and_file_the_file_wins_and_is_read_again(server, tmp_path, monkeypatch):
    monkeypatch.setattr("genreconcile.cluster.identity._LOOK_EVERY", 0.0)
    file = tmp_path / "token"
    file.write_text("file\n")
    opened = gr.connect(kubeconfig=written(tmp_path, url(server), {"token": "stale", "tokenFile": "token"}))

    def sent():
        opened.request("GET", "/x")
        return server.seen[-1][2]["Authorization"]

    assert sent() == "Bearer file"
    file.write_text("another\n")
    assert sent() == "Bearer another"
    file.write_text("")
    assert sent() == "Bearer another"
    file.unlink()
    assert sent() == "Bearer another"
    file.write_text("back")
    assert sent() == "Bearer back"


def test_r4_10_the_token_serves_where_the_file_was_never_there(server, tmp_path):
    assert authorization(server, written(tmp_path, url(server), {"token": "t", "tokenFile": "none"})) == "Bearer t"
    who = gr.connect(kubeconfig=written(tmp_path, url(server), {"token": "t", "tokenFile": "none"}))._credentials
    written(tmp_path, url(server), {"token": "u", "tokenFile": "none"})
    assert who.renew(who.current)
    assert who.headers() == [("Authorization", "Bearer u")]
    with pytest.raises(Unreachable, match=r"the user's tokenFile .*/none: No such file"):
        gr.connect(kubeconfig=written(tmp_path, url(server), {"tokenFile": "none"}))


@pytest.mark.parametrize("spelled", ["HTTP", "Http"])
def test_r4_10_a_scheme_in_capitals(server, tmp_path, spelled):
    path = written(tmp_path, url(server).replace("http", spelled) + "/", {"token": "t"})
    assert authorization(server, path) == "Bearer t"
    assert gr.connect(kubeconfig=path).server == url(server)
    assert gr.connect(kubeconfig=written(tmp_path, "HTTPS://HOST:1", {"token": "t"})).server == "https://HOST:1"


def test_a_password(server, tmp_path):
    assert (
        authorization(server, written(tmp_path, url(server), {"username": "a", "password": "ä"}))
        == f"Basic {b64('a:ä'.encode())}"
    )


def jwt(**claims):
    return f"e30.{b64(json.dumps(claims).encode()).rstrip('=')}.x"


@pytest.mark.parametrize(
    ("token", "said"),
    [("", "has no id-token"), (jwt(exp=1), "has expired"), ("x", "has expired"), (jwt(), "has expired")],
)
def test_an_id_token(server, tmp_path, token, said):
    def user(text):
        return {
            "auth-provider": {"name": "oidc", "config": {"idp-issuer-url": "i", "client-id": "c", "id-token": text}}
        }

    valid = jwt(exp=9_999_999_999)
    assert authorization(server, written(tmp_path, url(server), user(valid))) == f"Bearer {valid}"
    with pytest.raises(Unreachable, match=said):
        gr.connect(kubeconfig=written(tmp_path, url(server), user(token)))


def test_over_http_credentials_go_to_this_machine_alone(tmp_path):
    opened = gr.connect(kubeconfig=written(tmp_path, "http://192.0.2.1", {"token": "t"}))
    assert opened._credentials.headers() == []


@pytest.mark.parametrize(
    ("server", "exempt", "found"),
    [
        ("https://a.b:6443", "", "http://p"),
        ("https://a.b:6443", "b", ""),
        ("https://a.b:6443", ".b", ""),
        ("https://a.b:6443", "*.b", ""),
        ("https://a.b:6443", "c, A.B:6443", ""),
        ("https://a.b:6443", "a.b:443", "http://p"),
        ("https://ab:6443", "b", "http://p"),
        ("https://a.b", "*", ""),
        ("https://10.1.2.3", "10.0.0.0/8", ""),
        ("https://10.1.2.3", "11.0.0.0/8,x/y", "http://p"),
        ("https://[fd00::1]:1", "[fd00::1]:1", ""),
        ("https://[fd00::1]:1", "fd00::/8", ""),
        ("https://127.0.0.1", "", ""),
        ("https://localhost", "", ""),
        ("http://a.b", "", ""),
    ],
)
def test_a_proxy_of_the_environment(monkeypatch, server, exempt, found):
    for name in ("https_proxy", "http_proxy", "HTTP_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "p")
    monkeypatch.setenv("NO_PROXY", exempt)
    assert proxy_of(server, "") == found
    assert proxy_of(server, "http://q") == "http://q"


@pytest.mark.parametrize(
    "user",
    [
        {"token": "t", "password": "p"},
        {"client-certificate": "a", "client-certificate-data": "b"},
        {"client-certificate": "a", "client-key": "b", "client-key-data": "c"},
        {"auth-provider": {"name": "gcp"}},
        {"auth-provider": {"name": "oidc"}},
        {"exec": {}},
        {"exec": {"command": "x", "apiVersion": "v1"}},
    ],
)
def test_what_is_ambiguous_is_an_error(tmp_path, user):
    assert unusable(tmp_path, user=user).endswith("; correct the kubeconfig")


def test_a_header_that_cannot_be_sent_is_told_before(server, tmp_path):
    with pytest.raises(Unauthorized, match="the header authorization cannot be sent"):
        authorization(server, written(tmp_path, url(server), {"token": "a\nb"}))


# R4.14


def test_r4_14_the_package_is_the_command_line():
    environment = {**os.environ, "PYTHONPATH": str(Path(gr.__file__).parents[1])}
    command = [sys.executable, "-m", "genreconcile"]
    done = subprocess.run([*command, "--help"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["Usage:", "genreconcile"])
    done = subprocess.run([*command, "nonsense"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
