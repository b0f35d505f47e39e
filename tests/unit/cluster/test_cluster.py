"""The adapter over a plain HTTP server on the loopback interface, and the mapping of errors."""

import contextlib
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from kubernetes.client import Configuration

from genreconcile.cluster import DynamicCluster, Interrupt, Preview, connect, status_error
from genreconcile.errors import (
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Throttled,
    Unauthorized,
    Unreachable,
)
from support.ways import by_exchange

pytestmark = pytest.mark.usefixtures("way")

JSON_PATCH = "application/json-patch+json"
RAW = '[{"op":"test","path":"/data/k","value":"ä\\u003c\\u2028<"}]'.encode()


def test_importing_costs_no_client():
    code = "import sys, genreconcile.cluster; sys.exit('kubernetes' in sys.modules or 'urllib3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_bytes_and_types_go_out_unchanged(server, cluster):
    for content_type in (
        JSON_PATCH,
        "application/json",
        "application/merge-patch+json",
        "application/apply-patch+yaml",
    ):
        assert cluster.request("PATCH", "/x", query={"a": "b c"}, body=RAW, content_type=content_type) == b"{}"
        method, path, headers, body = server.seen.pop()
        assert (method, path, body) == ("PATCH", "/x?a=b%20c", RAW)
        assert headers["Content-Type"] == content_type


def first_piece(listener):
    """What one read finds of a request, which is answered."""
    connection, _ = listener.accept()
    with connection:
        piece = connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        return piece


@by_exchange
def test_header_and_body_go_out_in_one_piece():
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        found = pool.submit(first_piece, listener)
        cluster = DynamicCluster(Configuration(host=f"http://127.0.0.1:{listener.getsockname()[1]}"))
        assert cluster.request("POST", "/x", body=RAW) == b"{}"
        header, _, body = found.result(timeout=30).partition(b"\r\n\r\n")
        cluster.close()
    assert header.startswith(b"POST /x HTTP/1.1\r\n")
    assert body == RAW


def test_headers(server, cluster):
    cluster.request("GET", "/x", accept="application/json;as=Table")
    headers = {name.lower(): value for name, value in server.seen[0][2].items()}
    assert headers["accept"] == "application/json;as=Table"
    assert headers["authorization"] == "Bearer token-of-the-user"
    assert headers["user-agent"] == "genreconcile"


def test_a_client_configuration_is_not_changed_nor_made_the_default():
    from kubernetes.client import Configuration

    configuration = Configuration(host="http://127.0.0.1:1")
    before = dict(vars(configuration))
    DynamicCluster(configuration)
    assert vars(configuration) == before
    assert Configuration._default is None


def test_redirects_are_not_followed(server, cluster):
    server.behave = lambda handler: handler.answer(302, Location="http://127.0.0.1:1/elsewhere")
    with pytest.raises(ClusterError) as caught:
        cluster.request("GET", "/x")
    assert caught.value.status == 302
    assert len(server.seen) == 1


def drop(handler):
    handler.close_connection = True


def test_a_write_is_not_sent_twice(server, cluster):
    server.behave = drop
    with pytest.raises(Unreachable, match=r"POST .*: no answer: RemoteDisconnected"):
        cluster.request("POST", "/x", body=b"{}")
    assert len(server.seen) == 1


def test_a_read_is_sent_again_once(server, cluster):
    server.behave = lambda handler: drop(handler) if len(server.seen) == 1 else handler.answer(body=b"[]")
    assert cluster.request("GET", "/x") == b"[]"
    server.behave = drop
    with pytest.raises(Unreachable):
        cluster.request("GET", "/x")
    assert len(server.seen) == 4


def test_no_answer_in_time(server, cluster):
    server.behave = lambda _: server.release.wait(45)
    with pytest.raises(Unreachable, match=r"no answer: TimeoutError: .*timed out; check the address"):
        cluster.request("GET", "/x", timeout=0.02)


