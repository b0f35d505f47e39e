"""From what was sent and what was answered to the rules that tell why the server filled in a value.

Invariant: a rule is only written where it explains all that was seen of a field; what no rule explains is listed.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genreconcile.testing.fake.builtin.defaults import is_unset
from genreconcile.testing.fake.builtin.types import Type

Known = Mapping[str, set[str]]
"""By type, the fields that are not to be learned, for a function fills them in."""

_FEW = 8
_NOTHING = "null"


class Seen:
    """An object of a type, as it was sent and as it came back; ``at`` is the field that holds it."""

    def __init__(self, type_: Type, sent: Mapping[str, Any], answer: Mapping[str, Any], root: str, at: str) -> None:
        self.type, self.root, self.at = type_, root, at
        self.sent = {name: sent[name] for name in sent if not is_unset(sent, name, type_)}
        self.answer = {name: answer[name] for name in answer if not is_unset(answer, name, type_)}

    def added(self, name: str) -> str | None:
        """The value that was added to a field, as JSON; null for none, None where the field was set before."""
        if name in self.sent:
            return None
        if name not in self.answer:
            return _NOTHING
        value = self.answer[name]
        return "{}" if isinstance(value, dict) and self.type.fields[name].type.shape == "object" else json.dumps(value)

    @property
    def digest(self) -> str:
        """The same for those of which a rule can tell no difference."""
        sent = {name: value if isinstance(value, str | bool | int) else "" for name, value in self.sent.items()}
        answer = {name: self.added(name) for name in self.answer if name not in self.sent}
        return repr((sorted(sent.items()), sorted(answer.items()), self.root, self.at))


def walk(  # noqa: PLR0913, PLR0917 - two objects, and where they are
    sent: Any, answer: Any, type_: Type, root: str, known: Known, at: str = ""
) -> Iterator[Seen]:
    """All objects that both have, and those that the server has added; not what functions fill in."""
    if type_.shape == "object" and isinstance(answer, dict):
        sent = sent if isinstance(sent, dict) else {}
        yield Seen(type_, sent, answer, root, at)
        for name, field in type_.fields.items():
            computed = name not in sent and name in known.get(type_.name, ())
            if name in answer and not computed and not (at == "" and name == "metadata"):
                yield from walk(sent.get(name), answer[name], field.type, root, known, name)
    elif type_.items is not None and isinstance(answer, list) and isinstance(sent, list):
        for one, other in zip(sent, answer, strict=False):
            yield from walk(one, other, type_.items, root, known, at)


class Learner:
    """What is seen of all objects, and what that tells."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._seen: dict[str, dict[str, Seen]] = defaultdict(dict)
        self.unexplained: list[str] = []

    def see(self, seen: Seen) -> None:
        """Take one object into account."""
        self._seen[seen.type.name].setdefault(seen.digest, seen)

    def rules(self) -> dict[str, list[dict[str, Any]]]:
        """By type, with those that depend on nothing first."""
        found = {}
        for name, seen in sorted(self._seen.items()):
            own = self._of_type(name, list(seen.values()))
            if own:
                found[name] = own
        return found

    def _of_type(self, name: str, seen: Sequence[Seen]) -> list[dict[str, Any]]:
        always: dict[str, Any] = {}
        dependent: dict[str, list[tuple[Seen, str]]] = {}
        for field in seen[0].type.fields:
            if field in self._known.get(name, ()):
                continue
            outcomes = [(one, added) for one in seen if (added := one.added(field)) is not None]
            values = {added for _, added in outcomes}
            if values == {_NOTHING} or not values:
                continue
            if len(values) == 1:
                always[field] = json.loads(values.pop())
            else:
                dependent[field] = outcomes
        rules = self._dependent(name, always, dependent)
        return [{"add": always}, *rules] if always else rules

    def _dependent(
        self, name: str, always: Mapping[str, Any], dependent: Mapping[str, list[tuple[Seen, str]]]
    ) -> list[dict[str, Any]]:
        """Rules for fields that are filled in now and then; what fields have in common is said once."""
        merged: dict[str, dict[str, Any]] = {}
        for field, outcomes in dependent.items():
            if len({added for _, added in outcomes}) > _FEW:
                self.unexplained.append(f"{name}.{field}: too many values")
                continue
            for value in sorted({added for _, added in outcomes} - {_NOTHING}):
                yes = [one for one, added in outcomes if added == value]
                no = [one for one, added in outcomes if added != value]
                condition = explained(field, yes, no, always)
                if condition is None:
                    self.unexplained.append(f"{name}.{field}: {value[:100]} {len(yes)}:{len(no)} {yes[0].root}")
                    continue
                key = json.dumps(condition, sort_keys=True)
                merged.setdefault(key, {**condition, "add": {}})["add"][field] = json.loads(value)
        return list(merged.values())


def explained(field: str, yes: list[Seen], no: list[Seen], always: Mapping[str, Any]) -> dict[str, Any] | None:
    """The simplest condition, or two of them, that all of ``yes`` and none of ``no`` meet."""
    fitting = []
    for condition in conditions(field, yes, always):
        if all(meets(one, condition, always) for one in yes):
            left = [one for one in no if meets(one, condition, always)]
            if not left:
                return condition
            fitting.append((condition, left))
    for (one, left), (other, _) in itertools.combinations(fitting, 2):
        if not any(meets(seen, other, always) for seen in left):
            return {**one, **other, **_both(one, other)}
    return None


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in one.keys() & other.keys():
        found[key] = one[key] | other[key] if isinstance(one[key], dict) else sorted({*one[key], *other[key]})
    return found


def effective(seen: Seen, name: str, always: Mapping[str, Any]) -> Any:
    """The value of a field, filled in where it always is."""
    return seen.sent.get(name, always.get(name))


def conditions(field: str, yes: list[Seen], always: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Conditions that may hold for all of these, the likeliest first."""
    known = yes[0].type.fields
    beside = {field, "metadata", "status", *(("apiVersion", "kind") if "metadata" in known else ())}
    fields = [name for name in known if name not in beside]
    for name in fields:
        values = [effective(one, name, always) for one in yes]
        scalars = {json.dumps(value) for value in values if isinstance(value, str | bool)}
        if scalars and len(scalars) <= _FEW and not any(value is None for value in values):
            yield {"when": {name: sorted(json.loads(value) for value in scalars)}}
    for name in fields:
        if name not in always:
            yield {"without": [name]}
            yield {"with": [name]}
    roots, places = sorted({one.root for one in yes}), sorted({one.at for one in yes})
    yield {"root": roots}
    yield {"at": places}
    there = sorted({name for one in yes for name in one.sent})
    if len(there) <= 2:
        yield {"only": there}


def meets(seen: Seen, condition: Mapping[str, Any], always: Mapping[str, Any]) -> bool:
    """As ``holds``, of what was sent with what is always filled in."""
    there = seen.sent.keys() | always.keys()
    return (
        seen.root in condition.get("root", (seen.root,))
        and seen.at in condition.get("at", (seen.at,))
        and there.issuperset(condition.get("with", ()))
        and there.isdisjoint(condition.get("without", ()))
        and ("only" not in condition or seen.sent.keys() <= set(condition["only"]))
        and all(effective(seen, name, always) in values for name, values in condition.get("when", {}).items())
    )
