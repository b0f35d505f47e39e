"""What to ask a real server, to learn what it makes of objects: templates, grown ones, and each with a field less.

Invariant: everything is a dry run. The templates are those of tests/kind/conformance.
"""

from __future__ import annotations

import copy
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import genreconcile as gr  # noqa: E402 - from this very tree
from genreconcile.testing.fake.builtin.scalars import ZEROS  # noqa: E402
from genreconcile.testing.fake.builtin.types import SCALARS, Type, root_of  # noqa: E402
from genreconcile.testing.fake.kinds import Kind, built_in  # noqa: E402
from kind.conformance.grow import grown  # noqa: E402
from kind.conformance.library import expected  # noqa: E402
from kind.conformance.row import Row  # noqa: E402
from kind.conformance.server import Server  # noqa: E402
from kind.conformance.suite import Suite  # noqa: E402

_DEPTH = 4
_TRIES = 5
_CONTEXTS = 3
"""In so many objects a field of a type is left out, and is set to zero."""


class Listening(Server):
    """Notes what it sends to be created and is not refused, with the answers."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.heard: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def create(self, obj: dict[str, Any], **query: str) -> dict[str, Any]:
        """As any server."""
        answer: dict[str, Any] = super().create(obj, **query)
        self.heard.append((obj, answer))
        return answer


class Asker:
    """Asks one server, with dry runs, in namespaces of its own."""

    def __init__(self, kubeconfig: str) -> None:
        self.suite = Suite(kubeconfig)

    def server(self, kind: Kind) -> Listening:
        """For requests about a kind."""
        return Listening(self.suite.cluster, self.suite.catalog.resource(gr.GVK(kind.group, kind.version, kind.kind)))

    def templates(self, kind: Kind) -> dict[str, dict[str, Any]]:
        """The objects to try, by variant."""
        server = self.server(kind)
        namespace = self.suite.namespace(server.resource) if kind.namespaced else ""
        root, _ = self.suite.catalog.node(server.resource, {})
        found: dict[str, dict[str, Any]] = expected(server.resource, root, namespace, self.suite.minor)
        return found

    def grown(self, kind: Kind, obj: dict[str, Any]) -> tuple[dict[str, Any], Listening]:
        """The object with as many fields as the server takes, and who has tried them all."""
        server = self.server(kind)
        root, _ = self.suite.catalog.node(server.resource, {})
        return grown(server, root, obj, Row(kind.kind)), server

    def answer(self, kind: Kind, obj: dict[str, Any]) -> dict[str, Any] | None:
        """What a dry run gives, None where it is refused."""
        try:
            return self.server(kind).create(obj, dryRun="All", fieldValidation="Ignore")
        except gr.ClusterError:
            return None

    def status_answer(self, server: Server, obj: dict[str, Any], status: dict[str, Any]) -> dict[str, Any] | None:
        """What a dry run of writing a status gives, None where it is refused; controllers may be faster."""
        for _ in range(_TRIES):
            wanted = {**server.get(obj), "status": status}
            try:
                answer: dict[str, Any] = server.send("PUT", f"{server.path(obj)}/status", wanted, {"dryRun": "All"})
            except gr.Conflict:
                continue
            except gr.ClusterError:
                return None
            return answer
        return None


def kinds() -> list[Kind]:
    """The kinds of the recorded documents."""
    return [kind for kind in built_in() if kind.version != "watch"]


def records(asker: Asker) -> Iterator[dict[str, Any]]:
    """For all recorded kinds: ``{kind, sent, answer}``."""
    seen: Counter[tuple[str, ...]] = Counter()
    for kind in kinds():
        found = asker.templates(kind)
        found["grown"], server = asker.grown(kind, found["maximal"])
        for obj, answer in server.heard:
            yield {"kind": kind.kind, "sent": obj, "answer": answer}
        for name, obj in found.items():
            if (answer := asker.answer(kind, obj)) is None:
                print(f"refused: {kind.kind} {name}")
                continue
            yield {"kind": kind.kind, "sent": obj, "answer": answer}
            for variant in variants(obj, kind, seen):
                if (answer := asker.answer(kind, variant)) is not None:
                    yield {"kind": kind.kind, "sent": variant, "answer": answer}


def statuses(asker: Asker) -> Iterator[dict[str, Any]]:
    """The same for statuses, written to an object of the kind: with zeros in all fields, and with empty members."""
    for kind in kinds():
        root = root_of(kind)
        if root is None or not kind.has_status:
            continue
        server, obj = asker.server(kind), asker.templates(kind)["minimal"]
        server.remove(obj)
        server.create(obj)
        type_ = root.fields["status"].type
        for whole in (hollow(type_, with_zeros=True), hollow(type_, with_zeros=False)):
            for status in [whole, *({name: value} for name, value in whole.items())]:
                if (answer := asker.status_answer(server, obj, status)) is None:
                    continue
                yield {"kind": kind.kind, "sent": status, "answer": answer.get("status", {})}
                if status is whole:
                    break
        server.remove(obj)


def hollow(type_: Type, depth: int = 0, *, with_zeros: bool) -> Any:
    """A value with every field of a type, and nothing in them."""
    if type_.shape == "list" and type_.items is not None:
        return [hollow(type_.items, depth, with_zeros=with_zeros)]
    if type_.shape != "object" or depth > _DEPTH:
        return {} if type_.shape in {"object", "map", "any"} else ZEROS.get(type_.shape)
    is_wanted = {"object", "list"} if not with_zeros else {"object", "list", *ZEROS}
    fields = {name: field.type for name, field in type_.fields.items() if field.type.shape in is_wanted}
    return {name: hollow(inner, depth + 1, with_zeros=with_zeros) for name, inner in fields.items()}


def variants(obj: dict[str, Any], kind: Kind, seen: Counter[tuple[str, ...]]) -> Iterator[dict[str, Any]]:
    """The object with one field left out, and with one scalar set to its zero."""
    root = root_of(kind)
    if root is None:
        return
    for path, type_, present in places(obj, root):
        place = (type_.name, path[-1]) if type_.name != root.name else (kind.kind, path[-1])
        if path[0] in {"apiVersion", "kind", "metadata"}:
            continue
        if present and seen[*place, "less"] < _CONTEXTS:
            seen[*place, "less"] += 1
            yield changed(obj, path)
        shape = type_.fields[path[-1]].type.shape
        zero = "" if shape == "bytes" else ZEROS.get(shape)
        if shape in SCALARS and zero is not None and seen[*place, "zero"] < _CONTEXTS:
            seen[*place, "zero"] += 1
            yield changed(obj, path, zero)


def places(value: Any, type_: Type, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Type, bool]]:
    """(path of a field, the type that has it, whether it is there) for all objects in a value."""
    if type_.shape == "object" and isinstance(value, dict):
        for name, field in type_.fields.items():
            yield (*path, name), type_, name in value
            if name in value:
                yield from places(value[name], field.type, (*path, name))
    elif type_.items is not None and isinstance(value, list):
        for index, entry in enumerate(value):
            yield from places(entry, type_.items, (*path, index))


def changed(obj: dict[str, Any], path: tuple[Any, ...], value: Any = None) -> dict[str, Any]:
    """A copy with another value at a path; without it for None."""
    result: dict[str, Any] = copy.deepcopy(obj)
    here: Any = result
    for key in path[:-1]:
        here = here[key]
    if value is None:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return result
