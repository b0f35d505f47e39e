"""What really happened to the objects of a cluster: creates and deletions as a watch shows them.

The audit log tells what was asked; of a request whose client, or whose server, died it cannot tell what came of it.
"""

import json
import threading
from collections import Counter

import genreconcile as gr
from support.eventually import eventually

KINDS = (
    "v1/ConfigMap",
    "v1/Service",
    "v1/Namespace",
    "apps/v1/Deployment",
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
)
_BOUND = 180.0


class Observer:
    """Counts from when it is made; ``cluster`` is an administrator's."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._counts = Counter()
        self._lock = threading.Lock()
        self._cache = gr.Cache(cluster, KINDS)
        self._cache.subscribe(self._on_event)
        self._cache.start()
        self._cache.wait_for_sync()

    def close(self):
        self._cache.stop()

    def tally(self, text):
        """{(kind, namespace, name): (creates, deletions)} of the objects whose place or name contains ``text``."""
        self._catch_up(text)
        with self._lock:
            keys = {key for key, _ in self._counts if text in key.namespace + key.name}
            return {
                (key.kind, key.namespace, key.name): (self._counts[key, "ADDED"], self._counts[key, "DELETED"])
                for key in sorted(keys)
            }

    def _catch_up(self, text):
        eventually(
            lambda: all(self._known(kind, text) == self._listed(kind, text) for kind in KINDS),
            timeout=_BOUND,
            pause=0.05,
        )

    def _known(self, kind, text):
        records = self._cache.records(kind)
        return {(r.uid, str(r.resource_version)) for r in records if text in r.namespace + r.name}

    def _listed(self, kind, text):
        resource = self._cache.add(kind)
        found = [item["metadata"] for item in json.loads(self._cluster.request("GET", resource.path()))["items"]]
        return {(m["uid"], m["resourceVersion"]) for m in found if text in m.get("namespace", "") + m["name"]}

    def _on_event(self, event):
        with self._lock:
            self._counts[event.key, event.type] += 1
