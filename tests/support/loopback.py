"""A plain HTTP server on the loopback interface that answers as a test says, and a connection to it."""

from __future__ import annotations

import http.server
import threading

import pytest

from genreconcile.cluster import DynamicCluster


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        self.server.behave(self)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any  # noqa: N815 - the base class's names

    def answer(self, code=200, body=b"{}", **headers):
        self.send_response(code)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def chunks(self, *chunks):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as opened:
        opened.daemon_threads = True
        opened.seen = []
        opened.behave = Handler.answer
        opened.release = threading.Event()
        thread = threading.Thread(target=opened.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        yield opened
        opened.release.set()
        opened.shutdown()


@pytest.fixture
def cluster(server):
    from kubernetes.client import Configuration

    configuration = Configuration(host=f"http://127.0.0.1:{server.server_port}")
    configuration.no_proxy = "*"
    configuration.api_key = {"authorization": "Bearer token-of-the-user"}
    opened = DynamicCluster(configuration)
    yield opened
    opened.close()
