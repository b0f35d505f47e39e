"""The paths of an object's sensitive values, by ``sensitive`` rules and annotations.

Invariant: in doubt more is hidden, never less. A list member is ``*`` in a path, for a patch may move it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from genreconcile.errors import InputError
from genreconcile.kinds.types import Type
from genreconcile.mask import EVERYTHING, Fields
from genreconcile.normalize.compiled import ANY, Node
from genreconcile.normalize.registry import Registry
from genreconcile.normalize.rule import Rule
from genreconcile.objects import GVK

SENSITIVE: Final = "sensitive"
# Both may repeat sensitive values of other fields.
_COPIES: Final[Fields] = (
    ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
    ("metadata", "managedFields"),
)
_SHAPES: Final = {"object": Mapping, "map": Mapping, "list": list}

Path = tuple[str, ...]


def sensitive_fields(
    registry: Registry, gvk: GVK, kind: Type | None, *objects: Mapping[str, Any] | None, has_status: bool = True
) -> Fields:
    """The sensitive fields of one object, whose states (expected, live, None for a missing one) are ``objects``.

    The annotations of each state count; EVERYTHING where one is invalid. ``kind`` is None without a schema.
    """
    shown = [dict(obj) for obj in objects if obj]
    if not registry.has_sensitive and not any(map(registry.is_annotated, shown)):
        return ()
    found: dict[Path, None] = dict.fromkeys(_without_type(registry, gvk)) if kind is None else {}
    for obj in shown:
        try:
            root = registry.compile(gvk, kind, obj, has_status=has_status)
        except InputError:
            return EVERYTHING
        for other in shown:
            found |= dict.fromkeys(_fields(root, other))
    return (*found, *_COPIES) if found else ()


def _without_type(registry: Registry, gvk: GVK) -> Iterator[Path]:
    """The paths of root rules for a schema type: without a schema, it may be this object's type."""
    for rule in registry.rules:
        if rule.action == SENSITIVE and rule.root and rule.types != ("*",) and registry.may_select(rule, gvk):
            yield rule.tokens


def _fields(root: Node, obj: Mapping[str, Any]) -> Iterator[Path]:
    yield from (rule.tokens for rule, _ in root.active if rule.action == SENSITIVE)
    if root.scattered:
        yield from _untyped(obj, root.scattered, ()) if root.type is ANY else _typed(obj, root, ())


def _typed(value: Any, node: Node, path: Path) -> Iterator[Path]:
    """The paths of rules that begin at a type, below each object of that type."""
    node = node.alternative() if node.type.shape == "any" else node
    wanted = _SHAPES.get(node.type.shape)
    if wanted is not None and value is not None and not isinstance(value, wanted):
        yield path  # Malformed: the value may be a misplaced secret.
        return
    yield from ((*path, *rule.tokens) for rule, matched in node.active if rule.action == SENSITIVE and not matched)
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _typed(item, node.child(key).node, (*path, key))
    elif isinstance(value, list):
        for member in value:
            yield from _typed(member, node.member().node, (*path, "*"))


def _untyped(value: Any, rules: tuple[Rule, ...], path: Path) -> Iterator[Path]:
    """The paths of rules that begin at a type, below every object: without a schema, it may be of that type."""
    if isinstance(value, Mapping):
        yield from ((*path, *rule.tokens) for rule in rules)
        for key, item in value.items():
            yield from _untyped(item, rules, (*path, key))
    elif isinstance(value, list):
        for member in value:
            yield from _untyped(member, rules, (*path, "*"))
