"""The managedFields that are kept with an object: for almost all objects, none.

Invariant: the kept managedFields are the server's own text, or a part of it; b"" where no question concerns them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

import msgspec

from genreconcile.gojson import loads

_MOST: Final = 1024
"""The most answers that are remembered: a client may write under ever new manager names."""


class Question(NamedTuple):
    """A question for the owners of ``field``, the last key of a path, other than the managers that the globs
    ``managers`` name; with ``only`` for just these managers, and for that field of the metadata alone.
    ``remembers``: the object as it was before such an owner came is kept as well.
    """

    field: str
    managers: tuple[str, ...] = ()
    only: bool = False
    remembers: bool = False

    def concerns(self, manager: str) -> bool:
        """Whether the question is about this manager's entries."""
        return any(fnmatchcase(manager, glob) for glob in self.managers) is self.only


class _Entry(msgspec.Struct, rename="camel", gc=False):
    manager: str = ""
    fields_v1: msgspec.Raw = msgspec.Raw(b"")


_entries = msgspec.json.Decoder(list[_Entry])


class Interest:
    """All questions about the objects of one kind; immutable."""

    def __init__(self, questions: Iterable[Question] = ()) -> None:
        self.questions = frozenset(questions)
        self.remembers = any(question.remembers for question in self.questions)
        """Whether any question asks for an object's earlier state."""
        self._tokens = [(msgspec.json.encode(f"f:{one.field}"), one) for one in sorted(self.questions)]
        # One search for all tokens takes a third of the time.
        self._any = re.compile(b"|".join(re.escape(token) for token, _ in self._tokens)) if self._tokens else None
        self._concerned: dict[tuple[str, Question], bool] = {}

    def covers(self, other: Interest) -> bool:
        """Whether all questions of ``other`` are among these."""
        return self.questions >= other.questions

    def __or__(self, other: Interest) -> Interest:
        return Interest(self.questions | other.questions)

    def of(self, managed_fields: bytes) -> bytes:
        """The kept part of these managedFields. Raises msgspec.MsgspecError where they are no list of entries, and
        RecursionError where they are nested too deeply.
        """
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
        """``question.concerns(manager)``, remembered, for globs are slow."""
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
    for entry in loads(managed_fields):
        own = entry.get("fieldsV1", {}).get("f:metadata", {})
        part = {key: below for key, below in own.items() if key.removeprefix("f:") in names}
        if part:
            kept.append({**entry, "fieldsV1": {"f:metadata": part}})
    return msgspec.json.encode(kept) if kept else b""
