"""The values that the server fills in, as rules over types.

Invariant: what a rule fills in holds wherever its type occurs; a value that is there is never replaced by a rule.

``data/defaults.yaml`` is recorded by tools/fake/record_defaults.py, ``data/computed.yaml`` written by hand. Both hold
rules by type: ``add`` are fields with their values, all of these say when: ``when`` the values that fields of the same
object may have, ``with`` and ``without`` fields that are or are not there, ``only`` that no others are, ``root`` the
kinds of whole objects, ``at`` the field that holds the object. What earlier rules fill in counts for ``when`` alone. A
``call`` names a function of ``computed``.

"""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from genreconcile.testing.fake.builtin.computed import FUNCTIONS
from genreconcile.testing.fake.builtin.types import MISSING, Type, root_of
from genreconcile.testing.fake.copying import copied
from genreconcile.testing.fake.kinds import Kind

_DATA = Path(__file__).parents[1] / "data"

Rule = Mapping[str, Any]
Rules = Mapping[str, Sequence[Rule]]


def defaulted(obj: Mapping[str, Any], kind: Kind, *, is_new: bool = True) -> dict[str, Any]:
    """A copy of a decoded object with all that the server fills in, of one that ``is_new`` what it adds once as well.

    An object of a custom kind comes back as it is.
    """
    found: dict[str, Any] = copied(obj)
    root = root_of(kind)
    if root is not None:
        Filling(found, kind.kind, is_new=is_new).object(found, root, "")
    return found


@functools.cache
def rules() -> Rules:
    """By type, the recorded rules and then those written by hand."""
    found: dict[str, list[Rule]] = {}
    for name in ("defaults", "computed"):
        for type_name, own in yaml.safe_load((_DATA / f"{name}.yaml").read_text("utf-8")).items():
            found.setdefault(type_name, []).extend(own)
    return found


class Filling:
    """Of one object, which it changes."""

    def __init__(self, root: dict[str, Any], kind: str, *, is_new: bool) -> None:
        self._rules, self._root, self._kind, self._is_new = rules(), root, kind, is_new

    def object(self, value: dict[str, Any], type_: Type, at: str) -> None:
        """Fill in this object, then what is in it."""
        own = self._rules.get(type_.name, ())
        there = {name for name in value if not is_unset(value, name, type_)} if own else set()
        for rule in own:
            if (self._is_new or not rule.get("new")) and holds(rule, value, there, self._kind, at):
                self._apply(rule, value, type_)
        for name, field in type_.fields.items():
            if name in value:
                self._inner(value[name], field.type, name)

    def _apply(self, rule: Rule, value: dict[str, Any], type_: Type) -> None:
        for name, default in rule.get("add", {}).items():
            if is_unset(value, name, type_):
                value[name] = with_empties(copy.deepcopy(default), type_.fields[name].type)
        if "call" in rule:
            FUNCTIONS[rule["call"]](value, self._root, rule)

    def _inner(self, value: Any, type_: Type, at: str) -> None:
        if type_.shape == "object" and isinstance(value, dict):
            self.object(value, type_, at)
        elif type_.items is not None and isinstance(value, list):
            for entry in value:
                self._inner(entry, type_.items, at)
        elif type_.items is not None and isinstance(value, dict) and type_.shape == "map":
            for entry in value.values():
                self._inner(entry, type_.items, at)


def holds(rule: Rule, value: Mapping[str, Any], there: set[str], kind: str, at: str) -> bool:
    """Whether the conditions of a rule are met; ``there`` are the fields that were set before any rule."""
    return (
        kind in rule.get("root", (kind,))
        and at in rule.get("at", (at,))
        and there.issuperset(rule.get("with", ()))
        and there.isdisjoint(rule.get("without", ()))
        and ("only" not in rule or there <= set(rule["only"]))
        and all(value.get(name) in values for name, values in rule.get("when", {}).items())
    )


def is_unset(value: Mapping[str, Any], name: str, type_: Type) -> bool:
    """Whether a field has no value, or the one that Go writes for none."""
    if name not in value:
        return True
    empty = type_.fields[name].empty if name in type_.fields else MISSING
    return empty is not MISSING and empty != {} and value[name] == empty and type(value[name]) is type(empty)


def with_empties(value: Any, type_: Type) -> Any:
    """A value with all that Go writes besides."""
    if type_.shape == "object" and isinstance(value, dict):
        own = {name: with_empties(entry, type_.fields[name].type) for name, entry in value.items()}
        missing = {name: field for name, field in type_.fields.items() if name not in own}
        empties = {name: field.empty for name, field in missing.items() if field.empty is not MISSING}
        return own | {
            name: with_empties({}, type_.fields[name].type) if empty == {} else empty for name, empty in empties.items()
        }
    if type_.shape == "list" and type_.items is not None and isinstance(value, list):
        return [with_empties(entry, type_.items) for entry in value]
    return value
