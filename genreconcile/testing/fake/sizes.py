"""How large the data of an object may be.

Invariant: pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.places import data, place_of
from genreconcile.testing.fake.structural import Cause


def problems(obj: Mapping[str, Any], kind: Kind) -> Iterator[Cause]:
    """Why an object is too large."""
    for name, rule in data("sizes").items():
        if place_of(name) == kind.place and _size(obj, rule) > rule["most"]:
            yield Cause("FieldValueTooLong", f"Too long: may not be more than {rule['most']} bytes", rule["at"])


def _size(obj: Mapping[str, Any], rule: Mapping[str, Any]) -> int:
    texts = (text for field in rule.get("texts", ()) for text in (obj.get(field) or {}).values())
    encoded = (text for field in rule.get("bytes", ()) for text in (obj.get(field) or {}).values())
    return sum(len(text.encode()) for text in texts) + sum(len(text.rstrip("=")) * 3 // 4 for text in encoded)
