"""Kubeconfigs, programs that grant credentials, and a TLS server that says whom it sees."""

from __future__ import annotations

import base64
import http.server
import json
import ssl
import threading

V1 = "client.authentication.k8s.io/v1"


def b64(data):
    return base64.b64encode(data).decode()


def written(folder, server, user, cluster=None, name="kubeconfig"):
    """The path of a kubeconfig."""
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "u", "user": user}],
    }
    (folder / name).write_text(json.dumps(config))
    return str(folder / name)


def program(folder, script, **more):
    """A user whose credentials come from a shell script."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return {"exec": {"apiVersion": V1, "command": str(path), "interactiveMode": "Never", **more}}


class Granting:
    """A program that does as it is told: grants what ``status`` says, or fails with ``words``; it notes each run."""

    def __init__(self, folder):
        self._answer, self._words, self._runs = folder / "answer", folder / "words", folder / "runs"
        self._runs.touch()
        script = f"echo >> {self._runs}; if test -e {self._words}; then cat {self._words} >&2; exit 7; fi; "
        self.user = program(folder, f"{script}cat {self._answer}")

    def grant(self, **status):
        self._words.unlink(missing_ok=True)
        self._answer.write_text(json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": status}))

    def fail(self, words):
        self._words.write_text(words)

    @property
    def runs(self):
        return len(self._runs.read_text())


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        certificate = self.connection.getpeercert() or {}
        names = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
        if "watch" in self.path:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"1\r\nx\r\n")
            self.server.over.wait(20)
            return
        body = json.dumps([names[0] if names else "", self.client_address[1]]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Seeing:
    """A TLS server: answers each GET with the name in the client's certificate and the client's port."""

    def __init__(self, authority, folder):
        credential = authority.server(["localhost"], ["127.0.0.1"])
        for name, content in {"s.crt": credential.certificate, "s.key": credential.key}.items():
            (folder / name).write_bytes(content)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "s.crt", folder / "s.key")
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=authority.credential.certificate.decode())
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self._server.over = threading.Event()
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self.cluster = {"certificate-authority-data": b64(authority.credential.certificate)}
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self):
        self._server.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(45)
