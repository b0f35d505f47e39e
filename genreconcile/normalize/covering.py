"""List members that the server drops because another member covers them.

Invariant: pure, and total on JSON values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from genreconcile.gojson import dumps_sorted


def toleration(wide: Any, narrow: Any) -> bool:
    """Whether ``wide`` tolerates all that ``narrow`` tolerates (``isSuperset`` of kubernetes/pkg/util/tolerations)."""
    if not isinstance(wide, Mapping) or not isinstance(narrow, Mapping):
        return False
    is_for_all_keys = not wide.get("key") and wide.get("operator") == "Exists"
    if wide.get("key") != narrow.get("key") and not is_for_all_keys:
        return False
    if wide.get("effect") and wide.get("effect") != narrow.get("effect"):
        return False
    return _is_as_long(wide, narrow) and _takes_value(wide, narrow)


def _is_as_long(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    most, asked = wide.get("tolerationSeconds"), narrow.get("tolerationSeconds")
    if wide.get("effect") != "NoExecute" or not isinstance(most, int):
        return True
    return isinstance(asked, int) and asked <= most


def _takes_value(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    if wide.get("operator") == "Exists":
        return True
    is_equality = wide.get("operator") in (None, "", "Equal") and narrow.get("operator") == "Equal"
    return is_equality and (wide.get("value") or "") == (narrow.get("value") or "")


COVERING: Final[Mapping[str, Callable[[Any, Any], bool]]] = MappingProxyType({"toleration": toleration})
"""The tests (wide, narrow) for ``covered`` rules, by the rule's argument."""


_MOST_LOOKS: Final = 1_000_000


def without_covered(expected: list[Any], live: list[Any], name: str) -> list[Any]:
    """The distinct expected members, without those that live lacks and a live member covers.

    ``name`` is a key of COVERING. Beyond ``_MOST_LOOKS`` comparisons no member counts as covered.
    """
    there = {dumps_sorted(member): member for member in live}
    each: dict[bytes, Any] = {}
    for member in expected:
        each.setdefault(dumps_sorted(member), member)
    missing = [identity for identity in each if identity not in there]
    if len(missing) * len(there) > _MOST_LOOKS:
        missing = []
    covers = COVERING[name]
    covered = {identity for identity in missing if any(covers(other, each[identity]) for other in there.values())}
    return [member for identity, member in each.items() if identity not in covered]
