"""A control plane with its controllers, a Reconciler on it, and somebody else who writes."""

import base64

import genreconcile as gr
from genreconcile.cache.related import Related, View
from genreconcile.catalog import Catalog
from genreconcile.compare import Comparison, Policy
from genreconcile.pointer import split_pointer
from kind.conformance.server import Server
from support.eventually import eventually

SOON = 10.0


def value(obj, path):
    """What stands at a JSON pointer, None where nothing does."""
    for key in split_pointer(path):
        obj = dict(enumerate(obj)).get(int(key)) if isinstance(obj, list) else (obj or {}).get(key)
    return obj


class Ground:
    """Close it, or use it in a with block."""

    def __init__(self, plane):
        self.plane = plane
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.catalog = Catalog(self.cluster, gr.Registry.builtin())
        self.reconciler = gr.Reconciler(self.cluster)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reconciler.close()

    def server(self, obj):
        return Server(self.cluster, self.catalog.resource(gr.GVK.of(obj)))

    def placed(self, obj, namespace):
        """In this namespace, where the kind has one and the object names none."""
        if not self.server(obj).resource.namespaced:
            return obj
        return {**obj, "metadata": {"namespace": namespace, **obj["metadata"]}}

    def post(self, obj):
        """Somebody creates an object; whatever is left of an earlier one goes first."""
        self.server(obj).remove(obj)
        return self.server(obj).create(obj, fieldManager="somebody")

    def remove(self, obj):
        self.server(obj).remove(obj)

    def get(self, obj):
        return self.server(obj).get(obj)

    def create(self, expected, namespace):
        """Create through the engine, again and again until the cache and admission know what is there by now."""

        def created():
            (outcome,) = self.reconciler.reconcile([expected], namespace=namespace)
            outcomes.append(str(outcome))
            return outcome.status == "created"

        outcomes = []
        eventually(created, lambda: outcomes[-1], timeout=SOON)

    def compare(self, expected, live):
        node, _ = self.catalog.node(self.server(expected).resource, expected)
        policy = Policy(others=View(Related(self.reconciler.cache)))
        return Comparison(node, policy=policy).compare(expected, live)

    def is_quiet(self, expected, namespace):
        return not self.reconciler.plan([expected], namespace=namespace).changes

    def use(self, token):
        """Have the server check a token, given in base64."""
        spec = {"token": base64.b64decode(token).decode()}
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
        path = self.catalog.resource(gr.GVK.of(review)).path("")
        assert self.server(review).send("POST", path, review)["status"].get("authenticated")