def test_nobody_listens():
    from kubernetes.client import Configuration

    configuration = Configuration(host="http://127.0.0.1:1")
    configuration.no_proxy = "*"
    with pytest.raises(Unreachable, match="Connection refused") as caught:
        DynamicCluster(configuration).request("GET", "/x")
    assert caught.value.status == 0
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_chunks_arrive_as_they_are_sent(server, cluster):
    def behave(handler):
        handler.chunks(b"one\n", b"two\n")
        server.release.wait(45)
        handler.chunks  # noqa: B018 - the connection stays open until then
        handler.wfile.write(b"0\r\n\r\n")

    server.behave = behave
    with cluster.stream("/x", query={"watch": "true"}, read_timeout=45) as chunks:
        found = b""
        while len(found) < 8:
            found += next(chunks)
        assert found == b"one\ntwo\n"
        server.release.set()
        assert list(chunks) == []


def test_large_chunks_come_in_pieces(server, cluster):
    def behave(handler):
        handler.chunks(b"x" * 200_000)
        handler.wfile.write(b"0\r\n\r\n")

    server.behave = behave
    with cluster.stream("/x", query={}, read_timeout=45) as chunks:
        pieces = list(chunks)
    assert sum(map(len, pieces)) == 200_000
    assert max(map(len, pieces)) <= 64 * 1024


def test_a_stream_that_is_cut(server, cluster):
    def behave(handler):
        handler.chunks(b"one\n")
        handler.close_connection = True

    server.behave = behave
    with cluster.stream("/x", query={}, read_timeout=45) as chunks:
        assert next(chunks) == b"one\n"
        with pytest.raises(Unreachable):
            next(chunks)


def test_a_stream_that_is_silent(server, cluster):
    def behave(handler):
        handler.chunks(b"one\n")
        server.release.wait(45)

    server.behave = behave
    with cluster.stream("/x", query={}, read_timeout=0.05) as chunks:
        assert next(chunks) == b"one\n"
        with pytest.raises(Unreachable, match="timed out"):
            next(chunks)


def test_a_stream_that_is_refused(server, cluster):
    server.behave = lambda handler: handler.answer(410, b'{"apiVersion":"v1","reason":"Expired","message":"too old"}')
    with pytest.raises(Gone, match="410 Expired: too old"), cluster.stream("/x", query={}, read_timeout=45):
        pass


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "headers"])
def test_an_interrupt_ends_a_blocked_read(server, cluster, streaming):
    reached = threading.Event()
    ended = []

    def behave(handler):
        if streaming:
            handler.chunks(b"one\n")
        reached.set()
        server.release.wait(45)

    def read():
        try:
            with interrupt, cluster.stream("/x", query={}, read_timeout=60) as chunks:
                list(chunks)
        except Unreachable as error:
            ended.append(error)

    server.behave = behave
    interrupt = Interrupt()
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert reached.wait(45)
    started = time.monotonic()
    interrupt.set()
    thread.join(45)
    assert time.monotonic() - started < 30
    assert ended


def test_an_interrupt_ends_the_requests_of_all_its_threads(server, cluster):
    def ask():
        try:
            with interrupt:
                cluster.request("GET", "/x", timeout=60)
        except Unreachable as error:
            return error
        return None

    reached = threading.Semaphore(0)
    server.behave = lambda _: (reached.release(), server.release.wait(45))
    interrupt = Interrupt()
    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        assert all(reached.acquire(timeout=45) for _ in asking)
        started = time.monotonic()
        interrupt.set()
        assert all(found.result(timeout=45) for found in asking)
        assert time.monotonic() - started < 30


def test_the_first_bytes_of_an_answer_are_seen_before_the_rest_has_come(server, cluster):
    def answer(handler):
        handler.chunks(b"first ")
        handler.wfile.flush()
        seen.acquire(timeout=45)
        handler.send_chunk(b"and the rest")
        handler.send_chunk(b"")

    server.behave = answer
    seen, shown = threading.Semaphore(0), []
    with Preview(lambda part: (shown.append(part), seen.release())):
        assert cluster.request("GET", "/x") == b"first and the rest"
    assert shown == [b"first "]
    server.behave = lambda handler: handler.answer(200, b"{}")
    assert cluster.request("GET", "/x") == b"{}"
    assert shown == [b"first "], "it is over"


