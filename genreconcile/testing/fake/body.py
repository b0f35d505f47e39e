"""The body of a write: JSON, in the right kind, with the names that the path gives.

Invariant: what is refused here never comes near the store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.refusals import invalid, unusable
from genreconcile.testing.fake.structural import Cause
from genreconcile.testing.fake.wire import Refusal, Request, Unsupported

_JSON: Final = frozenset({"", "application/json"})
_OTHER_FORMATS: Final = frozenset({
    "application/yaml", "application/vnd.kubernetes.protobuf", "application/cbor", "application/cbor-seq",
})  # fmt: skip


class Twice(dict[str, Any]):
    """A JSON object in which some names stand more than once; the last one counts."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.twice = tuple(name for name in self if names.count(name) > 1)


def require_json(request: Request) -> None:
    """Raise Refusal (415) for a body in a format that the server does not know; Unsupported for YAML and the like."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if content_type in _OTHER_FORMATS:
        raise Unsupported(f"bodies of type {content_type}")
    if content_type not in _JSON:
        accepted = ", ".join(("application/json", *sorted(_OTHER_FORMATS)))
        text = "the body of the request was in an unknown format - accepted media types include: "
        raise Refusal(415, text + accepted)


def read(body: bytes, kind: Kind) -> dict[str, Any]:
    """The object of a POST or PUT, with ``Twice`` among its members. Raises Refusal (400, 422)."""
    try:
        obj = json.loads(body, object_pairs_hook=_members, parse_constant=_no_number)
    except ValueError as error:
        raise Refusal(400, f"{unusable(kind)}: {error}") from None
    if not isinstance(obj, dict):
        raise Refusal(400, f"{unusable(kind)}: it is no object")
    return of_kind(obj, kind, is_named=bool(kind.defines))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Twice(pairs)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"invalid character {text[0]!r} looking for beginning of value")


def of_kind(obj: dict[str, Any], kind: Kind, *, is_named: bool) -> dict[str, Any]:
    """The object with its kind, which it must name itself if ``is_named``. Raises Refusal (400, 422)."""
    api_version, name = obj.get("apiVersion"), obj.get("kind")
    for field, value in (("Kind", name), ("apiVersion", api_version)):
        if is_named and not value:
            raise Refusal(400, f"Object '{field}' is missing in '{json.dumps(obj)}'")
        if value is not None and not isinstance(value, str):
            raise Refusal(400, f"{unusable(kind)}: {field} is no text")
    if (api_version or kind.api_version) != kind.api_version:
        expected = f"the expected API version ({kind.api_version})"
        raise Refusal(400, f"the API version in the data ({api_version}) does not match {expected}")
    if (name or kind.kind) != kind.kind:
        if kind.defines:
            cause = Cause("FieldValueInvalid", f'Invalid value: "{name}": must be {kind.kind}', "kind")
            raise invalid(kind, str((obj.get("metadata") or {}).get("name") or ""), [cause])
        raise Refusal(400, f"{unusable(kind)}: it is of kind {name!r}")
    if api_version and name:
        return obj
    return type(obj)((*obj.items(), ("apiVersion", kind.api_version), ("kind", kind.kind)))


def twice(value: Any, path: str = "") -> Iterator[str]:
    """The paths of what stands more than once in the object of a body."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from twice(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        names = value.twice if isinstance(value, Twice) else ()
        for name, entry in value.items():
            below = f"{path}.{name}" if path else name
            if name in names:
                yield below
            yield from twice(entry, below)


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
