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
    """``/spec/a~1b/0`` → ``("spec", "a/b", "0")``; ValueError for what does not begin with a slash."""
    return _split(pointer) if len(pointer) <= _LONGEST_KEPT else _split.__wrapped__(pointer)


@functools.lru_cache(maxsize=4096)
def _split(pointer: str) -> tuple[str, ...]:
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer[:_LONGEST_KEPT]!r} is no JSON pointer: it must begin with /")
    return tuple(unescape(token) for token in pointer[1:].split("/"))


def token_matches(token: str, key: str) -> bool:
    """Whether one token of a pattern, with ``*`` and ``?`` as in file names, matches a key ("*": any list member)."""
    if "*" not in token and "?" not in token:
        return token == key
    return fnmatchcase(key, _as_file_name(token))


def glob_pattern(token: str) -> str:
    """A token with ``*`` and ``?`` as a regular expression for the whole of a key, to be matched from its beginning."""
    return translate(_as_file_name(token))


def _as_file_name(token: str) -> str:
    return token.replace("[", "[[]")  # A file name's [abc] is no pattern here.
