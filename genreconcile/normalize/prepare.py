"""Expected objects as the API server decodes them into Go, before defaulting.

A zero at a value field, and a null, is missing; two names of one field hold the same value; a write-only field is
folded into the field that is read; system fields are left out. A value that the server cannot store is an InputError.

Invariant: pure. The result is new, shares only scalars and free-form values with its input, and preparing it again
changes nothing.
"""

from __future__ import annotations

import base64
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from genreconcile.errors import TOLD, InputError
from genreconcile.gojson import dumps_sorted
from genreconcile.kinds.types import MISSING, Field
from genreconcile.normalize.compiled import ANY_FIELD, RAW_FIELD, Child, Node
from genreconcile.normalize.place import Place
from genreconcile.normalize.rule import Rule
from genreconcile.normalize.scalars import CANONICAL, PYTHON_TYPES, Canonical, is_zero_time
from genreconcile.pointer import join_pointer
from genreconcile.sizes import largest, shown_path

_NAMES: Final = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
}
_WHOLE: Final = frozenset({"integer", "int-or-string"})
_TIMES: Final = frozenset({"time", "date-time"})
_SHAPES: Final = {"object": dict, "map": dict, "list": list}
_UNKNOWN: Final = "the schema knows no such field"
_UNQUOTED: Final = {
    "true": "in YAML on, yes and y are true, so write them in quotes",
    "false": "in YAML off, no and n are false, so write them in quotes",
}


def is_zero(value: Any, where: Field) -> bool:
    """Whether a value is Go's zero value at a value field (not a pointer), or the time that Go writes as null."""
    if where.type.scalar in _TIMES and not where.type.custom:
        return is_zero_time(value)
    if where.zero != "value" or where.type.shape == "any":
        return False
    if where.type.scalar == "quantity":
        canonical = CANONICAL["quantity"](value)
        return isinstance(canonical, Canonical) and canonical.value == 0
    if isinstance(value, dict | list | str):
        return not value
    return value is False or (isinstance(value, int | float) and value == 0)


@dataclass(slots=True, repr=False)
class Prepared:
    """A prepared expected object; ``errors`` name the values that the server cannot store, each with its path.

    ``is_sendable``: ``without_system`` would change nothing, so that the object can be sent as it was written.
    """

    value: dict[str, Any]
    errors: list[InputError] = field(default_factory=list)
    is_sendable: bool = False


def prepare(expected: Mapping[str, Any], root: Node, *, drop: frozenset[str] = frozenset({"system"})) -> Prepared:
    """Prepare an expected object, which is not changed; fields under a rule with an action in ``drop`` are left out."""
    work = _Preparation(drop)
    value = work.mapping(expected, root, None, ())
    return Prepared(value, work.errors, work.is_sendable)


def without_system(expected: Mapping[str, Any], root: Node) -> dict[str, Any]:
    """A copy of an expected object for creation: as it was written, without system fields.

    ``2.0`` for an integer becomes ``2``: the server reads the text, and refuses ``2.0``.
    """

    def mapping(value: Mapping[str, Any], node: Node, outer: Place | None) -> dict[str, Any]:
        result = {}
        for key, entry in value.items():
            child, place = node.child(key), Place(value, key, outer)
            rule = child.explaining(place) if child.rules else None
            if rule is None or rule.action != "system":
                result[key] = copy(entry, child, place)
        return result

    def copy(value: Any, child: Child, place: Place) -> Any:
        if isinstance(value, Mapping):
            return mapping(value, child.node, place)
        if isinstance(value, list):
            return [copy(member, child.node.member(), place) for member in value]
        return _integral(value, child.field.type.scalar)

    return mapping(expected, root, None)


def _integral(value: Any, scalar: str) -> Any:
    return int(value) if scalar in _WHOLE and isinstance(value, float) and value.is_integer() else value


