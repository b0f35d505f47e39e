"""Decoding into Go's types and writing back: what the server knows of an object before it does anything with it.

Invariant: what is decoded decodes to itself. Not done: two members of one name are not merged, the last one holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from genreconcile.testing.fake.builtin import scalars
from genreconcile.testing.fake.builtin.types import METADATA, MISSING, SCALARS, Field, Type, named, root_of
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.wire import Refusal


@dataclass(frozen=True, slots=True)
class Decoded:
    """``obj`` as the server holds it, without ``unknown`` fields and with the last of ``duplicate`` ones, by path.

    ``strict`` are the server's sentences about both, in the order of the document.
    """

    obj: dict[str, Any]
    strict: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """The paths of fields that the kind does not have."""
        return tuple(text.split('"')[1] for text in self.strict if text.startswith("unknown"))

    @property
    def duplicate(self) -> tuple[str, ...]:
        """The paths of fields that are there more than once."""
        return tuple(text.split('"')[1] for text in self.strict if text.startswith("duplicate"))

    def require_strict(self, kind: Kind) -> None:
        """As with ``fieldValidation=Strict``. Raises Refusal (400)."""
        if self.strict:
            raise Refusal(400, f"{_refused(kind)}: strict decoding error: {', '.join(self.strict)}")


class Members(dict[str, Any]):
    """A JSON object that knows which of its names were there more than once."""

    twice: tuple[str, ...] = ()


def members(pairs: list[tuple[str, Any]]) -> Members:
    """The ``object_pairs_hook`` for ``json.loads`` with which ``decoded`` finds duplicates."""
    found = Members(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        found.twice = tuple(name for name in found if names.count(name) > 1)
    return found


def decoded(obj: Mapping[str, Any], kind: Kind) -> Decoded:
    """Decode an object of a built-in kind; one of a custom kind comes back as it is. Raises Refusal (400)."""
    root = root_of(kind)
    if root is None:
        return Decoded(dict(obj))
    walk = _Walk(_refused(kind))
    found: dict[str, Any] = walk.object(obj, root, _Place(root.name.rpartition(".")[2]))
    return Decoded(found, tuple(walk.strict))


def decoded_metadata(metadata: Mapping[str, Any], kind: Kind) -> Decoded:
    """Decode the metadata of an object of any kind. Raises Refusal (400)."""
    walk = _Walk(_refused(kind))
    place = _Place(METADATA.rpartition(".")[2], path="metadata")
    return Decoded(walk.object(metadata, named(METADATA), place), tuple(walk.strict))


def _refused(kind: Kind) -> str:
    return f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'


@dataclass(frozen=True, slots=True)
class _Place:
    """``struct`` and ``names`` as in Go's messages; ``path`` with indices, as in those of strict decoding."""

    struct: str
    names: tuple[str, ...] = ()
    path: str = ""

    def field(self, name: str, owner: Type) -> _Place:
        struct = owner.name.rpartition(".")[2] or self.struct
        return _Place(struct, (*self.names, name), f"{self.path}.{name}" if self.path else name)

    def at(self, suffix: str) -> _Place:
        return _Place(self.struct, self.names, self.path + suffix)


@dataclass(slots=True)
class _Walk:
    refused: str
    strict: list[str] = field(default_factory=list)

    def object(self, value: Mapping[str, Any], type_: Type, place: _Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        twice = getattr(value, "twice", ())
        for name, entry in value.items():
            inner = place.field(name, type_)
            if name in twice:
                self.strict.append(f'duplicate field "{inner.path}"')
            if name not in type_.fields:
                self.strict.append(f'unknown field "{inner.path}"')
            elif entry is not None:
                known = type_.fields[name]
                result = self.value(entry, known.type, inner, known.go_type)
                if not known.is_dropped and not _is_unset(result, known):
                    found[name] = result
        return {**self._empties(type_, found), **found}

    def _empties(self, type_: Type, found: Mapping[str, Any]) -> dict[str, Any]:
        """What Go writes for fields that are not set."""
        missing = {name: one for name, one in type_.fields.items() if name not in found and one.empty is not MISSING}
        return {
            name: self.object({}, one.type, _Place("")) if one.empty == {} else one.empty
            for name, one in missing.items()
        }

    def value(self, value: Any, type_: Type, place: _Place, go_type: str) -> Any:
        if type_.shape in SCALARS:
            return self.scalar(value, type_, place, go_type)
        if type_.shape == "any":
            return self.free(value, type_, place)
        wanted = list if type_.shape == "list" else dict
        if not isinstance(value, wanted):
            self.refuse(f"{scalars.spoken(value)} into Go struct field", place, go_type)
        if isinstance(value, list):
            return self.list(value, type_, place, go_type)
        return self.object(value, type_, place) if type_.shape == "object" else self.map(value, type_, place)

    def list(self, value: list[Any], type_: Type, place: _Place, go_type: str) -> Any:
        inner = go_type.removeprefix("[]")
        return [self.member(entry, type_.items, place.at(f"[{at}]"), inner) for at, entry in enumerate(value)]

    def map(self, value: Mapping[str, Any], type_: Type, place: _Place) -> Any:
        for name in getattr(value, "twice", ()):
            self.strict.append(f'duplicate field "{place.path}.{name}"')
        return {name: self.member(entry, type_.items, place.at(f".{name}")) for name, entry in value.items()}

    def member(self, value: Any, type_: Type | None, place: _Place, go_type: str = "") -> Any:
        if type_ is None:
            return value
        if value is None:
            return self.object({}, type_, place) if type_.shape == "object" else scalars.ZEROS.get(type_.shape)
        if type_.shape == "quantity":
            return self.scalar(value, type_, place, go_type, milli=True)
        return self.value(value, type_, place, go_type or type_.go_type)

    def free(self, value: Any, type_: Type, place: _Place) -> Any:
        """JSON of any form; an object may be one of a known type."""
        if type_.items is None:
            return value
        if isinstance(value, dict):
            return self.object(value, type_.items, place)
        if isinstance(value, list):
            return [self.free(entry, type_, place.at(f"[{at}]")) for at, entry in enumerate(value)]
        return value

    def scalar(self, value: Any, type_: Type, place: _Place, go_type: str, *, milli: bool = False) -> Any:
        try:
            return scalars.read(value, type_.shape, go_type, milli=milli)
        except scalars.WrongType as error:
            self.refuse(f"{error} into Go struct field", place, go_type)
        except ValueError as error:
            raise Refusal(400, f"{self.refused}: {error}") from None

    def refuse(self, what: str, place: _Place, go_type: str) -> NoReturn:
        text = f"json: cannot unmarshal {what} {'.'.join((place.struct, *place.names))} of type {go_type}"
        raise Refusal(400, f"{self.refused}: {text}")


def _is_unset(value: Any, known: Field) -> bool:
    """Whether that value is the same to Go as none."""
    if known.type.shape in {"list", "map"}:
        return not value
    if known.type.shape == "object":
        return False
    zero = scalars.ZEROS.get(known.type.shape, MISSING)
    return known.is_value and value == zero and type(value) is type(zero)


def parsed(body: bytes) -> Any:
    """JSON, so that ``decoded`` finds duplicates. Raises ValueError."""
    return json.loads(body, object_pairs_hook=members)
