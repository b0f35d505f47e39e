"""Takes secrets out of messages, such as a server's refusal that quotes the refused object.

Invariant: of a known secret no part of six characters gets through, in any usual spelling. An unusual spelling
(backwards, encrypted) is not found. The time is linear in the secrets, once, and in each text.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

from genreconcile.mask.fields import Fields
from genreconcile.pointer import token_matches

_PART: Final = 6
"""The length of the parts of a secret that are hidden also where a message shows such a part alone."""
_WORD: Final = 3
"""A secret of at most so many characters is a part of too many words: it is hidden only as a whole word."""


_MOST: Final = 20_000
"""The most characters of secrets that are searched for: more would take seconds."""
_WORDS: Final = re.compile(r"(denied (?:the )?request): .*", re.DOTALL)
NOT_SHOWN: Final = "(not shown: it may quote secrets, and there are too many to look for)"


class Hiding:
    """Takes the values at the secret fields of these objects out of any number of texts.

    The parts to look for are made with the first text, and kept.
    """

    def __init__(self, fields: Fields, *objects: Mapping[str, Any] | None) -> None:
        self._fields = fields
        self._objects = objects

    def __call__(self, text: str) -> str:
        """``text`` without the secrets."""
        if not self._fields or not text:
            return text
        if self._parts is None:
            return NOT_SHOWN
        hidden = bytearray(len(text))
        for length, parts in self._parts.items():
            _hide(text, length, parts, hidden)
        return _without(text, hidden)

    @functools.cached_property
    def _parts(self) -> dict[int, set[str]] | None:
        """The parts to hide, by their length; None where there are too many secrets."""
        known = {found for obj in self._objects if obj for field in self._fields for found in _texts_below(obj, field)}
        if sum(map(len, known)) > _MOST:
            return None
        parts: dict[int, set[str]] = {}
        for form in (form for found in known for form in _forms(found)):
            length = min(len(form), _PART)
            parts.setdefault(length, set()).update(
                [form[start : start + length] for start in range(len(form) - length + 1)]
            )
        return parts


def mask_text(fields: Fields, text: str, *objects: Mapping[str, Any] | None) -> str:
    """``text`` without the values at the secret fields of these objects."""
    return Hiding(fields, *objects)(text)


def without_words(text: str) -> str:
    """``text`` without the words of a webhook or a policy on an object whose secrets are not known."""
    return _WORDS.sub(r"\1 (in words that are not shown: they may quote secrets)", text)


def _hide(text: str, length: int, parts: set[str], hidden: bytearray) -> None:
    mark = b"\1" * length
    for start in range(len(text) - length + 1):
        if text[start : start + length] in parts and (length > _WORD or _is_word(text, start, start + length)):
            hidden[start : start + length] = mark


def _is_word(text: str, start: int, end: int) -> bool:
    """Whether no letter, digit or underscore stands beside ``text[start:end]``."""
    return not any(
        beside.isalnum() or beside == "_" for beside in (text[max(start - 1, 0) : start], text[end : end + 1])
    )


def _without(text: str, hidden: bytearray) -> str:
    result, end = [], 0
    for match in re.finditer(rb"\x01+", hidden):
        result += [text[end : match.start()], "***"]
        end = match.end()
    return "".join((*result, text[end:]))


def _texts_below(value: Any, field: tuple[str, ...]) -> Iterator[str]:
    pending = list(_at(value, field))
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            pending += item.values()
        elif isinstance(item, list | tuple):
            pending += item
        elif item not in (None, "") and not isinstance(item, bool):
            yield str(item)


def _at(value: Any, field: tuple[str, ...]) -> Iterator[Any]:
    """The values at the field, and those on the way to it that have another shape."""
    if not field or not isinstance(value, Mapping | list | tuple):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str) and token_matches(field[0], key):
                yield from _at(item, field[1:])
    else:
        for member in value:
            yield from _at(member, field[1:] if token_matches(field[0], "*") else ())


def _forms(secret: str) -> Iterator[str]:
    """The forms in which a message may write a secret: plain, decoded or encoded, each also quoted."""
    raw = [secret.encode(errors="replace")]
    raw.append(base64.b64encode(raw[0]))  # As the live object holds the secret.
    with contextlib.suppress(ValueError):  # The secret is no base64.
        raw.append(base64.b64decode(secret, validate=True))
    for data in raw:
        texts = {data.decode(errors="replace"), base64.b64encode(data).decode()}
        if len(data) > _WORD:
            texts |= {data.decode("latin-1"), *_base64(data), data.hex(), data.hex().upper()}
        for text in filter(None, texts):
            yield from {text, *_quoted(text)}


def _base64(data: bytes) -> Iterator[str]:
    """The base64 of the data inside of a longer text: there are three positions in its groups of three bytes."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        # Characters that mix in the bytes before or after are not the secret's own.
        own = encoded[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
        yield own
        yield own.translate(_URL_SAFE)


_URL_SAFE: Final = str.maketrans("+/", "-_")


def _quoted(text: str) -> Iterator[str]:
    if text.isascii() and text.isalnum():  # Most texts; every quotation leaves them as they are.
        return
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    yield quoted
    yield json.dumps(quoted, ensure_ascii=False)[1:-1]  # In JSON that is itself a string.
    yield json.dumps(text)[1:-1]
    yield repr(text)[1:-1]
    with contextlib.suppress(UnicodeEncodeError):
        yield quote(text, safe="")
        yield quote_plus(text)
