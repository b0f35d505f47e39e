"""Where objects are stored, and what the server knows of places: data.

Invariant: no place is named in code.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

_DATA = Path(__file__).parent / "data"

Place = tuple[str, str]
"""(group, plural): where objects are stored, whatever their version."""


@functools.cache
def data(name: str) -> Any:
    """A file of what the server knows of kinds; not to be changed."""
    return yaml.safe_load((_DATA / f"{name}.yaml").read_text("utf-8"))


def place_of(name: str) -> Place:
    """The place that is named ``plural.group``, or ``plural`` in the core group."""
    plural, _, group = name.partition(".")
    return group, plural


def places_of(names: Iterable[str]) -> Iterator[Place]:
    """The places that are named so."""
    return map(place_of, names)


DEFINITIONS: Final = place_of(data("places")["definitions"])
NAMESPACES: Final = place_of(data("places")["namespaces"])
ACCOUNTS: Final = place_of(data("places")["accounts"])
PODS: Final = place_of(data("places")["accounted"])
AGGREGATED: Final = place_of(data("places")["aggregated"])


class Shared(NamedTuple):
    """The place of a kind that another group serves too, and the names of its fields there."""

    place: Place
    fields: Mapping[str, str]


@functools.cache
def shared() -> Mapping[Place, Shared]:
    """The kinds whose objects are stored as those of another group."""
    return {place_of(name): Shared(place_of(one["stored"]), one["fields"]) for name, one in data("shared").items()}
