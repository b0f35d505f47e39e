"""What the documents do not tell of Go's types, learned from answers and from refusals.

Invariant: only what differs from what ``builtin/types.py`` reads off the documents is written down.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from asking import Asker, kinds

import genreconcile as gr
from genreconcile.testing.fake.builtin.scalars import ZEROS
from genreconcile.testing.fake.builtin.types import SCALARS, Field, Type, root_of
from genreconcile.testing.fake.kinds import Kind

Names = dict[str, set[str]]
_GO_TYPE = re.compile(r"Go struct field \S+ of type (\S+)")


class Natures:
    """``found`` is as ``builtin.types.encoding`` has it; fields that are ``known`` are a function's own affair."""

    def __init__(self, known: Mapping[str, set[str]]) -> None:
        self._known = known
        self._shown: dict[str, Names] = {name: defaultdict(set) for name in ("values", "written", "omitted", "dropped")}
        self._kept: Names = defaultdict(set)

    def see(self, sent: Any, answer: Any, root: Type) -> None:
        """Take one object into account."""
        for type_, one, other in _objects(sent, answer, root):
            for name, field in type_.fields.items():
                if name in one and not _is_zero(one[name], field) and name in other:
                    self._kept[type_.name].add(name)
                elif what := _shown(name, field, type_, one, other):
                    self._shown[what][type_.name].add(name)

    def found(self) -> dict[str, dict[str, list[str]]]:
        """By type, the names of fields."""
        dropped = {
            name: own - self._kept[name] - self._known.get(name, set()) for name, own in self._shown["dropped"].items()
        }
        values = {name: own - dropped.get(name, set()) for name, own in self._shown["values"].items()}
        found = {**self._shown, "dropped": dropped, "values": values}
        return {what: {name: sorted(own[name]) for name in sorted(own) if own[name]} for what, own in found.items()}


def _zero(field: Field) -> Any:
    return "" if field.type.shape == "bytes" else ZEROS.get(field.type.shape)


def _is_zero(value: Any, field: Field) -> bool:
    """Whether a value is empty, or the zero of a scalar."""
    zero = _zero(field)
    return value in (None, {}, []) or (value == zero and type(value) is type(zero))


def _shown(name: str, field: Field, type_: Type, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    shape = field.type.shape
    declared = type_._schema["properties"][name].get("default")  # noqa: SLF001 - the tool of the very module
    if name not in sent and name in answer and (answer[name] is None or (shape == "quantity" and answer[name] == "0")):
        return "written"
    if name in sent and sent[name] is not None:
        if not _is_zero(sent[name], field) and name not in answer:
            return "" if shape == "any" else "dropped"
        is_scalar = shape in SCALARS and _is_zero(sent[name], field)
        return "values" if is_scalar and answer.get(name) != sent[name] else ""
    if name not in answer and (declared in ("", 0, False) or (shape == "object" and declared == {})):
        return "omitted"
    return ""


def _objects(
    sent: Any, answer: Any, type_: Type, above: str = ""
) -> Iterator[tuple[Type, Mapping[str, Any], Mapping[str, Any]]]:
    """All objects in both, but for the metadata of the whole, which the server writes itself."""
    if type_.shape == "object" and isinstance(answer, dict):
        sent = sent if isinstance(sent, dict) else {}
        yield type_, sent, answer
        for name, field in type_.fields.items():
            if answer.get(name) is not None and (above or name != "metadata"):
                yield from _objects(sent.get(name), answer[name], field.type, name)
    elif type_.items is not None and isinstance(answer, list) and isinstance(sent, list):
        for one, other in zip(sent, answer, strict=False):
            yield from _objects(one, other, type_.items, above)


def go_types(asker: Asker) -> dict[str, dict[str, str]]:
    """By type and field, the Go types that the documents do not tell: read off the refusal of a wrong value."""
    found: dict[str, dict[str, str]] = {}
    done: set[str] = set()
    for kind in kinds():
        root = root_of(kind)
        for type_, path in _reachable(root) if root else ():
            if type_.name in done:
                continue
            done.add(type_.name)
            for name, field in type_.fields.items():
                if _ends_in_strings(field.type) and name not in {"apiVersion", "kind"}:
                    told = _told(asker, kind, (*path, name))
                    if told and told != field.type.go_type:
                        found.setdefault(type_.name, {})[name] = told
    return dict(sorted(found.items()))


def _ends_in_strings(type_: Type) -> bool:
    """Whether it is a string, or holds some: only those have names of their own in Go."""
    if type_.shape in {"list", "map"} and type_.items is not None:
        return type_.shape == "map" or _ends_in_strings(type_.items)
    return type_.shape in {"string", "bytes"}


def _reachable(root: Type) -> Iterator[tuple[Type, tuple[Any, ...]]]:
    """All types of objects under a type, each by the shortest way."""
    todo: list[tuple[Type, tuple[Any, ...]]] = [(root, ())]
    seen: set[str] = set()
    while todo:
        type_, path = todo.pop(0)
        while type_.shape == "list" and type_.items is not None:
            type_, path = type_.items, (*path, 0)
        if type_.shape != "object" or type_.name in seen:
            continue
        seen.add(type_.name)
        yield type_, path
        todo += [(field.type, (*path, name)) for name, field in type_.fields.items()]


def _told(asker: Asker, kind: Kind, path: tuple[Any, ...]) -> str:
    """The Go type of the field at a path, "" where the refusal does not name it."""
    value: Any = 7
    for key in reversed(path):
        value = [value] if key == 0 else {key: value}
    server, head = asker.server(kind), {"apiVersion": kind.api_version, "kind": kind.kind}
    try:
        server.send("POST", server.resource.path("default" if kind.namespaced else ""), head | value, {"dryRun": "All"})
    except gr.ClusterError as error:
        match = _GO_TYPE.search(str(error))
        return match[1] if match else ""
    return ""
