"""What rules call sensitive in given objects.

Invariant: where it cannot be told, more is hidden rather than less. A member of a list is ``*``, for a patch may move
it.
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
# Both may repeat values that stand elsewhere in the object.
_COPIES: Final[Fields] = (
    ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
    ("metadata", "managedFields"),
)
_SHAPES: Final = {"object": Mapping, "map": Mapping, "list": list}

Path = tuple[str, ...]


def sensitive_fields(
    registry: Registry, gvk: GVK, kind: Type | None, *objects: Mapping[str, Any] | None, has_status: bool = True
) -> Fields:
    """The sensitive fields of an object, given as expected and live, by rules and by annotations of either.

    EVERYTHING where an annotation is not readable. ``kind`` is None where no schema is at hand.
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
    """Rules for roots of a type, of which nobody knows whether it is this object's."""
    for rule in registry.rules:
        if rule.action == SENSITIVE and rule.root and rule.types != ("*",) and registry.may_select(rule, gvk):
            yield rule.tokens


def _fields(root: Node, obj: Mapping[str, Any]) -> Iterator[Path]:
    yield from (rule.tokens for rule, _ in root.active if rule.action == SENSITIVE)
    if root.scattered:
        yield from _untyped(obj, root.scattered, ()) if root.type is ANY else _typed(obj, root, ())


def _typed(value: Any, node: Node, path: Path) -> Iterator[Path]:
    """The paths of the rules that begin at a type, at each object of that type."""
    node = node.alternative() if node.type.shape == "any" else node
    wanted = _SHAPES.get(node.type.shape)
    if wanted is not None and value is not None and not isinstance(value, wanted):
        yield path  # Malformed: what was meant to stand here may be a secret.
        return
    yield from ((*path, *rule.tokens) for rule, matched in node.active if rule.action == SENSITIVE and not matched)
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _typed(item, node.child(key).node, (*path, key))
    elif isinstance(value, list):
        for member in value:
            yield from _typed(member, node.member().node, (*path, "*"))


def _untyped(value: Any, rules: tuple[Rule, ...], path: Path) -> Iterator[Path]:
    """The paths of these rules at every object: any of them may be of their type."""
    if isinstance(value, Mapping):
        yield from ((*path, *rule.tokens) for rule in rules)
        for key, item in value.items():
            yield from _untyped(item, rules, (*path, key))
    elif isinstance(value, list):
        for member in value:
            yield from _untyped(member, rules, (*path, "*"))
