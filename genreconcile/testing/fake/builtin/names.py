"""Names, labels and annotations: what may be one, in the server's words.

Invariant: a check gives the sentences of the server, in its order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from genreconcile.testing.fake.builtin.causes import Cause

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_KEY = "[-._a-zA-Z0-9]+"
_ENDS = "must start and end with an alphanumeric character"
_OTHERS = f"must consist of alphanumeric characters, '-', '_' or '.', and {_ENDS}"
_OF_NAME = f"{_OTHERS} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
_OF_SUBDOMAIN = (
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and {_ENDS}"
    f" (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_OF_LABEL = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and {_ENDS}"
    f" (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_OF_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
    f"{_ENDS} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({_NAME})?')"
)
_OF_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    f"(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '{_KEY}')"
)
_QUALIFIED = f"a valid label key {_OF_NAME} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
_STANDARD = {"kubernetes", "orphan", "foregroundDeletion"}


def subdomain(name: str) -> Iterator[str]:
    """What is wrong with the name of an object of most kinds."""
    if len(name) > 253:
        yield "must be no more than 253 characters"
    if not re.fullmatch(_SUBDOMAIN, name):
        yield _OF_SUBDOMAIN


def label(name: str) -> Iterator[str]:
    """What is wrong with a name without dots."""
    if "." in name:
        yield "must not contain dots"
    elif not re.fullmatch(_LABEL, name):
        yield _OF_LABEL
    if len(name) > 63:
        yield "must be no more than 63 characters"


def path(name: str) -> Iterator[str]:
    """What is wrong with a name that is a part of a path."""
    if name in {".", ".."}:
        yield f"may not be '{name}'"
    yield from (f"may not contain '{sign}'" for sign in "/%" if sign in name)


def qualified(name: str) -> Iterator[str]:
    """What is wrong with the key of a label or an annotation."""
    prefix, slash, own = name.rpartition("/")
    if "/" in prefix:
        yield _QUALIFIED
        return
    if slash and not prefix:
        yield "prefix part must be non-empty"
    elif slash:
        yield from (f"prefix part {text}" for text in subdomain(prefix))
    if not own:
        yield "name part must be non-empty"
    elif len(own) > 63:
        yield "name part must be no more than 63 bytes"
    if not re.fullmatch(_NAME, own):
        yield f"name part {_OF_NAME}"


def value(text: str) -> Iterator[str]:
    """What is wrong with the value of a label."""
    if len(text.encode()) > 63:
        yield "must be no more than 63 bytes"
    if text and not re.fullmatch(_NAME, text):
        yield _OF_VALUE


def config_key(name: str) -> Iterator[str]:
    """What is wrong with a key of configuration."""
    if not re.fullmatch(_KEY, name):
        yield _OF_KEY
    if name in {".", ".."}:
        yield f"must not be '{name}'"
    elif name.startswith(".."):
        yield "must not start with '..'"


NAMES: Mapping[str, Callable[[str], Iterator[str]]] = {"subdomain": subdomain, "label": label, "path": path}
"""By what ``data/strategy.yaml`` calls them."""


def of_metadata(metadata: Mapping[str, Any], form: str) -> Iterator[Cause]:
    """What is wrong with the metadata of an object, whose name has one of the forms of NAMES."""
    name = metadata.get("name")
    if not name:
        yield Cause.required("metadata.name", "name or generateName is required")
    else:
        yield from (Cause.invalid("metadata.name", name, text) for text in NAMES[form](name))
    for key, entry in (metadata.get("labels") or {}).items():
        yield from (Cause.invalid("metadata.labels", key, text) for text in qualified(key))
        yield from (Cause.invalid("metadata.labels", entry, text) for text in value(entry))
    for key in metadata.get("annotations") or ():
        yield from (Cause.invalid("metadata.annotations", key, text) for text in qualified(key.lower()))
    for index, owner in enumerate(metadata.get("ownerReferences") or ()):
        names = ("apiVersion", "kind", "name", "uid")
        missing = (field for field in names if not owner.get(field))
        yield from (
            Cause.required(f"metadata.ownerReferences[{index}].{field}", "must not be empty") for field in missing
        )
    for index, finalizer in enumerate(metadata.get("finalizers") or ()):
        yield from (Cause.invalid("metadata.finalizers", finalizer, text) for text in qualified(finalizer))
        if "/" not in finalizer and finalizer not in _STANDARD:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield Cause.invalid(f"metadata.finalizers[{index}]", finalizer, text)
