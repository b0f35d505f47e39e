"""The custom kinds that cases share: a definition's first object takes seconds on a real server.

Invariant: no case changes or deletes them.
"""

from __future__ import annotations

from support.objects import definition, struct, version

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_GROUP = "contract.example.dev"
_TEXT = {"type": "string"}
_SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}

_WIDGET = struct(
    spec={
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "minimum": 0, "maximum": 100},
            "replicas": {"type": "integer"},
            "mode": {"type": "string", "default": "fast", "enum": ["fast", "slow"]},
            "note": {"type": "string", "nullable": True},
            "maybe": {"type": "string", "nullable": True, "default": "none"},
            "text": {"type": "string", "maxLength": 5, "pattern": "^[a-z]*$"},
            "fixed": _TEXT | {"x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "fixed is fixed"}]},
            "tags": {"type": "array", "maxItems": 2, "items": _TEXT},
            "labels": {"type": "object", "additionalProperties": _TEXT},
            "port": {"x-kubernetes-int-or-string": True},
            "ratio": {"type": "number"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "nested": {
                "type": "object",
                "default": {},
                "properties": {"level": {"type": "integer", "default": 3}, "deep": struct(on={"type": "boolean"})},
            },
            "inner": struct(level={"type": "integer", "default": 3}),
            "rules": {"type": "array", "items": struct(verb={"type": "string", "default": "get"}, path=_TEXT)},
        },
    },
    status=struct(phase=_TEXT, replicas={"type": "integer"}, selector=_TEXT, ready={"type": "boolean"}),
)

_PLAIN = struct(
    spec=struct(size={"type": "integer"}, mode={"type": "string", "default": "fast"}), status=struct(phase=_TEXT)
)
_FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

SHARED = {
    # With status and scale.
    "Widget": definition(
        _GROUP,
        version(schema=_WIDGET, subresources={"status": {}, "scale": _SCALE}),
        kind="Widget",
        names={"shortNames": ["wdg"], "categories": ["all"]},
    ),
    # Without subresources.
    "Plain": definition(_GROUP, version(schema=_PLAIN), kind="Plain"),
    # Cluster-scoped.
    "Zone": definition(_GROUP, version(schema=_PLAIN), kind="Zone", scope="Cluster"),
    # In two versions.
    "Twin": definition(
        _GROUP,
        version(
            "v1", struct(spec=struct(size={"type": "integer"}, level={"type": "integer"}, old=_TEXT)), storage=False
        ),
        version(
            "v2", struct(spec=struct(size={"type": "integer"}, level={"type": "integer", "default": 3}, new=_TEXT))
        ),
        kind="Twin",
    ),
    # Whose spec keeps unknown fields.
    "Free": definition(_GROUP, version(schema=struct(spec=_FREE)), kind="Free"),
}


def is_established(crd):
    """Whether its kind is served."""
    conditions = (crd.get("status") or {}).get("conditions") or []
    return any(found["type"] == "Established" and found["status"] == "True" for found in conditions)


def resource_of(crd, of_version=""):
    """``group/version/plural`` of what a definition defines, in its first version unless one is named."""
    spec = crd["spec"]
    return f"{spec['group']}/{of_version or spec['versions'][0]['name']}/{spec['names']['plural']}"


def custom(resource, kind, name, *, metadata=None, **content):
    """An object of a custom kind."""
    return {
        "apiVersion": resource.rpartition("/")[0],
        "kind": kind,
        "metadata": {"name": name, **(metadata or {})},
        **content,
    }
