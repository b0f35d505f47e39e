"""Requests about the objects of one kind."""

import time

import genreconcile as gr
from genreconcile import gojson

JSON_PATCH = "application/json-patch+json"


class Server:
    """The objects of one kind on a server; edits come from ``somebody``, repairs from ``genreconcile``."""

    def __init__(self, cluster, resource):
        self.cluster, self.resource = cluster, resource

    def send(self, method, path, body=None, query=None, content_type="application/json"):
        data = None if body is None else gojson.dumps(body)
        return gojson.loads(self.cluster.request(method, path, query=query, body=data, content_type=content_type))

    def path(self, obj):
        return self.resource.path(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])

    def create(self, obj, **query):
        path = self.resource.path(obj["metadata"].get("namespace", ""))
        return self.send("POST", path, obj, {"fieldManager": "genreconcile", "fieldValidation": "Strict", **query})

    def patch(self, obj, operations, manager="somebody"):
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        return self.send("PATCH", self.path(obj), operations, query, JSON_PATCH)

    def replace(self, obj):
        return self.send("PUT", self.path(obj), obj)

    def get(self, obj):
        return self.send("GET", self.path(obj))

    def remove(self, obj):
        """Delete, however it is guarded; returns when it is gone."""
        for _ in range(100):
            try:
                self.let_go(obj, self.get(obj))
            except gr.NotFound:
                return
            except gr.ClusterError:
                pass  # Somebody wrote it meanwhile: once more.
            time.sleep(0.02)

    def let_go(self, obj, now):
        if "finalize" in self.resource.subresources:
            self.send("PUT", f"{self.path(obj)}/finalize", {**now, "spec": {"finalizers": []}})
        if now["metadata"].get("finalizers"):
            self.patch(obj, [{"op": "remove", "path": "/metadata/finalizers"}])
        if "deletionTimestamp" not in now["metadata"]:
            self.send("DELETE", self.path(obj), query={"gracePeriodSeconds": "0"})
