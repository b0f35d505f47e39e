"""Kubeconfigs, programs that grant credentials, and a TLS server that says whom it sees."""

from __future__ import annotations

import base64
import json
import ssl
import threading

from genreconcile.testing.fake.wire import Answer, Dropped, json_answer
from support.api.listener import Exchange, Listener
from support.api.tls import server_context

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


class _Exchange(Exchange):
    def serve(self, request):
        certificate = self.connection.getpeercert() or {}
        names = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
        if "watch" in request.path:
            self.send(Answer(200, self._watch()))
        else:
            self.send(json_answer([names[0] if names else "", self.client_address[1]]))

    def _watch(self):
        yield b"x"
        self.server.over.wait(20)
        raise Dropped


class Seeing(Listener):
    """A TLS server: answers each GET with the name in the client's certificate and the client's port."""

    def __init__(self, authority):
        self.over = threading.Event()
        super().__init__(_Exchange, context=server_context(authority))
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.context.load_verify_locations(cadata=authority.credential.certificate.decode())
        self.cluster = {"certificate-authority-data": b64(authority.credential.certificate)}
        self.start()

    def close(self):
        self.over.set()
        super().close()