class _Preparation:
    def __init__(self, drop: frozenset[str]) -> None:
        self.drop = drop
        self.errors: list[InputError] = []
        self.is_sendable = True

    def fail(self, path: tuple[str | int, ...], problem: str) -> Any:
        where = join_pointer(path)
        self.errors.append(InputError(f"{shown_path(path)}: {problem}", where, code="GR214"))
        return MISSING

    def mapping(
        self, value: Mapping[str, Any], node: Node, outer: Place | None, path: tuple[str | int, ...]
    ) -> dict[str, Any]:
        result: dict[str, Any] = {}
        in_map = node.type.shape == "map"
        for key, entry in value.items():
            child = node.find(key)
            if child is None:
                self.fail((*path, key), _unknown(key, node) if len(self.errors) < TOLD else _UNKNOWN)
                continue
            if entry and type(entry) in child.plain:
                result[key] = entry
                continue
            place = Place(value, key, outer)
            rule = child.explaining(place) if child.rules else None
            if rule is not None and rule.action == "system":
                self.is_sendable = False
            if rule is not None and rule.action in self.drop:
                continue
            prepared = self.entry(entry, child, place, (*path, key), in_map=in_map)
            if prepared is not MISSING:
                result[key] = prepared
        if node.is_completed:
            self.complete(result, node, path)
        return result

    def complete(self, result: dict[str, Any], node: Node, path: tuple[str | int, ...]) -> None:
        if node.aliases:
            share_aliases(result, node)
        if node.folds:
            fold(result, node)
        for rule in node.limits:
            if rule.tokens[-1] in result or "with" in rule.argument:
                self.require_bound(rule, result, node, path)

    def require_bound(self, rule: Rule, holder: dict[str, Any], node: Node, path: tuple[str | int, ...]) -> None:
        """Note an error where the maps that a ``limit`` rule counts together have more bytes than the server takes."""
        limit: Mapping[str, Any] = rule.argument
        keys = [key for key in (rule.tokens[-1], *limit.get("with", ())) if isinstance(holder.get(key), dict)]
        count = sum(_bytes_of(holder[key], node.child(key), with_keys=bool(limit.get("keys"))) for key in keys)
        if count <= limit["bytes"]:
            return
        where = (*path, keys[0])
        parts = ", ".join(largest(holder[key], (*path, key)) for key in keys)
        text = f"{count:,} bytes where the server takes {limit['bytes']:,}, in {parts}; move some elsewhere"
        pointer = join_pointer(where)
        self.errors.append(InputError(f"{pointer}: {text}", pointer, is_free_of_values=True, code="GR214"))

    def entry(
        self, value: Any, child: Child, place: Place, path: tuple[str | int, ...], *, in_map: bool = False
    ) -> Any:
        if value is None:
            return _null(child.field, in_map=in_map)
        prepared = self.value(value, child, place, path)
        if child.rules and isinstance(prepared, list) and child.first("distinct") is not None:
            prepared = distinct(prepared)
        if prepared is not MISSING and not child.field.type.custom and is_zero(prepared, child.field):
            return MISSING
        return prepared

    def value(self, value: Any, child: Child, place: Place, path: tuple[str | int, ...]) -> Any:
        kind = child.field.type
        wanted = _SHAPES.get(kind.shape)
        if wanted is not None and not isinstance(value, wanted):
            return self.fail(path, _mismatch(_NAMES[wanted], value))
        if kind.shape in {"object", "map"}:
            return self.mapping(value, child.node, place, path)
        if kind.shape == "list":
            return self.members(value, child.node, place, path)
        if kind.shape == "scalar":
            return self.scalar(value, kind.scalar, path)
        node = child.node.alternative()
        # Free-form values stay as they are, unless the schema knows their type as mappings, or rules lead into them.
        if isinstance(value, dict) and (node is not child.node or node.active):
            return self.mapping(value, node, place, path)
        return value

    def members(self, value: list[Any], node: Node, place: Place, path: tuple[str | int, ...]) -> list[Any]:
        child = node.member()
        if child.plain and all(type(member) in child.plain for member in value):
            return list(value)
        prepared = (
            self.value(member, child, place, (*path, index)) if member is not None else None
            for index, member in enumerate(value)
        )
        return [member for member in prepared if member is not MISSING]

    def scalar(self, value: Any, scalar: str, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, float):
            value = _integral(value, scalar)
            self.is_sendable = False
        wanted = PYTHON_TYPES[scalar]
        if not isinstance(value, wanted) or (isinstance(value, bool) and scalar != "boolean"):
            return self.fail(path, _mismatch(f"of type {scalar}", value))
        if scalar == "quantity" and not isinstance(CANONICAL["quantity"](value), Canonical):
            return self.fail(path, "is no quantity; write a number with an optional suffix such as m, Ki or G")
        return value


def _bytes_of(texts: Mapping[str, Any], child: Child, *, with_keys: bool) -> int:
    """The size of a map of strings in bytes; base64 (``byte``) counts decoded."""
    entries = child.field.type.values.type.scalar if child.field.type.shape == "map" else ""
    found = 0
    for key, text in texts.items():
        size = len(text.encode(errors="surrogatepass")) if isinstance(text, str) else 0
        if entries == "byte":
            size = size // 4 * 3 - text[-2:].count("=")
        found += size + (len(key.encode(errors="surrogatepass")) if with_keys else 0)
    return found


def _null(where: Field, *, in_map: bool) -> Any:
    """Null as decoded: MISSING, but "" in a built-in map of strings, and None where a custom resource may hold null."""
    if where.null is not MISSING:
        return where.null
    if where.type.custom:
        return None if where.nullable or where is ANY_FIELD or where is RAW_FIELD else MISSING
    return "" if in_map and where.type.scalar in {"string", "byte"} else MISSING


def _mismatch(wanted: str, value: Any) -> str:
    is_unquoted = wanted == "of type string" and isinstance(value, int | float)  # A bool is an int.
    advice = "write it in quotes" if is_unquoted else "correct the value"
    return f"must be {wanted}, not {_NAMES.get(type(value), type(value).__name__)}; {advice}"


def _unknown(key: str, node: Node) -> str:
    near = difflib.get_close_matches(key, node.type.fields, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else _UNQUOTED.get(key, "remove it")
    return f"{_UNKNOWN}; {hint}"


def distinct(members: list[Any]) -> list[Any]:
    """A list's members without those that are equal to an earlier one."""
    found: dict[bytes, Any] = {}
    for member in members:
        found.setdefault(dumps_sorted(member), member)
    return list(found.values())


def share_aliases(result: dict[str, Any], node: Node) -> None:
    """Give both names of a field its value, in place; where both are set, the name in the rule's argument wins."""
    for rule in node.aliases:
        winner, other = rule.argument, rule.tokens[-1]
        if winner in result:
            result[other] = result[winner]
        elif other in result:
            result[winner] = result[other]


def fold(result: dict[str, Any], node: Node) -> None:
    """Merge each write-only map, its values in base64, into the map that is read, in place; the write-only one wins."""
    for rule in node.folds:
        folded = result.pop(rule.tokens[-1], None)
        if folded:
            encoded = {key: base64.b64encode(str(text).encode()).decode() for key, text in folded.items()}
            result[rule.argument["into"]] = {**result.get(rule.argument["into"], {}), **encoded}
