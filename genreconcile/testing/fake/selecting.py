"""The label and field selectors of a request, and what a watch shows of an object that enters or leaves them.

Invariant: a selector that the server would refuse is refused, never taken for "all".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from genreconcile.errors import LoadError
from genreconcile.pointer import split_pointer
from genreconcile.selector import ParsedSelector, parse
from genreconcile.testing.fake.kinds import Kind, selectable
from genreconcile.testing.fake.store import Change
from genreconcile.testing.fake.wire import Refusal, Request

_BOUND: Final = re.compile(r"[ ]*(?P<label>[^ ,<>=!()]+)[ ]*(?P<operator>[<>])[ ]*(?P<number>-?\d+)[ ]*")
_COMMA: Final = re.compile(r",(?![^(]*\))")  # None in brackets.
_TERM: Final = re.compile(r"(?P<field>[^=!]+)(?P<operator>==?|!=)(?P<value>.*)")


class Bound(NamedTuple):
    """``label>number`` or ``label<number``: a condition that no selector of an object has, and that lists take."""

    label: str
    operator: str
    number: int

    def matches(self, labels: Mapping[str, Any]) -> bool:
        """Whether the label is a number beyond the bound."""
        try:
            value = int(labels[self.label])
        except (KeyError, ValueError):
            return False
        return value > self.number if self.operator == ">" else value < self.number


class Selection(NamedTuple):
    """Which objects of a kind a request wants."""

    labels: ParsedSelector
    bounds: tuple[Bound, ...]
    fields: tuple[tuple[tuple[str, ...], str, bool], ...]
    """The tokens of each field, the value, and whether it must be that value."""

    def takes(self, obj: Mapping[str, Any]) -> bool:
        """Whether an object is wanted."""
        labels = obj["metadata"].get("labels") or {}
        return (
            self.labels.matches(labels)
            and all(bound.matches(labels) for bound in self.bounds)
            and all((_text(obj, tokens) == value) == is_equal for tokens, value, is_equal in self.fields)
        )

    @property
    def is_everything(self) -> bool:
        """Whether there are no conditions."""
        return self.labels.is_everything and not self.bounds and not self.fields

    def shown(self, change: Change) -> tuple[str, Mapping[str, Any]] | None:
        """The type and the object of the event that a watch shows of a change, None for none.

        What leaves the selection is DELETED, as it was, under the version of the change.
        """
        was = change.before is not None and self.takes(change.before)
        if change.type != "DELETED" and self.takes(change.obj):
            return ("MODIFIED" if was else "ADDED"), change.obj
        if not was or change.before is None:
            return None
        version = change.obj["metadata"]["resourceVersion"]
        return "DELETED", {**change.before, "metadata": {**change.before["metadata"], "resourceVersion": version}}


def selection_of(request: Request, kind: Kind) -> Selection:
    """Raises Refusal (400)."""
    labels, bounds = _labels(request.query.get("labelSelector") or "")
    text = request.query.get("fieldSelector") or ""
    return Selection(labels, bounds, tuple(_term(term, kind) for term in text.split(",") if term))


def _labels(text: str) -> tuple[ParsedSelector, tuple[Bound, ...]]:
    terms = _COMMA.split(text) if _BOUND.search(text) else [text]
    found = [match for match in map(_BOUND.fullmatch, terms) if match]
    rest = [term for term in terms if not _BOUND.fullmatch(term)]
    try:
        labels = parse(",".join(rest))
        bounds = tuple(Bound(match["label"], match["operator"], int(match["number"])) for match in found)
        for bound in bounds:
            parse(bound.label)  # For what it refuses.
    except LoadError as error:
        raise Refusal(400, f"unable to parse requirement: {error}") from None
    return labels, bounds


def _term(term: str, kind: Kind) -> tuple[tuple[str, ...], str, bool]:
    match = _TERM.fullmatch(term)
    if match is None:
        raise Refusal(400, f"invalid selector: '{term}'; can't understand '{term}'")
    field = match["field"].strip()
    if field not in selectable(kind):
        raise Refusal(400, f"field label not supported: {field}")
    return split_pointer("/" + field.replace(".", "/")), match["value"].strip(), match["operator"] != "!="


def _text(obj: Mapping[str, Any], tokens: tuple[str, ...]) -> str:
    value: Any = obj
    for token in tokens:
        value = value.get(token) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)
