"""Credentials and bodies stay inside of the connection: no message, log, printout or chained error has them."""

import contextlib
import json
import logging

import pytest

from genreconcile.cluster import DynamicCluster, connect
from genreconcile.errors import ClusterError, Unauthorized, Unreachable
from support.canary import Canary, Records, texts_of

pytestmark = pytest.mark.usefixtures("way")

CANARY = Canary("c4n4ry-v4lu3-0123456789-abcdef")


def hits(*texts):
    return [text for text in texts if CANARY.hits(text)]


def opened(server, token, **settings):
    from kubernetes.client import Configuration

    configuration = Configuration(host=f"http://127.0.0.1:{server.server_port}")
    configuration.no_proxy = "*"
    configuration.api_key = {"authorization": f"Bearer {token}"}
    for name, value in settings.items():
        setattr(configuration, name, value)
    return DynamicCluster(configuration)


@pytest.fixture
def records():
    handler, root = Records(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("end", ["\r\nx", "\0", "\u00e4", "\u20ac"], ids=ascii)
def test_a_token_that_no_header_may_hold(server, records, end):
    with pytest.raises(Unauthorized, match="the header authorization cannot be sent") as caught:
        opened(server, CANARY.text + end).request("GET", "/x")
    assert hits(*texts_of(caught.value), *records) == []
    assert server.seen == []


def test_the_line_break_at_the_end_of_a_token_file_is_no_part_of_it(server):
    opened(server, "abc\n").request("GET", "/x")
    headers = {name.lower(): value for name, value in server.seen[0][2].items()}
    assert headers["authorization"] == "Bearer abc"


@pytest.fixture
def debugging():
    import http.client

    before = http.client.HTTPConnection.debuglevel
    logger = logging.getLogger("urllib3")
    level = logger.level
    yield
    http.client.HTTPConnection.debuglevel = before
    logger.setLevel(level)


@pytest.mark.usefixtures("debugging")
def test_a_client_that_debugs_prints_no_headers(server, records, capfd):
    opened(server, CANARY.text, debug=True).request("POST", "/x", body=CANARY.text.encode())
    out, err = capfd.readouterr()
    assert server.seen
    assert hits(out, err, *records) == []


def test_a_server_with_credentials_in_its_url(server, records):
    host = f"http://user:{CANARY.text}@127.0.0.1:{server.server_port}"
    cluster = opened(server, "t", host=host)
    server.behave = lambda handler: handler.answer(500)
    with pytest.raises(ClusterError, match="500") as caught:
        cluster.request("GET", "/x")
    assert cluster.server == f"http://127.0.0.1:{server.server_port}"
    assert hits(*texts_of(caught.value), *records) == []


def test_an_answer_that_falls_out_of_step_is_not_quoted(server, records):
    def behave(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"2\r\n{}\r\n" + CANARY.text.encode() + b"\r\n")

    server.behave = behave
    with pytest.raises(Unreachable) as caught:
        opened(server, "t").request("GET", "/x")
    assert hits(str(caught.value), repr(caught.value), *records) == []


def test_a_header_that_is_none_is_not_quoted(server, records, way):
    def behave(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n")
        handler.wfile.write(CANARY.text.encode() + b"\r\nX: 1\r\n\r\n{}")

    server.behave = behave
    with pytest.raises(Unreachable) if way == "exchange" else contextlib.nullcontext() as caught:
        opened(server, "t").request("GET", "/x")
    assert server.seen
    assert hits(str(caught and caught.value), repr(caught and caught.value), *records) == []


@pytest.mark.parametrize("code", [400, 403, 404, 409, 410, 422, 429, 500, 503])
def test_no_status_quotes_a_value(server, records, code):
    echo = f'data[k]: Invalid value: "{CANARY.text}": bad'
    causes = [{"reason": "FieldValueInvalid", "message": f'Invalid value: "{CANARY.text}": bad', "field": "data[k]"}]
    for details in (None, {"causes": causes}):
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "code": code,
            "reason": "x",
            "message": echo,
            "details": details,
        }
        server.behave = lambda handler, status=status: handler.answer(code, json.dumps(status).encode())
        with pytest.raises(ClusterError, match=str(code)) as caught:
            opened(server, CANARY.text).request("POST", "/x", body=CANARY.text.encode())
        assert hits(*texts_of(caught.value), *records) == []


SECRETS = "/api/v1/namespaces/shop/secrets"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", SECRETS, {"apiVersion": "v1", "kind": "Secret", "stringData": {"k": CANARY.text}}),
        ("POST", SECRETS, {"data": {"k": CANARY.base64}}),
        ("PUT", f"{SECRETS}/a", {"data": CANARY.text}),
        ("PATCH", f"{SECRETS}/a", [{"op": "add", "path": "/data/k", "value": CANARY.base64}]),
        ("PATCH", f"{SECRETS}/a", [{"op": "add", "path": "", "value": {"data": [CANARY.text]}}]),
        ("PATCH", f"{SECRETS}/a", CANARY.text),
    ],
)
def test_the_words_of_a_webhook_do_not_quote_a_secret(server, records, method, path, body):
    for echo in (CANARY.text, CANARY.base64, json.dumps(body)):
        message = f'admission webhook "x" denied the request: {echo}'
        status = {"apiVersion": "v1", "message": message, "details": {"causes": [{"message": echo, "field": echo}]}}
        server.behave = lambda handler, status=status: handler.answer(403, json.dumps(status).encode())
        with pytest.raises(ClusterError, match="403") as caught:
            opened(server, "t").request(method, path, body=json.dumps(body).encode())
        assert hits(*texts_of(caught.value), *records) == []


