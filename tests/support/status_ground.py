"""Kinds with statuses of different room, and what a controller's status needs on a cluster."""

from __future__ import annotations

from genreconcile.catalog import Catalog
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
