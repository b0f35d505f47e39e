"""What tests of deletion share: a namespace of a real server, and its administrator."""

import json

import genreconcile as gr
from support.api.passing import Recorded
from support.objects import config_map

LABELS = {"app": "guarded"}


class Ground:
    """One namespace, and somebody who may do everything there."""

    def __init__(self, plane, namespace):
        self.plane, self.namespace = plane, namespace
        self.admin = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.cluster = Recorded(gr.connect(kubeconfig=str(plane.kubeconfig)))
        self.settings = {"delete_from_namespace": namespace, "delete_selector": LABELS}

    def config(self, name, *, namespace="", labels=None, metadata=None, **data):
        labels = LABELS if labels is None else labels
        return config_map(name, namespace or self.namespace, labels=labels, metadata=metadata, **data)

    def path(self, plural="configmaps", name="", *, group="", namespace=""):
        prefix = f"/apis/{group}" if group else "/api/v1"
        return f"{prefix}/namespaces/{namespace or self.namespace}/{plural}" + (f"/{name}" if name else "")

    def post(self, obj, plural="configmaps", **query):
        where = self.path(plural, namespace=obj["metadata"]["namespace"])
        return json.loads(self.admin.request("POST", where, body=json.dumps(obj).encode(), query=query))

    def admin_post(self, plural, obj):
        """As ``post``, for a kind of any group."""
        where = self.path(plural, group=obj["apiVersion"], namespace=obj["metadata"]["namespace"])
        return json.loads(self.admin.request("POST", where, body=json.dumps(obj).encode()))

    def patch(self, path, *operations):
        body = json.dumps(operations).encode()
        return json.loads(self.admin.request("PATCH", path, body=body, content_type="application/json-patch+json"))

    def delete(self, path):
        self.admin.request("DELETE", path)

    def get(self, path):
        return json.loads(self.admin.request("GET", path))

    def names(self, plural="configmaps", namespace=""):
        """Of the objects with the labels that the tests use, and no deletionTimestamp."""
        items = self.get(self.path(plural, namespace=namespace))["items"]
        return {item["metadata"]["name"] for item in items if "deletionTimestamp" not in item["metadata"]}

    def apply(self, path, obj):
        """Create something cluster-scoped, for as long as the server runs."""
        return json.loads(self.admin.request("POST", path, body=json.dumps(obj).encode()))


def statuses(result):
    return {outcome.key.name: outcome.status for outcome in result}
