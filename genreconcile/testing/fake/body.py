"""The body of a write: JSON, in the right kind, with the names that the path gives.

Invariant: what is refused here never comes near the store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.structural import Cause
from genreconcile.testing.fake.wire import Refusal


def read(body: bytes, kind: Kind) -> tuple[dict[str, Any], list[str]]:
    """The object of a POST or PUT, and the names of fields that stand in it twice. Raises Refusal (400)."""
    twice: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        twice.extend(key for key, _ in pairs if key in found or found.update({key: None}))
        return dict(pairs)

    try:
        obj = json.loads(body, object_pairs_hook=members)
    except ValueError as error:
        raise Refusal(400, f"{_unusable(kind)}: {error}") from None
    if not isinstance(obj, dict):
        raise Refusal(400, f"{_unusable(kind)}: it is no object")
    found = (obj.get("apiVersion") or kind.api_version, obj.get("kind") or kind.kind)
    if found[0] != kind.api_version:
        expected = f"the expected API version ({kind.api_version})"
        raise Refusal(400, f"the API version in the data ({found[0]}) does not match {expected}")
    if found[1] != kind.kind:
        raise Refusal(400, f"{_unusable(kind)}: it is of kind {found[1]!r}")
    return {**obj, "apiVersion": kind.api_version, "kind": kind.kind}, twice


def require_namespace(metadata: Mapping[str, Any], namespace: str) -> None:
    """Raise Refusal (400) for an object of another namespace than that of the path."""
    if (metadata.get("namespace") or namespace) != namespace:
        raise Refusal(400, "the namespace of the provided object does not match the namespace sent on the request")


def require_name(metadata: Mapping[str, Any], name: str) -> None:
    """Raise Refusal (400) for an object of another name than that of the path."""
    found = metadata.get("name")
    if found != name:
        raise Refusal(
            400, f"the name of the object ({found}) does not match the name on the URL ({name})" if found else
            "the name of the object ( based on URL) was undeterminable: name must be provided"
        )  # fmt: skip


def invalid(kind: Kind, name: str, causes: list[Cause]) -> Refusal:
    """The refusal of an object for these causes."""
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    told = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    details = {"name": name, "group": kind.group, "kind": kind.kind, "causes": [cause._asdict() for cause in causes]}
    return Refusal(422, f'{qualified} "{name}" is invalid: {told}', details=details)


def strict(kind: Kind, unknown: Sequence[str], twice: Sequence[str], *, is_patch: bool) -> Refusal:
    """The refusal of fields that the schema does not know, or that stand there twice."""
    texts = [f'unknown field "{path}"' for path in unknown] + [f'duplicate field "{name}"' for name in twice]
    told = f"strict decoding error: {', '.join(texts)}"
    if is_patch:
        cause = Cause("FieldValueInvalid", f"Invalid value: {told}", "patch")
        details = {"group": kind.group, "kind": kind.kind, "causes": [cause._asdict()]}
        return Refusal(422, f'{kind.kind} "" is invalid: patch: Invalid value: {told}', details=details)
    return Refusal(400, f"{_unusable(kind)}: {told}")


def _unusable(kind: Kind) -> str:
    return f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'
