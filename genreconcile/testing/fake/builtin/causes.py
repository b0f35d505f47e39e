"""Why an object is refused: the causes of a 422, in the server's words.

Invariant: the message says what the causes say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from genreconcile.testing.fake.wire import Refusal


class Cause(NamedTuple):
    """One of them; ``field`` is a path such as ``spec.ports[0].nodePort``."""

    field: str
    reason: str
    message: str

    @classmethod
    def invalid(cls, field: str, value: Any, text: str) -> Cause:
        """A value that cannot be."""
        return cls(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {text}")

    @classmethod
    def required(cls, field: str, text: str = "") -> Cause:
        """A value that is missing."""
        return cls(field, "FieldValueRequired", f"Required value: {text}" if text else "Required value")

    @classmethod
    def unsupported(cls, field: str, value: Any, values: Sequence[str]) -> Cause:
        """A value that is none of those that there are."""
        listed = ", ".join(shown(one) for one in values)
        return cls(field, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {listed}")

    @classmethod
    def duplicate(cls, field: str, value: Any) -> Cause:
        """A value that is there before."""
        return cls(field, "FieldValueDuplicate", f"Duplicate value: {shown(value)}")

    @classmethod
    def not_found(cls, field: str, value: Any) -> Cause:
        """A reference to nothing."""
        return cls(field, "FieldValueNotFound", f"Not found: {shown(value)}")


def shown(value: Any) -> str:
    """A value as refusals write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=isinstance(value, dict))


def require(kind: str, obj: Mapping[str, Any], causes: Sequence[Cause]) -> None:
    """Raises Refusal (422) if there are causes; ``kind`` as ``Kind.group``."""
    if not causes:
        return
    name = obj["metadata"].get("name", "")
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    what = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    own, _, group = kind.partition(".")
    details = {"name": name, "group": group, "kind": own}
    listed = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    filled = {key: value for key, value in details.items() if value}
    raise Refusal(422, f'{kind} "{name}" is invalid: {what}', details={**filled, "causes": listed})
