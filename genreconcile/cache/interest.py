"""Which of an object's managedFields are kept: none of almost all objects.

Invariant: what is kept is the server's own text, or a part of it; where nobody owns what is asked about, b"" is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

import msgspec

_MOST: Final = 1024
"""So many answers are kept: anybody may write under ever new names."""


class Question(NamedTuple):
    """Whoever asks for the owner of ``field``, the last key of a path, wants to know of one that none of the globs
    ``managers`` names; with ``only`` of one that they do name, and then of that field of the metadata alone.
    ``remembers``: the object as it was before somebody owned the field is of interest, too.
    """

    field: str
    managers: tuple[str, ...] = ()
    only: bool = False
    remembers: bool = False

    def concerns(self, manager: str) -> bool:
        """Whether an entry of this manager is what was asked for."""
        return any(fnmatchcase(manager, glob) for glob in self.managers) is self.only


class _Entry(msgspec.Struct, rename="camel", gc=False):
    manager: str = ""
    fields_v1: msgspec.Raw = msgspec.Raw(b"")


_entries = msgspec.json.Decoder(list[_Entry])


class Interest:
    """All that is asked about the objects of one kind; never changes."""

    def __init__(self, questions: Iterable[Question] = ()) -> None:
        self.questions = frozenset(questions)
        self.remembers = any(question.remembers for question in self.questions)
        """Whether an earlier state of an object may be of interest."""
        self._tokens = [(msgspec.json.encode(f"f:{one.field}"), one) for one in sorted(self.questions)]
        # One search for all of them takes a third of the time.
        self._any = re.compile(b"|".join(re.escape(token) for token, _ in self._tokens)) if self._tokens else None
        self._concerned: dict[tuple[str, Question], bool] = {}

    def covers(self, other: Interest) -> bool:
        """Whether all that the other one asks is asked."""
        return self.questions >= other.questions

    def __or__(self, other: Interest) -> Interest:
        return Interest(self.questions | other.questions)

    def of(self, managed_fields: bytes) -> bytes:
        """What is kept of these managedFields. Raises msgspec.MsgspecError where they are no list of entries."""
        found = set(self._any.findall(managed_fields)) if self._any is not None else ()
        if not found:
            return b""
        asked = [(token, question) for token, question in self._tokens if token in found]
        met = [
            question
            for entry in _entries.decode(managed_fields)
            for token, question in asked
            if self._concerns(question, entry.manager) and token in bytes(entry.fields_v1)
        ]
        if not met:
            return b""
        if all(question.only for question in met):
            return _parts(managed_fields, {question.field for question in met})
        return managed_fields

    def _concerns(self, question: Question, manager: str) -> bool:
        """As of the question, which takes a while."""
        known = self._concerned.get((manager, question))
        if known is None:
            if len(self._concerned) >= _MOST:
                self._concerned.clear()
            known = self._concerned[manager, question] = question.concerns(manager)
        return known


NO_INTEREST = Interest()


def _parts(managed_fields: bytes, names: set[str]) -> bytes:
    """The entries that own one of these fields of the metadata, with these fields alone."""
    kept: list[dict[str, Any]] = []
    for entry in msgspec.json.decode(managed_fields):
        own = entry.get("fieldsV1", {}).get("f:metadata", {})
        part = {key: below for key, below in own.items() if key.removeprefix("f:") in names}
        if part:
            kept.append({**entry, "fieldsV1": {"f:metadata": part}})
    return msgspec.json.encode(kept) if kept else b""
