"""Objects as YAML for people: keys sorted, strings of several lines as blocks, no aliases, no wrapping.

Invariant: equal objects give equal text, and kubectl, PyYAML and our loader read the same object back: ``y`` and
``1e3`` are strings to one of them and not to another, so such strings are quoted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from genreconcile.manifests.scalars import resolve

try:
    from yaml import CSafeDumper as _SafeDumper
except ImportError:
    from yaml import SafeDumper as _SafeDumper  # type: ignore[assignment]  # the same interface, only slower

_NO_WRAP = 2**30


class _Dumper(_SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- PyYAML's signature
        return True


def _represent_str(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "'" if resolve(text).__class__ is not str else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represent_str)


_FORM: dict[str, Any] = {"Dumper": _Dumper, "default_flow_style": False, "allow_unicode": True, "width": _NO_WRAP}


def dump(value: Any, *, sort_keys: bool = True) -> str:
    """JSON data as a YAML document without a marker."""
    text: str = yaml.dump(value, sort_keys=sort_keys, **_FORM)
    return text


def dump_all(values: Iterable[Any]) -> str:
    """JSON data as YAML documents, each with its keys in the given order."""
    text: str = yaml.dump_all(values, sort_keys=False, explicit_start=True, **_FORM)
    return text
