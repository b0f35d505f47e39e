"""The few named functions that rules may call: defaults that follow from other fields by more than a copy.

Each takes the object that holds the rule's key, as expected, and the arguments of the rule; each returns the default,
or MISSING where it has none. Pure, and wrong only about what the API server does, never about a type: bad input gives
MISSING.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from genreconcile.schema import MISSING

Function = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]


def image_pull_policy(holder: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    """``Always`` for a tag ``latest`` or none (and no digest), else ``IfNotPresent``; ``of`` is the image's field.

    Source: SetDefaults_Container in pkg/apis/core/v1/defaults.go; a reference is ``[host[:port]/]path[:tag][@digest]``.
    """
    image = holder.get(str(arguments.get("of", "image")), "")
    if not isinstance(image, str):
        return MISSING
    name, _at, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if tag == "latest" or not (tag or digest):
        return "Always"
    return "IfNotPresent"


def text(holder: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    """The argument ``template`` with ``{}`` replaced by the holder's field ``of``; ``lower: true`` in lower case."""
    value = holder.get(str(arguments.get("of")))
    if not isinstance(value, str) or not value:
        return MISSING
    result = str(arguments.get("template", "{}")).replace("{}", value)
    return result.lower() if arguments.get("lower") else result


FUNCTIONS: Final[Mapping[str, Function]] = {"image-pull-policy": image_pull_policy, "text": text}