@pytest.mark.parametrize(("code", "body"), [(200, b""), (410, b'{"apiVersion":"v1"}')])
def test_of_an_error_and_of_an_empty_answer_nothing_is_shown(server, cluster, code, body):
    server.behave = lambda handler: handler.answer(code, body)
    shown = []
    with Preview(shown.append), contextlib.suppress(Gone):
        cluster.request("GET", "/x")
    assert server.seen
    assert not shown


def test_an_interrupt_that_is_set_ends_later_requests_too(cluster):
    interrupt = Interrupt()
    interrupt.set()
    with pytest.raises(Unreachable), interrupt:
        cluster.request("GET", "/x")
    assert cluster.request("GET", "/x") == b"{}"


def test_an_interrupt_spares_a_connection_that_went_on_to_another_thread(server, cluster):
    interrupt = Interrupt()
    with interrupt:
        cluster.request("GET", "/x")
        (late,) = interrupt._ends.values()
    server.behave = lambda handler: (late(), handler.answer())
    assert cluster.request("POST", "/x", body=b"{}") == b"{}"


def test_the_token_appears_in_no_message_or_log(server, cluster, caplog):
    caplog.set_level(logging.DEBUG)
    server.behave = lambda handler: handler.answer(401, b"token-of-the-user")
    with pytest.raises(Unauthorized, match="401") as caught:
        cluster.request("GET", "/x")
    assert "token-of" not in caplog.text + str(caught.value) + repr(caught.value.details)


def test_retry_after(server, cluster):
    server.behave = lambda handler: handler.answer(429, Retry_After=7)
    with pytest.raises(Throttled) as caught:
        cluster.request("GET", "/x")
    assert caught.value.retry_after == 7.0


def test_an_explanation_that_is_nested_deeply_hides_no_status(server, cluster):
    server.behave = lambda handler: handler.answer(403, b'{"apiVersion":"v1","message":' + b"[" * 200_000)
    with pytest.raises(Forbidden, match="403 : no explanation"):
        cluster.request("GET", "/x")


def test_an_error_page_of_a_proxy(server, cluster):
    server.behave = lambda handler: handler.answer(502, b"<html>password</html>")
    with pytest.raises(ClusterError, match=r"GET http://.*/x: 502 : no explanation$") as caught:
        cluster.request("GET", "/x")
    assert caught.value.status == 502


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, Gone),
        (413, ClusterError),
        (422, Invalid),
        (429, Throttled),
        (500, ClusterError),
        (503, ClusterError),
    ],
)
def test_errors_by_status(code, error):
    found = status_error("GET /x", {"code": code, "reason": "R", "message": "m", "details": {"kind": "k"}})
    assert type(found) is error
    assert (found.status, found.reason, found.details) == (code, "R", {"kind": "k"})
    assert str(found).startswith(f"GET /x: {code} R: m")


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [
        ("5", {}, 5.0),
        (None, {"retryAfterSeconds": 3}, 3.0),
        (None, {}, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", {}, None),
    ],
)
def test_retry_after_of_header_and_details(header, details, seconds):
    assert status_error("x", {"code": 429, "details": details}, header).retry_after == seconds


POLICY = "TheSortOfPolicy 'even' with binding 'shop' denied request"


