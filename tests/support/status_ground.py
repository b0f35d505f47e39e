"""Kinds with statuses of different room, and what a controller's status needs on a cluster."""

from __future__ import annotations

import json

from genreconcile.cache import Cache
from genreconcile.cache.interest import NO_INTEREST
from genreconcile.catalog import Catalog
from genreconcile.controllers.status import Run, StatusWriter
from genreconcile.gojson import dumps
from genreconcile.normalize import Registry
from genreconcile.objects import GVK
from support.objects import definition, obj, struct, version

MANAGER = "genreconcile-memo"
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
CONDITION = struct(
    type=TEXT,
    status={"type": "string", "enum": ["True", "False", "Unknown"]},
    reason={"type": "string", "maxLength": 1024, "minLength": 1, "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"},
    message={"type": "string", "maxLength": 32768},
    lastTransitionTime={"type": "string", "format": "date-time"},
    observedGeneration={"type": "integer", "format": "int64", "minimum": 0},
) | {"required": ["type", "status", "reason", "message", "lastTransitionTime"]}
BY_TYPE = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
ATOMIC = {"type": "array", "items": CONDITION}
CONDITIONS = ATOMIC | BY_TYPE
PORT = struct(port=WHOLE, protocol={"type": "string", "default": "TCP"})
KEYS = {
    "nodes": {"type": "array", "items": TEXT},
    "count": WHOLE,
    "note": TEXT,
    "small": {"type": "integer", "maximum": 9},
    "ports": {"type": "array", "items": PORT},
    "labels": {"type": "object", "additionalProperties": TEXT},
    "deep": struct(a=TEXT, b=TEXT, c={"type": "string", "default": "server"}),
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}
WIDE = struct(conditions=CONDITIONS, observedGeneration=WHOLE, **KEYS)

DEFAULTED = struct(
    conditions=CONDITIONS, observedGeneration=WHOLE, **KEYS, phase={"type": "string", "default": "Pending"}
)
"""With a key that the server sets."""


def memo_kind(group, status=WIDE, *, subresource=True, root=None):
    """The definition of the kind Memo, with this schema of its status."""
    schema = root or struct(spec=struct(size=WHOLE), **({} if status is None else {"status": status}))
    more = {"subresources": {"status": {}}} if subresource else {}
    return definition(group, version(schema=schema, **more), kind="Memo")


def memo(group, name="m", namespace="default", **spec):
    return obj(f"{group}/v1", "Memo", name, namespace, spec={"size": 1, **spec})


def catalog_of(cluster):
    return Catalog(cluster, Registry.builtin())


def resource_of(catalog, parent):
    return catalog.resource(GVK.of(parent))


class StatusGround:
    """A controller's writer for the parents of one kind, and another writer beside it, on any cluster."""

    def __init__(self, cluster, kind, *, keep_managers=True, interest=NO_INTEREST, **options):
        self.cluster = cluster
        self.catalog = catalog_of(cluster)
        self.resource = self.catalog.resource(GVK.parse(kind))
        self.cache = Cache(cluster, discovery=self.catalog.discovery)
        self.cache.add(self.resource, keep_managers=keep_managers, interest=interest)
        self.cache.start()
        self.cache.wait_for_sync()
        self.writer = self.another(**options)

    def another(self, manager=MANAGER, **options):
        parts = {"catalog": self.catalog, "cache": self.cache, **options}
        return StatusWriter(parts.pop("cluster", self.cluster), self.resource, manager, **parts)

    def path(self, parent, subresource=""):
        metadata = parent["metadata"]
        return self.resource.path(metadata.get("namespace", ""), metadata["name"]) + subresource

    def create(self, parent):
        where = self.resource.path(parent["metadata"].get("namespace", ""))
        return json.loads(self.cluster.request("POST", where, body=dumps(parent)))

    def live(self, parent):
        return json.loads(self.cluster.request("GET", self.path(parent)))

    def patch(self, parent, *operations, subresource="/status", manager="other"):
        """Somebody else writes."""
        data = self.cluster.request(
            "PATCH", self.path(parent, subresource), query={"fieldManager": manager},
            body=dumps(operations), content_type="application/json-patch+json",
        )  # fmt: skip
        return json.loads(data)

    def write(self, parent, verdict, keys=None, **options):
        """A run that saw the parent as it is now, unless ``seen`` is given."""
        seen = options.pop("seen", None) or self.live(parent)
        run = Run(verdict=verdict, keys=keys, generation=seen["metadata"].get("generation"))
        return self.writer.write(seen, run, **options)

    def stop(self):
        self.cache.stop()


def conditions_of(live):
    return {found["type"]: found for found in live["status"]["conditions"]}


def other_condition(kind="Theirs", status="True"):
    own = {"type": kind, "status": status, "reason": "R", "message": "m"}
    return own | {"lastTransitionTime": "2020-01-01T00:00:00Z"}
