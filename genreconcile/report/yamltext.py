"""Objects as YAML for people: keys sorted, texts of several lines as blocks, no aliases, no wrapping.

Invariant: equal objects give equal text, and PyYAML reads the same object back.
"""

from __future__ import annotations

from typing import Any

import yaml

try:
    from yaml import CSafeDumper as _SafeDumper
except ImportError:
    from yaml import SafeDumper as _SafeDumper  # type: ignore[assignment]  # the same interface, only slower

_NO_WRAP = 2**30


class _Dumper(_SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- PyYAML's signature
        return True


def _represent_str(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represent_str)


def dump(value: Any) -> str:
    """JSON data as YAML."""
    return yaml.dump(value, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, width=_NO_WRAP)
