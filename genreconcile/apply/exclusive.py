"""The values of an object that no other object may hold at the same time: read from ``exclusive.yaml``.

Invariant: pure; knowledge of kinds is data.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from genreconcile.data import Exclusive, shipped
from genreconcile.kinds.order import kind_name
from genreconcile.objects import GVK, Object
from genreconcile.pointer import split_pointer


class Held(NamedTuple):
    """One value of a pool; ``field`` is the JSON pointer of the value, with ``*`` for the index of a list's member."""

    pool: int
    value: Any
    field: str = ""


class _Kind(NamedTuple):
    """The fields, each with the number of the pool that it draws on and its tokens; ``free`` values hold nothing."""

    fields: tuple[tuple[int, str, tuple[str, ...]], ...]
    free: tuple[Any, ...]


@functools.cache
def _kinds() -> Mapping[str, _Kind]:
    return {
        entry.kind: _Kind(
            tuple((number, field, split_pointer(field)) for number, pool in enumerate(entry.pools) for field in pool),
            entry.free,
        )
        for entry in shipped(Exclusive).held
    }


def held(gvk: GVK, obj: Object) -> list[Held]:
    """The values of pools that an object holds, or asks for."""
    kind = _kinds().get(kind_name(gvk.group, gvk.kind))
    if kind is None:
        return []
    found = [Held(number, value, field) for number, field, tokens in kind.fields for value in values_at(obj, tokens)]
    return [one for one in found if not isinstance(one.value, dict | list) and one.value not in (None, *kind.free)]


def shared(gvk: GVK, one: Object, other: Object) -> list[Held]:
    """The values that one object asks for and the other one holds."""
    there = {(entry.pool, entry.value) for entry in held(gvk, other)}
    return [entry for entry in held(gvk, one) if (entry.pool, entry.value) in there]


def without_shared(gvk: GVK, expected: Object, live: Object) -> Object:
    """A copy of an expected object without the values that the live one holds: the server would choose others."""
    result = expected
    for field in {entry.field for entry in shared(gvk, expected, live)}:
        tokens = split_pointer(field)
        result = _without(result, tokens[:-1] if tokens[-1] == "*" else tokens)
    return result


def sums(gvk: GVK, obj: Object, resource: str) -> list[Any]:
    """The quantities of an object that a quota adds up for a resource, such as ``requests.cpu``; perhaps not all."""
    name = kind_name(gvk.group, gvk.kind)
    return [
        value
        for entry in shipped(Exclusive).summed
        if entry.kind == name and resource.startswith(entry.prefix)
        for found in values_at(obj, split_pointer(entry.at))
        if isinstance(found, Mapping) and (value := found.get(resource.removeprefix(entry.prefix))) is not None
    ]


def values_at(value: Any, tokens: tuple[str, ...]) -> Iterator[Any]:
    """All values at a pointer, given as its tokens."""
    if not tokens:
        yield value
    elif tokens[0] == "*" and isinstance(value, list):
        for member in value:
            yield from values_at(member, tokens[1:])
    elif isinstance(value, Mapping) and tokens[0] in value:
        yield from values_at(value[tokens[0]], tokens[1:])


def _without(value: Any, tokens: tuple[str, ...]) -> Any:
    if tokens[0] == "*" and isinstance(value, list):
        return [_without(member, tokens[1:]) for member in value]
    if not isinstance(value, Mapping) or tokens[0] not in value:
        return value
    rest = {key: entry for key, entry in value.items() if key != tokens[0]}
    return {**rest, tokens[0]: _without(value[tokens[0]], tokens[1:])} if tokens[1:] else rest
