"""A real mutating admission webhook: an HTTPS server of our own, which the API server calls."""

import base64
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from genreconcile.testing.certificates import Authority

HOST = "127.0.0.1"


class Webhook:
    """``mutate`` takes the object under admission and returns the operations of a JSON patch. A context manager.

    ``refuses`` is True, or a function of the object that returns the message of a refusal, or its whole Status as a
    dict, "" for none. At a deletion the object is the one that is to go.
    """

    def __init__(self, folder, mutate):
        self.mutate = mutate
        self.calls = 0
        self.refuses = False
        authority = Authority()
        self.authority = authority.credential.certificate
        certificate = authority.server(["localhost"], [HOST])
        file = folder / "webhook.pem"
        file.write_bytes(certificate.certificate + certificate.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def configuration(self, name, namespace, rule):
        """A MutatingWebhookConfiguration that sends what ``rule`` selects in one namespace here."""
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [
                {
                    "name": f"{name}.example.com",
                    "clientConfig": {
                        "url": f"https://{HOST}:{self._server.server_address[1]}/mutate",
                        "caBundle": base64.b64encode(self.authority).decode(),
                    },
                    "rules": [{"operations": ["CREATE", "UPDATE"], **rule}],
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                }
            ],
        }

    def refusal(self, obj):
        """The message or Status with which the object is refused, "" where it is not."""
        if callable(self.refuses):
            return self.refuses(obj)
        return "denied by the test" if self.refuses else ""

    def _handler(self):
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
                webhook.calls += 1
                obj = request["object"] or request["oldObject"]
                operations = webhook.mutate(obj)
                refusal = webhook.refusal(obj)
                body = json.dumps(review(request["uid"], operations, refusal)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Say nothing on standard error."""

        return Handler


def review(uid, operations, refusal):
    """The AdmissionReview that answers a request: refused with a message, or allowed with changes."""
    response = {"uid": uid, "allowed": not refusal}
    if refusal:
        response["status"] = refusal if isinstance(refusal, dict) else {"message": refusal}
    elif operations:
        patch = base64.b64encode(json.dumps(operations).encode()).decode()
        response |= {"patchType": "JSONPatch", "patch": patch}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
