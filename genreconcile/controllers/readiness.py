"""Whether a live object does what it is for, as far as its status says.

Invariant: pure; knowledge of kinds is ``readiness.yaml``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

from genreconcile.data import Readiness, shipped
from genreconcile.data.shapes import Ready
from genreconcile.kinds.order import kind_name
from genreconcile.objects import GVK, metadata_of
from genreconcile.pointer import split_pointer

_REPLICAS: Final = "/spec/replicas"


def is_ready(live: Mapping[str, Any]) -> bool:
    """Whether an object is ready; one that is being deleted is not, nor one whose status is about an older spec."""
    metadata = metadata_of(dict(live))
    if "deletionTimestamp" in metadata:
        return False
    observed = _at(live, "/status/observedGeneration")
    if observed is not None and observed != metadata.get("generation", observed):
        return False
    gvk = GVK.of(live)
    ready = _kinds().get(kind_name(gvk.group, gvk.kind))
    conditions = _conditions(live)
    if ready is None:
        first = next((name for name in shipped(Readiness).conditions if name in conditions), None)
        return first is None or conditions[first] == "True"
    return (
        all(conditions.get(name) == "True" for name in ready.are_true)
        and all(_number(live, one) == _number(live, other) for one, other in ready.equal)
        and all(_at(live, pointer) is not None for pointer in ready.needs)
        and all(_at(live, pointer) == text for pointer, text in ready.values)
    )


@functools.cache
def _kinds() -> Mapping[str, Ready]:
    return {entry.kind: entry for entry in shipped(Readiness).kinds}


def _conditions(live: Mapping[str, Any]) -> dict[str, Any]:
    found = _at(live, "/status/conditions")
    conditions = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    return {str(one.get("type")): one.get("status") for one in conditions}


def _number(live: Mapping[str, Any], pointer: str) -> Any:
    found = _at(live, pointer)
    if found is None:
        return 1 if pointer == _REPLICAS else 0
    return found


def _at(live: Mapping[str, Any], pointer: str) -> Any:
    value: Any = live
    for token in split_pointer(pointer):
        value = value.get(token) if isinstance(value, Mapping) else None
    return value
