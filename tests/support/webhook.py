"""Real webhooks, of admission and of conversion: HTTPS servers of our own, which the API server calls."""

import base64
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from genreconcile.testing.certificates import Authority

HOST = "127.0.0.1"


class Served:
    """An HTTPS server on this machine. A context manager; ``answer`` makes the answer to what was posted.

    ``is_down``: connections are closed without a word.
    """

    def __init__(self, folder):
        self.calls = 0
        self.is_down = False
        authority = Authority()
        self.authority = authority.credential.certificate
        certificate = authority.server(["localhost"], [HOST])
        file = folder / "webhook.pem"
        file.write_bytes(certificate.certificate + certificate.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        # The handshake is left to the threads of handlers: else a connection that says nothing holds up all others.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def client_config(self):
        """How the API server reaches it."""
        return {
            "url": f"https://{HOST}:{self._server.server_address[1]}/",
            "caBundle": base64.b64encode(self.authority).decode(),
        }

    def answer(self, posted):
        """The body of the answer."""
        raise NotImplementedError

    def _handler(self):
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                served.calls += 1
                if served.is_down:
                    self.close_connection = True
                    return
                body = json.dumps(served.answer(posted)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Say nothing on standard error."""

        return Handler


class Webhook(Served):
    """``mutate`` takes the object under admission and returns the operations of a JSON patch. A context manager.

    ``refuses`` is True, or a function of the object that returns the message of a refusal, or its whole Status as a
    dict, "" for none. At a deletion the object is the one that is to go.
    """

    def __init__(self, folder, mutate):
        super().__init__(folder)
        self.mutate = mutate
        self.refuses = False

    def answer(self, posted):
        request = posted["request"]
        obj = request["object"] or request["oldObject"]
        return review(request["uid"], self.mutate(obj), self.refusal(obj))

    def configuration(self, name, namespace, rule):
        """A MutatingWebhookConfiguration that sends what ``rule`` selects in one namespace here."""
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [
                {
                    "name": f"{name}.example.com",
                    "clientConfig": self.client_config,
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


class Converter(Served):
    """``convert`` takes an object and the version that is wanted, and returns the object in that version.

    ``refuses``: each conversion fails with this message, "" for none.
    """

    def __init__(self, folder, convert):
        super().__init__(folder)
        self.convert = convert
        self.refuses = ""

    @property
    def conversion(self):
        """What a definition says to have its objects converted here."""
        webhook = {"clientConfig": self.client_config, "conversionReviewVersions": ["v1"]}
        return {"strategy": "Webhook", "webhook": webhook}

    def answer(self, posted):
        request = posted["request"]
        response = {"uid": request["uid"], "result": {"status": "Success"}}
        if self.refuses:
            response["result"] = {"status": "Failure", "message": self.refuses}
        else:
            wanted = request["desiredAPIVersion"]
            response["convertedObjects"] = [self._converted(obj, wanted) for obj in request["objects"]]
        return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "response": response}

    def _converted(self, obj, wanted):
        if obj["apiVersion"] == wanted:
            return obj
        return {**self.convert(obj, wanted.rpartition("/")[2]), "apiVersion": wanted}


def review(uid, operations, refusal):
    """The AdmissionReview that answers a request: refused with a message, or allowed with changes."""
    response = {"uid": uid, "allowed": not refusal}
    if refusal:
        response["status"] = refusal if isinstance(refusal, dict) else {"message": refusal}
    elif operations:
        patch = base64.b64encode(json.dumps(operations).encode()).decode()
        response |= {"patchType": "JSONPatch", "patch": patch}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
