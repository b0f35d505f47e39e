"""The scale subresource: replicas of a kind as an ``autoscaling/v1`` Scale.

Invariant: pure; a write through it changes the replicas alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from genreconcile.selector import parse
from genreconcile.testing.fake.copying import copied
from genreconcile.testing.fake.kinds import Scale
from genreconcile.testing.fake.structural import Cause
from genreconcile.testing.fake.wire import Refusal

_MOST: Final = 2**31 - 1


def scale_of(obj: Mapping[str, Any], scale: Scale, *, is_new: bool = False) -> dict[str, Any]:
    """The Scale of an object; ``is_new``: the one that is patched. Raises Refusal (500) without replicas."""
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    found: dict[str, Any] = {"kind": "Scale", "apiVersion": "autoscaling/v1"}
    found["metadata"] = {name: metadata[name] for name in kept if name in metadata}
    replicas = _at(obj, scale.spec)
    if replicas is None and not is_new:
        raise Refusal(500, f'Internal error occurred: the spec replicas field "{scale.spec}" does not exist')
    found["spec"] = {"replicas": replicas} if replicas else {}
    found["status"] = {"replicas": _at(obj, scale.status) or 0}
    if selector := _at(obj, scale.selector):
        found["status"]["selector"] = str(parse(selector))
    return found


def scaled(obj: Mapping[str, Any], scale: Scale, wished: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an object with the replicas and under the version of a Scale. Raises Refusal (400, 422)."""
    replicas = (wished.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise Refusal(400, 'Scale in version "v1" cannot be handled as a Scale: spec.replicas is no number')
    if replicas < 0:
        cause = {
            "reason": "FieldValueInvalid",
            "message": f"Invalid value: {replicas}: must be greater than or equal to 0",
            "field": "spec.replicas",
        }
        details = {"name": obj["metadata"]["name"], "group": "autoscaling", "kind": "Scale", "causes": [cause]}
        raise Refusal(422, f"Scale.autoscaling is invalid: {cause['message']}", details=details)
    result: dict[str, Any] = copied(obj)
    version = (wished.get("metadata") or {}).get("resourceVersion")
    result["metadata"]["resourceVersion"] = version or obj["metadata"]["resourceVersion"]
    *parents, last = scale.spec.strip(".").split(".")
    place = result
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = replicas
    return result


def problems(obj: Mapping[str, Any], scale: Scale) -> Iterator[Cause]:
    """What is refused in the replicas of a custom object."""
    for path in (scale.spec, scale.status):
        value = _at(obj, path)
        text = ""
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            value, text = 0, f"{path} accessor error: it is no int64"
        elif value is not None and value < 0:
            text = "should be a non-negative integer"
        elif value is not None and value > _MOST:
            text = f"should be less than or equal to {_MOST}"
        if text:
            yield Cause("FieldValueInvalid", f"Invalid value: {value}: {text}", path)


def _at(obj: Mapping[str, Any], path: str) -> Any:
    value: Any = obj
    for name in path.strip(".").split(".") if path else ():
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if path else None
