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
from genreconcile.testing.fake.wire import Refusal, Request

_TERM: Final = re.compile(r"(?P<field>[^=!]+)(?P<operator>==?|!=)(?P<value>.*)")


class Selection(NamedTuple):
    """Which objects of a kind a request wants."""

    labels: ParsedSelector
    fields: tuple[tuple[tuple[str, ...], str, bool], ...]
    """The tokens of each field, the value, and whether it must be that value."""

    def takes(self, obj: Mapping[str, Any]) -> bool:
        """Whether an object is wanted."""
        return self.labels.matches(obj["metadata"].get("labels") or {}) and all(
            (_text(obj, tokens) == value) == is_equal for tokens, value, is_equal in self.fields
        )

    def shown(self, event_type: str, obj: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
        """The type of event that a watch shows of a change, "" for none: what leaves the selection is DELETED."""
        was, is_ = before is not None and self.takes(before), self.takes(obj)
        if event_type == "DELETED":
            return "DELETED" if was else ""
        if is_:
            return "MODIFIED" if was else "ADDED"
        return "DELETED" if was else ""


def selection_of(request: Request, kind: Kind) -> Selection:
    """Raises Refusal (400)."""
    try:
        labels = parse(request.query.get("labelSelector") or "")
    except LoadError as error:
        raise Refusal(400, f"unable to parse requirement: {error}") from None
    text = request.query.get("fieldSelector") or ""
    return Selection(labels, tuple(_term(term, kind) for term in text.split(",") if term))


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