def invalid(*messages, message="the whole object: hunter2"):
    causes = [{"field": f"spec.f{index}", "reason": "R", "message": text} for index, text in enumerate(messages)]
    details = {"name": "a", "kind": "k", "causes": causes}
    return status_error("PATCH /x", {"code": 422, "reason": "Invalid", "message": message, "details": details})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('Invalid value: "hunter2": must be short', "Invalid value: must be short"),
        ('Invalid value: "hunter2: x": must be short', "Invalid value: must be short"),
        (r'Invalid value: "hun\"ter2: hunter2": must be short', "Invalid value: must be short"),
        ("Invalid value: 70000: must be between 1 and 65535", "Invalid value: must be between 1 and 65535"),
        ("Invalid value: -1: must be positive", "Invalid value: must be positive"),
        ("Invalid value: true: must be false", "Invalid value: must be false"),
        ('Invalid value: "hunter2": hunter2 is bad', "Invalid value"),
        ("Invalid value: hunter2 is bad: x", "Invalid value"),
        (
            'Invalid value: "string": spec.i must be of type integer: "string"',
            "Invalid value: spec.i must be of type integer",
        ),
        ('Invalid value: core.Secret{Data: "hunter2"}: field is immutable', "Invalid value: field is immutable"),
        ('Invalid value: {"data":{"k":"hunter2"}}: field is immutable', "Invalid value: field is immutable"),
        ('Invalid value: {"data":{"k":"hunter2"}}: hunter2 is bad', "Invalid value"),
        (f"Invalid value: {{}}: {POLICY}: x", f"Invalid value: {POLICY}: x"),
        ('Invalid value: "x": Invalid value: "hunter2"', "Invalid value: Invalid value"),
        ('Invalid value: "hunter2', "Invalid value"),
        ('Duplicate value: "hunter2"', "Duplicate value"),
        ('Unsupported value: "hunter2": supported values: "A", "B"', 'Unsupported value: supported values: "A", "B"'),
        ('Not found: "hunter2"', "Not found"),
        ("Required value: give a name", "Required value: give a name"),
        ("Required value", "Required value"),
        ("Forbidden: updates are forbidden", "Forbidden: updates are forbidden"),
        ("Too long: may not be more than 63 bytes", "Too long: may not be more than 63 bytes"),
    ],
)
def test_values_are_left_out_of_causes(text, shown):
    error = invalid(text)
    assert error.details["causes"] == [{"field": "spec.f0", "reason": "R", "message": shown}]
    assert str(error) == f"PATCH /x: 422 Invalid: spec.f0: {shown}"
    assert "hunter2" not in str(error) + repr(error.details)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{POLICY}: replicas: must be even", f"{POLICY}: replicas: must be even"),
        ("P 'even' denied request: ask ops", "P 'even' denied request: ask ops"),
        (f"{POLICY}: it holds hunter2\nand more", f"{POLICY}: it holds ***\nand more"),
        (f'{POLICY}: spec: Invalid value: "x"', f"{POLICY}: spec: Invalid value"),
    ],
)
def test_the_words_of_a_policy_are_shown_where_secrets_are_masked(text, shown):
    details = {"causes": [{"message": text}]}
    status = {"code": 422, "reason": "Invalid", "message": f"things is forbidden: {text}", "details": details}
    error = status_error("POST /x", status, hide=lambda said: said.replace("hunter2", "***"))
    assert str(error) == f"POST /x: 422 Invalid: object: {shown}"
    assert error.details["causes"] == [{"message": shown}]
    unmasked = status_error("POST /x", status)  # Of a watch, say: nothing was sent.
    assert unmasked.details["causes"] == [{"message": shown.partition(": ")[0]}]


def test_all_causes_are_told_once():
    assert str(invalid("Required value", "Required value")).endswith("spec.f0: Required value; spec.f1: Required value")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            'Secret "a" is invalid: data[k]: Invalid value: "hunter2": bad',
            'Secret "a" is invalid: data[k]: Invalid value: bad',
        ),
        ("error found in #10 byte of ...|hunter2|...", "error found in"),
        ('unknown field "spec.replcas"', 'unknown field "spec.replcas"'),
        ('admission webhook "x" denied the request: no', 'admission webhook "x" denied the request: no'),
        ("", "no explanation"),
    ],
)
def test_values_are_left_out_of_messages(message, shown):
    error = status_error("POST /x", {"code": 400, "reason": "BadRequest", "message": message})
    assert str(error) == f"POST /x: 400 BadRequest: {shown}"


def test_a_status_of_strange_types_is_an_error_all_the_same():
    found = status_error("x", {"code": "500", "reason": None, "message": None, "details": {"causes": ["text", None]}})
    assert (found.status, str(found)) == (0, "x: 0 : no explanation")


