"""A server's words without the values that they echo, such as ``spec.x: Invalid value: "a": must be short``.

Invariant: a value is left out whole; where its end cannot be told, all that follows is left out with it.

Source: ``Error.ErrorBody`` in k8s.io/apimachinery/pkg/util/validation/field: kind, value, detail, joined by ": ". A
string is quoted as Go does, numbers are plain, all else is JSON, or as ``%#v`` writes it where it has no JSON.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

from genreconcile.depth import require_flat

# A value follows these; none follows other kinds of errors (Required value, Forbidden, Too long, Too short).
_HEAD: Final = re.compile(r"(?:(?:Invalid|Duplicate|Unsupported) value|Not found|Too many|Too few): ")
_EXCERPT: Final = re.compile(r"error found in #")  # An excerpt follows, of a document that could not be parsed.
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALAR: Final = re.compile(r"[+-]?(?:\d[\w.+-]*|Inf)|NaN|true|false|null|<nil>")
_GO: Final = re.compile(r"&?(?:map\[|\[\d*\]|\(|\w+\.\w+[{(])")
# A detail without a value before it: at least two words, and no text that a program would have made.
_PROSE: Final = re.compile(r"[A-Za-z`'][\w`',.-]* \S")
_END: Final = re.compile(r": |$|[\],;]")
_TYPE_NAMES: Final = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})
_DECODER: Final = json.JSONDecoder()
_MOST_VALUES: Final = 50
"""The most values that are left out of one text; the text after the last of them is not shown."""
_OPENING, _CLOSING = "{[(", "}])"
_HIDDEN: Final = "***"


class _Value(NamedTuple):
    """The end of a value in a text, and of a string its content, which may be repeated without quotes; else ""."""

    end: int
    text: str = ""


def without_values(text: str, *, is_masked: bool) -> str:
    """``text`` without echoed values.

    ``is_masked``: the caller masks the secrets that were sent. Else less is shown: no detail that may be a value, and
    none that repeats a part of the value before it.
    """
    shown, start = "", 0
    for _ in range(_MOST_VALUES):
        found = _HEAD.search(text, start)
        if found is None:
            return _ending(shown + text[start:])
        value = _value(text, found.end())
        shown += text[start : found.end()]
        if value is None:
            if not is_masked or not _PROSE.match(text, found.end()):
                return shown.rstrip(": ")
            start = found.end()
            continue
        rest = _rest(text[value.end :], text[found.end() : value.end])
        if not is_masked and _repeats(rest, text[found.end() : value.end]):
            return shown.rstrip(": ")
        text, start = _without(rest, value.text), 0
        if not text.startswith(": "):
            shown = shown.removesuffix(": ")
        text = text.removeprefix(": ")
    return _ending(shown)


def detail_of(text: str) -> str:
    """The reason in a cause's text, which follows the kind of the error."""
    return text.partition(": ")[2]


def _ending(text: str) -> str:
    found = _EXCERPT.search(text)
    return text[: found.end() if found else None].rstrip(" :#")


def _value(text: str, start: int) -> _Value | None:
    """The value that begins at ``start``; None where its end cannot be told."""
    found = (read(text, start) for read in (_quoted, _plain, _json, _go))
    return next((value for value in found if value is not None and _END.match(text, value.end)), None)


def _quoted(text: str, start: int) -> _Value | None:
    match = _QUOTED.match(text, start)
    return _Value(match.end(), match[0][1:-1]) if match else None


def _plain(text: str, start: int) -> _Value | None:
    match = _SCALAR.match(text, start)
    return _Value(match.end()) if match else None


def _json(text: str, start: int) -> _Value | None:
    try:
        require_flat(text)
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return _Value(end)


def _go(text: str, start: int) -> _Value | None:
    """A value as ``%#v`` writes it: brackets are closed, and texts are quoted."""
    if not _GO.match(text, start):
        return None
    place, depth = start, 0
    while place < len(text) and (depth or not text.startswith(": ", place)):
        if text[place] == '"':
            quoted = _QUOTED.match(text, place)
            if quoted is None:
                return None
            place = quoted.end()
            continue
        depth += (text[place] in _OPENING) - (text[place] in _CLOSING)
        place += 1
    return None if depth else _Value(place)


def _rest(rest: str, spelled: str) -> str:
    """The text after a value, without the repetition of the value that OpenAPI's validation puts at the end."""
    return rest.removesuffix(f": {spelled}") if rest.startswith(": ") else rest


def _repeats(rest: str, spelled: str) -> bool:
    """Whether the text after a value repeats any part of the value."""
    if spelled.strip('"') in _TYPE_NAMES:
        return False
    parts = re.findall(r"[\w.-]+", spelled)
    return any(re.search(rf"(?<!\w){re.escape(part)}(?!\w)", rest) for part in parts)


def _without(rest: str, text: str) -> str:
    """The text after a value, with a mask wherever the text repeats the value."""
    if not text or text in _TYPE_NAMES:
        return rest
    forms = {text, _unquoted(text)} - {""}
    for form in sorted(forms, key=len, reverse=True):
        rest = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", _HIDDEN, rest)
    return rest


def _unquoted(text: str) -> str:
    try:
        value: Any = json.loads(f'"{text}"')
    except ValueError:  # Go's escapes are more than JSON's.
        return ""
    return str(value)
