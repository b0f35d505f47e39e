"""Path patterns of rules: ``spec/template/metadata/labels/app.kubernetes.io~1*``.

A pattern is a JSON pointer (RFC 6901) without its first slash. A token matches a key of the same spelling; ``*`` and
``?`` in it match as in file names, so ``*`` alone matches any key and any list member.

Invariant: matching is bounded by the length of the pattern and of the key; patterns are never regular expressions.
"""

from __future__ import annotations

from genreconcile.normalize.shown import shown
from genreconcile.pointer import split_pointer

Pattern = tuple[str, ...]


def parse_path(text: str) -> Pattern:
    """The tokens of a pattern; ValueError for an empty one or an empty token."""
    tokens = split_pointer("/" + text.removeprefix("/"))
    if not all(tokens):
        raise ValueError(f"{shown(text)} is no path: it has an empty part")
    return tokens
