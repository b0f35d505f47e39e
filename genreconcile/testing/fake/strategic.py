"""Strategic merge patches: maps are merged, and lists by the key that the type says.

Invariant: pure; neither the document nor the patch is changed. Source: apimachinery's strategicpatch, and the fields
``x-kubernetes-patch-strategy`` and ``x-kubernetes-patch-merge-key`` of the OpenAPI documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from genreconcile.testing.fake.shape import Shape
from genreconcile.testing.fake.wire import Refusal, Unsupported

_DIRECTIVE: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_FROM_LIST: Final = "$deleteFromPrimitiveList/"
_ORDER: Final = "$setElementOrder/"

Members = Mapping[str, Any]


def merged(document: Members | None, patch: Members, shape: Shape) -> dict[str, Any]:
    """The document after a patch. Raises Refusal (400), Unsupported for directives that order elements."""
    directive = patch.get(_DIRECTIVE)
    if directive is not None:
        return _directed(str(directive), patch)
    result = dict(document or {})
    if retained := patch.get(_RETAIN):
        result = {key: value for key, value in result.items() if key in retained}
    for key, value in patch.items():
        if key.startswith(_ORDER):
            raise Unsupported(f"the directive {_ORDER.rstrip('/')} of strategic merge patches")
        if key.startswith(_FROM_LIST):
            name = key.removeprefix(_FROM_LIST)
            result[name] = [item for item in result.get(name) or () if item not in value]
        elif value is None:
            result.pop(key, None)
        elif key != _RETAIN:
            result[key] = _value(result.get(key), value, shape.below(key))
    return result


def _directed(directive: str, patch: Members) -> dict[str, Any]:
    if directive == "delete":
        return {}
    if directive == "replace":
        return {key: _without_directives(value) for key, value in patch.items() if key != _DIRECTIVE}
    raise Refusal(400, f"unknown patch type: {directive} in map")


def _value(old: Any, new: Any, shape: Shape) -> Any:
    strategy = {part for part in shape.schema.get("x-kubernetes-patch-strategy", "").split(",") if part != "retainKeys"}
    if isinstance(new, dict):
        if "replace" in strategy:
            return _without_directives(new)
        return merged(old, new, shape) if isinstance(old, dict) else _without_directives(new)
    if isinstance(new, list) and isinstance(old, list) and "merge" in strategy:
        return _list(old, new, shape)
    return _without_directives(new)


def _without_directives(value: Any) -> Any:
    """A value that nothing is merged into: without what only says how to, and without nulls in maps."""
    if isinstance(value, dict):
        kept = {key: entry for key, entry in value.items() if not key.startswith("$") and entry is not None}
        return {key: _without_directives(entry) for key, entry in kept.items()}
    if isinstance(value, list):
        plain = [item for item in value if not (isinstance(item, dict) and item.get(_DIRECTIVE) == "delete")]
        return [_without_directives(item) for item in plain]
    return value


def _list(old: list[Any], new: list[Any], shape: Shape) -> list[Any]:
    if not new:
        return old
    key = str(shape.schema.get("x-kubernetes-patch-merge-key") or "")
    if not all(isinstance(item, dict) for item in new):
        result = list(dict.fromkeys([*old, *new]))
        return list(_ordered(result, new, old, ""))
    if not key:
        raise Refusal(400, "cannot merge lists of maps without a merge key")
    if any(key not in item for item in new if item.get(_DIRECTIVE) != "replace"):
        raise Refusal(400, f"map: {new!r} does not contain declared merge key: {key}")
    if any(item.get(_DIRECTIVE) == "replace" for item in new):
        return [_without_directives(item) for item in new if _DIRECTIVE not in item]
    gone = [item[key] for item in new if item.get(_DIRECTIVE) == "delete"]
    changes = [item for item in new if _DIRECTIVE not in item]
    result = [item for item in old if item.get(key) not in gone]
    for item in changes:
        at = next((index for index, found in enumerate(result) if found.get(key) == item[key]), None)
        if at is None:
            result.append(_without_directives(item))
        else:
            result[at] = merged(result[at], item, shape.item)
    return list(_ordered(result, changes, old, key))


def _ordered(result: Sequence[Any], patch: Sequence[Any], old: Sequence[Any], key: str) -> Iterator[Any]:
    """What is patched in the patch's order, and the others in theirs, each before what came after it."""
    by_name = {_name(item, key): item for item in result}
    patched = [name for name in dict.fromkeys(_name(item, key) for item in patch) if name in by_name]
    places = {_name(item, key): index for index, item in reversed(list(enumerate(old)))}
    others = [name for name in places if name in by_name and name not in patched]
    others.sort(key=places.__getitem__)
    while patched or others:
        is_other = others and (not patched or places[others[0]] < places.get(patched[0], -1))
        yield by_name[(others if is_other else patched).pop(0)]


def _name(item: Any, key: str) -> Any:
    return item.get(key) if key else item