def test_connect_without_a_configuration(tmp_path, monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Unreachable, match=r"none\.yaml: not usable: .*; name a file"):
        connect(kubeconfig=str(tmp_path / "none.yaml"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none.yaml"))
    with pytest.raises(Unreachable, match="kubeconfig: not usable: Service host/port is not set"):
        connect()


def test_connect_by_context(tmp_path):
    def named(name, **what):
        return {"name": name, **what}

    config = {
        "current-context": "one",
        "contexts": [named(n, context={"cluster": n, "user": "u"}) for n in ("one", "two")],
        "clusters": [named(n, cluster={"server": f"https://{n}.example"}) for n in ("one", "two")],
        "users": [named("u", user={"token": "t"})],
    }
    file = tmp_path / "config"
    file.write_text(json.dumps(config))
    assert connect(kubeconfig=str(file)).server == "https://one.example"
    assert connect(kubeconfig=str(file), context="two").server == "https://two.example"


def test_an_unverified_certificate_is_told(caplog):
    from kubernetes.client import Configuration

    configuration = Configuration(host="https://127.0.0.1:1")
    configuration.verify_ssl = False
    DynamicCluster(configuration)
    assert "certificate is not verified" in caplog.text


def test_credentials_that_cannot_be_renewed(cluster):
    from kubernetes.config import ConfigException

    def renew(_):
        raise ConfigException("no token file")

    cluster._client.configuration.refresh_api_key_hook = renew
    with pytest.raises(Unauthorized, match="no credentials: no token file"):
        cluster.request("GET", "/x")


def test_many_threads(server, cluster):
    server.behave = lambda handler: handler.answer(body=handler.path.encode())
    wrong = []

    def ask(number):
        for index in range(20):
            path = f"/{number}/{index}"
            if cluster.request("GET", path) != path.encode():
                wrong.append(path)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(45)
    assert wrong == []
    assert len(server.seen) == 80


def test_a_namespace_that_ends_is_no_matter_of_rights():
    causes = [
        {"reason": "NamespaceTerminating", "message": "namespace x is being terminated", "field": "metadata.namespace"}
    ]
    status = {"code": 403, "reason": "Forbidden", "message": "forbidden", "details": {"causes": causes}}
    error = status_error("POST /x", status)
    assert str(error) == (
        "POST /x: 403 Forbidden: metadata.namespace: namespace x is being terminated; "
        "wait until the namespace is gone, and create it anew"
    )
    assert "have it allowed by RBAC" in str(status_error("POST /x", {**status, "details": {}}))


def kubeconfig_with_token_file(server, folder):
    (folder / "token").write_text("old")
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "c", "user": {"tokenFile": str(folder / "token")}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config))
    return str(folder / "kubeconfig")


def only(token):
    def behave(handler):
        accepted = handler.headers["Authorization"] == f"Bearer {token}"
        handler.answer(200 if accepted else 401)

    return behave


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_token_that_was_rotated_is_read_again(server, tmp_path, method):
    opened = connect(kubeconfig=kubeconfig_with_token_file(server, tmp_path))
    server.behave = only("new")
    (tmp_path / "token").write_text("new")
    assert opened.request(method, "/x") == b"{}"
    assert opened.request("GET", "/x") == b"{}"
    assert len(server.seen) == 3
    opened.close()


def test_a_token_that_stays_refused_is_not_read_with_each_request(server, tmp_path, monkeypatch):
    opened = connect(kubeconfig=kubeconfig_with_token_file(server, tmp_path))
    server.behave = only("new")
    for _ in range(3):
        with pytest.raises(Unauthorized):
            opened.request("GET", "/x")
    assert len(server.seen) == 3
    (tmp_path / "token").write_text("new")
    monkeypatch.setattr("genreconcile.cluster.credentials._NOT_AGAIN_WITHIN", 0.0)
    assert opened.request("GET", "/x") == b"{}"
    (tmp_path / "token").unlink()
    server.behave = only("newer")
    with pytest.raises(Unreachable, match="not usable"):
        opened.request("GET", "/x")
    opened.close()
