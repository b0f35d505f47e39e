"""The parts of an output that differ from build to build, by name.

Invariant: nothing is masked that the page has not named, and nothing volatile stays unless the page names that too.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_PATTERNS: Final = {
    "time": r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)?",
    "uid": r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "resourceVersion": r"(?<=resourceVersion[\"']: [\"'])\d+|(?<=resourceVersion: [\"'])\d+",
    "port": r"(?<=127\.0\.0\.1:)\d{4,5}\b|(?<=localhost:)\d{4,5}\b",
    "folder": r"(?<![\w.])/[\w./-]+/genreconcile-[\w-]+[\w./-]*",
    "pod": r"(?<=-)[bcdf0-9][a-z0-9]{7,9}-[bcdfghjklmnpqrstvwxz0-9]{5}\b",
    "address": r"\b10\.\d+\.\d+\.\d+\b",
    "duration": r"\b\d+(?:\.\d+)? ?(?:ms|µs|s|seconds?|minutes?)\b",
    "age": r"(?<=\s)(?:\d+[dhms])+(?=\s|$)",
    "digest": r"\b[0-9a-f]{12,64}\b",
    "set-id": r"applyset-[\w-]{43}-v1",
    "version": r"\b\d+\.\d+\.\d+(?:\.dev\d+)?(?:\+[\w.]+)?\b",
}
NAMES: Final = tuple(_PATTERNS)
_COMPILED: Final = {name: re.compile(pattern, re.MULTILINE) for name, pattern in _PATTERNS.items()}
_NEVER_BY_CHANCE: Final = ("time", "uid", "port", "folder", "resourceVersion", "pod")


class MaskError(Exception):
    """A mask that does nothing, or something volatile that no mask names."""


def masked(text: str, names: Collection[str], kept: Collection[str] = ()) -> str:
    """The text with what the named patterns match as ``<name>``.

    Raises MaskError where a name is unknown or matches nothing, and for volatile text that is not in ``kept``.
    """
    if unknown := {*names, *kept} - {*NAMES}:
        raise MaskError(f"no such mask: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    for name in names:
        text, count = _COMPILED[name].subn(f"<{name}>", text)
        if not count:
            raise MaskError(f"the mask {name} matches nothing; leave it out")
    for name in _NEVER_BY_CHANCE:
        if name not in kept and (found := _COMPILED[name].search(text)):
            raise MaskError(f"{found[0]!r} differs from build to build; add :mask: {name}, or :keep: {name}")
    return text