DENIED = ['admission webhook "x" denied the request', "P 'even' with binding 'b' denied request"]
"""Of these the latter names its words as a cause, too."""


@pytest.mark.parametrize("denied", DENIED)
@pytest.mark.parametrize(
    "sent",
    [
        ("POST", {"stringData": {"k": CANARY.text}}, "of team x"),
        ("PUT", {"stringData": {"k": CANARY.text}}, "of team x"),
        ("PATCH", [{"op": "add", "path": "/data/k", "value": CANARY.base64}], "of team x"),
        ("PATCH", {"metadata": {"labels": {"a": "b"}}}, "not shown"),
        ("DELETE", {"kind": "DeleteOptions"}, "not shown"),
        ("DELETE", None, "not shown"),
    ],
)
def test_of_what_was_not_sent_admission_says_nothing(server, records, denied, sent):
    """It may quote the object that is there, of which the connection knows nothing."""
    method, body, shown = sent
    message = f"{denied}: {CANARY.text} of team x"
    causes = {} if denied is DENIED[0] else {"causes": [{"message": message}]}
    status = {"apiVersion": "v1", "message": message, "details": {"name": "a", **causes}}
    server.behave = lambda handler: handler.answer(422, json.dumps(status).encode())
    data = None if body is None else json.dumps(body).encode()
    with pytest.raises(ClusterError, match=denied) as caught:
        opened(server, "t").request(method, f"{SECRETS}/a", body=data)
    assert hits(*texts_of(caught.value), *records) == []
    assert shown in str(caught.value)
    assert ("of team x" in str(caught.value)) is (shown == "of team x")
    assert caught.value.details["name"] == "a"


def test_the_words_of_a_webhook_are_shown_where_they_quote_nothing(server):
    message = 'admission webhook "x" denied the request: the label team is missing'
    server.behave = lambda handler: handler.answer(403, json.dumps({"apiVersion": "v1", "message": message}).encode())
    body = json.dumps({"stringData": {"k": CANARY.text}}).encode()
    with pytest.raises(ClusterError, match="the label team is missing"):
        opened(server, "t").request("POST", SECRETS, body=body)
    with pytest.raises(ClusterError, match="the label team is missing"):
        opened(server, "t").request("POST", "/apis/x/v1/secrets", body=b"{")
    with pytest.raises(ClusterError, match="not shown"):
        opened(server, "t").request("POST", SECRETS, body=b"{")


def users(user):
    return {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": user,
    }


@pytest.mark.parametrize(
    "text",
    [
        f"users: [{{name: u, user: {{token: {CANARY.text}}}",
        f"token: !{CANARY.text} x",
        f"token: *{CANARY.text}",
        f"- {CANARY.text}",
        CANARY.text,
        json.dumps(users(CANARY.text)),
        json.dumps(users([CANARY.text])),
        json.dumps(users([{"name": "u", "user": CANARY.text}])),
        json.dumps(users([{"name": "u", "user": [CANARY.text]}])),
        json.dumps(users([{"name": "u", "user": {"client-key-data": CANARY.text, "client-certificate-data": "!"}}])),
        json.dumps({**users([]), "clusters": [{"name": "c", "cluster": {"certificate-authority-data": CANARY.text}}]}),
        f"\ud800{CANARY.text}",
        f"a\0{CANARY.text}",
    ],
    ids=range(13),
)
def test_a_malformed_kubeconfig_is_not_quoted(tmp_path, text):
    file = tmp_path / "config"
    file.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(Unreachable, match=r"not usable|no answer") as caught:
        connect(kubeconfig=str(file)).request("GET", "/x")
    assert hits(*texts_of(caught.value)) == []
