"""Plausible values for a field, from its schema: the server decides which of them it takes."""

import itertools
from pathlib import Path

import yaml

TABLE = yaml.safe_load((Path(__file__).parent / "values.yaml").read_text())
DEPTH = 4
MOST = 24


def candidates(field, name, owner="", depth=0):
    """Values to try one after the other, the likeliest first."""
    kind = field.type
    for key in (f"{owner.rpartition('.')[2]}.{name}", name):
        if key in TABLE["fields"]:
            return TABLE["fields"][key]
    if kind.shape == "scalar":
        return scalars(kind)
    if kind.shape == "list":
        return [[value] for value in candidates(kind.items, name, owner, depth)]
    if kind.shape == "map":
        values = candidates(kind.values, name, owner, depth)
        return [{key: value} for value in values for key in TABLE["keys"]][:MOST]
    if kind.shape == "object":
        return objects(kind, depth)
    return TABLE["any"]


def scalars(kind):
    enum = kind._schema.get("enum")
    return [value for value in enum if value != ""] if enum else TABLE["scalars"][kind.scalar]


def objects(kind, depth):
    """The required fields; then with one optional field more, for unions and for what validation wants besides."""
    if depth > DEPTH:
        return []
    required = kind._schema.get("required") or []
    options = [candidates(kind.fields[key], key, kind.name, depth + 1) for key in required]
    columns = itertools.islice(itertools.zip_longest(*options), 6) if options else [()]
    first = [
        {k: v if v is not None else o[0] for k, v, o in zip(required, column, options, strict=True) if o}
        for column in columns
    ]
    more = []
    if not first:
        return []
    for key, field in kind.fields.items():
        if key not in required:
            more += [{**first[0], key: value} for value in candidates(field, key, kind.name, depth + 1)[:2]]
    return [*first, *more][:MOST]


def others(value, field, name, owner=""):
    """Values that differ from one that is there, the nearest first."""
    kind = field.type
    near = []
    if isinstance(value, bool):
        near = [not value]
    elif isinstance(value, int):
        near = [value + 1, value - 1, value * 2]
    elif isinstance(value, str) and kind.scalar == "string" and not kind._schema.get("enum"):
        near = [value + "x", value + "-x"]
    elif isinstance(value, str) and kind.scalar == "int-or-string":
        near = ["37%" if value.endswith("%") else value + "x"]
    found = [*near, *candidates(field, name, owner)]
    return [other for index, other in enumerate(found) if not same(other, value) and other not in found[:index]][:MOST]


def same(one, other):
    return one == other and isinstance(one, bool) == isinstance(other, bool)
