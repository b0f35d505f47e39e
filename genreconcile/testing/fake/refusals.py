"""The refusals of objects, as Statuses that name the object and the causes.

Invariant: what a program reads from a refusal (status, reason, details) is what the real server says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genreconcile.gojson import dumps
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.store import Key
from genreconcile.testing.fake.structural import Cause
from genreconcile.testing.fake.wire import Refusal


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> Refusal:
    """The refusal of an object for these causes."""
    return _invalid(kind.group, kind.kind, name, causes)


def invalid_options(kind: str, *causes: Cause) -> Refusal:
    """The refusal of the options of a request, such as CreateOptions."""
    return _invalid("meta.k8s.io", kind, "", causes)


def _invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> Refusal:
    texts = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    told = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    qualified = f"{kind}.{group}" if group else kind
    named = {"name": name, "group": group, "kind": kind}
    details = {key: value for key, value in named.items() if value}
    return Refusal(
        422,
        f'{qualified} "{name}" is invalid: {told}',
        details={**details, "causes": [one._asdict() for one in causes]},
    )


def strict(kind: Kind, sentences: Sequence[str]) -> Refusal:
    """The refusal of fields that the schema does not know, or that stand there twice."""
    return Refusal(400, f"{unusable(kind)}: strict decoding error: {', '.join(sentences)}")


def in_patch(refusal: Refusal, kind: Kind, patched: Mapping[str, Any]) -> Refusal:
    """The refusal of what a patch makes of an object that cannot be read."""
    text = dumps(dumps(patched).decode()).decode()
    told = str(refusal).removeprefix(f"{unusable(kind)}: ")
    cause = Cause("FieldValueInvalid", f"Invalid value: {text}: {told}", "patch")
    return _invalid("", "", "", [cause])


def unusable(kind: Kind) -> str:
    """How the refusal of a body that cannot be read begins."""
    return f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'


def not_found(key: Key) -> Refusal:
    """The refusal of what asks for an object that is not there."""
    return Refusal(404, f'{_shown(key)} "{key.name}" not found', details=details_of(key))


def already_exists(key: Key) -> Refusal:
    """The refusal of a second object of one name."""
    return Refusal(409, f'{_shown(key)} "{key.name}" already exists', reason="AlreadyExists", details=details_of(key))


def conflict(key: Key, text: str) -> Refusal:
    """The refusal of a write that rests on an older state."""
    return Refusal(409, f'Operation cannot be fulfilled on {_shown(key)} "{key.name}": {text}', details=details_of(key))


def details_of(key: Key) -> dict[str, Any]:
    """The details that name an object."""
    found: dict[str, Any] = {"name": key.name, "group": key.group, "kind": key.plural}
    return {name: value for name, value in found.items() if value}


def _shown(key: Key) -> str:
    return f"{key.plural}.{key.group}" if key.group else key.plural
