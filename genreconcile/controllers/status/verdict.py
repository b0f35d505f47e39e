"""The result of one run as conditions: ``Ready`` always, ``Reconciling`` and ``Stalled`` only while they are True.

Invariant: a message has at most 32 KiB and a reason at most 1,024 characters, in CamelCase; no message quotes the text
of an error that may hold a value.

Sources: ``metav1.Condition``; sigs.k8s.io/cli-utils/pkg/kstatus.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, Literal, Self

from genreconcile.errors import ClusterError, ReconcileError

Status = Literal["True", "False", "Unknown"]

_PACKAGE: Final = Path(__file__).parents[2]
READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"
OWN: Final = (READY, RECONCILING, STALLED)
"""The condition types of a controller itself, which its function cannot set."""

RECONCILED: Final = "Reconciled"
PROGRESSING: Final = "Progressing"
FAILED: Final = "Failed"
PAUSED: Final = "Paused"
GUARD_REFUSED: Final = "GuardRefused"
CHILD_CONFLICT: Final = "ChildConflict"
NOT_DETERMINISTIC: Final = "NotDeterministic"
DEADLINE_EXCEEDED: Final = "DeadlineExceeded"

LONGEST_MESSAGE: Final = 32 * 1024
"""Bytes; the schema of ``metav1.Condition`` counts characters."""
LONGEST_REASON: Final = 1024
_ELLIPSIS: Final = "…"
_REASON: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?")
_NO_LETTERS: Final = re.compile(r"\A[^A-Za-z]+")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a condition has its status. ``reason`` and ``message`` are brought into a form that the server takes."""

    reason: str
    message: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", reason_of(self.reason))
        object.__setattr__(self, "message", cut(self.message))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``ready`` None: the condition keeps its status. ``reconciling`` and ``stalled`` are None where not True."""

    ready: Status | None
    cause: Cause
    reconciling: Cause | None = None
    stalled: Cause | None = None

    @classmethod
    def reconciled(cls, message: str = "") -> Self:
        """All children are as they should be, and ready."""
        return cls(ready="True", cause=Cause(RECONCILED, message))

    @classmethod
    def progressing(cls, message: str, reason: str = PROGRESSING) -> Self:
        """Something is awaited."""
        cause = Cause(reason, message)
        return cls(ready="False", cause=cause, reconciling=cause)

    @classmethod
    def failed(cls, message: str, reason: str = FAILED) -> Self:
        """The run failed, and will be tried again."""
        return cls(ready="False", cause=Cause(reason, message))

    @classmethod
    def stuck(cls, message: str, reason: str) -> Self:
        """Nothing more happens unless somebody does something."""
        cause = Cause(reason, message)
        return cls(ready="False", cause=cause, stalled=cause)

    @classmethod
    def paused(cls, message: str = "") -> Self:
        """Nothing is done as long as somebody wants it so."""
        return cls(ready=None, cause=Cause(PAUSED, message))


def message_of(error: BaseException, hide: Callable[[str], str]) -> str:
    """An error as the message of a condition. ``hide`` takes secrets out of a text.

    Of an error of others only its type and place are told: its text may hold anything.
    """
    if isinstance(error, ClusterError) or (isinstance(error, ReconcileError) and error.is_free_of_values):
        return str(error)
    if isinstance(error, ReconcileError):
        return hide(str(error))
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not _is_ours(one.filename)]
    place = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}; the log has more"


def _is_ours(file: str) -> bool:
    """Whether a file is one of this package: its lines tell the user nothing of his function."""
    return Path(file).is_relative_to(_PACKAGE)


def cut(message: str) -> str:
    """The message, shortened to the longest that is allowed at the end of a character."""
    data = message.encode(errors="replace")
    if len(data) <= LONGEST_MESSAGE:
        return data.decode()
    return data[: LONGEST_MESSAGE - len(_ELLIPSIS.encode())].decode(errors="ignore") + _ELLIPSIS


def reason_of(text: str) -> str:
    """The text as a reason: what is none already becomes CamelCase, and what has no words ``Unspecified``."""
    if len(text) <= LONGEST_REASON and _REASON.fullmatch(text):
        return text
    words = "".join(word[0].upper() + word[1:] for word in _WORD.findall(_NO_LETTERS.sub("", text)))
    return words[:LONGEST_REASON] or "Unspecified"
