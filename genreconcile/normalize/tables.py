"""Facts about built-in types that their OpenAPI documents lack, read from the package's data.

Invariant: the data are read once and never changed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from genreconcile.data import Types, shipped
from genreconcile.gojson import loads
from genreconcile.kinds.types import FieldTable


@dataclass(frozen=True, slots=True)
class Tables:
    """The arguments of ``kinds.types.TypeGraph`` that come from data files."""

    field_table: FieldTable
    free_form: frozenset[str]
    unions: Mapping[str, str]


@functools.cache
def tables() -> Tables:
    """The shipped tables: ``types.yaml`` (by hand) and ``fields.json`` (generated from the Go types)."""
    folder = resources.files("genreconcile.normalize")
    types = shipped(Types)
    fields = loads((folder / "rules" / "fields.json").read_bytes())
    return Tables(fields, types.free_form, types.unions)
