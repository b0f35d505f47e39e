"""JSON pointers (RFC 6901) to and from tuples of tokens.

Invariant: ``split_pointer(join_pointer(tokens)) == tokens`` for all strings.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from fnmatch import fnmatchcase, translate

from jsonpointer import escape, unescape


def join_pointer(tokens: Iterable[str | int]) -> str:
    """``("spec", "a/b", 0)`` → ``/spec/a~1b/0``; "" for no tokens, which points at the whole document."""
    return "".join("/" + escape(str(token)) for token in tokens)


_LONGEST_KEPT = 500


def split_pointer(pointer: str) -> tuple[str, ...]:
    """``/spec/a~1b/0`` → ``("spec", "a/b", "0")``; ValueError for a text that does not begin with a slash."""
    return _split(pointer) if len(pointer) <= _LONGEST_KEPT else _split.__wrapped__(pointer)


@functools.lru_cache(maxsize=4096)
def _split(pointer: str) -> tuple[str, ...]:
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer[:_LONGEST_KEPT]!r} is no JSON pointer: it must begin with /")
    return tuple(unescape(token) for token in pointer[1:].split("/"))


def token_matches(token: str, key: str) -> bool:
    """Whether a token of a pattern, with the globs ``*`` and ``?``, matches a key; a list member's key is "*"."""
    if "*" not in token and "?" not in token:
        return token == key
    return fnmatchcase(key, _as_file_name(token))


def glob_pattern(token: str) -> str:
    """The regular expression of a token with ``*`` and ``?``, for ``re.match``; it matches whole keys alone."""
    return translate(_as_file_name(token))


def _as_file_name(token: str) -> str:
    return token.replace("[", "[[]")  # [abc] is a glob to fnmatch, and none here.
