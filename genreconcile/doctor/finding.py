"""What an examination finds: a Finding for each check, together a Health.

Invariant: each finding that is not ok has a code, and what to do about it is what ``errors.yaml`` says of that code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Self

from genreconcile.data import Errors, shipped
from genreconcile.errors import ReconcileError
from genreconcile.objects import GVK

Level = Literal["ok", "warning", "problem"]
OK: Final = "ok"
WARNING: Final = "warning"
PROBLEM: Final = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. ``code`` is that of an error, "" where all is well."""

    check: str
    level: Level
    message: str
    code: str = ""

    @classmethod
    def ok(cls, check: str, message: str) -> Self:
        """All is well."""
        return cls(check, OK, message)

    @classmethod
    def of_error(cls, check: str, error: ReconcileError) -> Self:
        """A problem that an error tells."""
        return cls(check, PROBLEM, str(error), error.code)

    @property
    def remedy(self) -> str:
        """What to do; "" where nothing is to be done."""
        return shipped(Errors).codes[self.code].remedy if self.code else ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the objects of a kind, in a namespace or in all of them (""), would cost a cache.

    ``bytes`` are those of the list as JSON, ``memory`` is that of the cache, both estimated from the first objects
    where there are more; ``is_least``: there are more objects than ``objects``, and the server does not tell how many.
    """

    gvk: GVK
    namespace: str
    objects: int
    bytes: int
    memory: int
    is_least: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """All that was found."""

    findings: tuple[Finding, ...]
    costs: tuple[Cost, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that keep it from working."""
        return tuple(finding for finding in self.findings if finding.level == PROBLEM)
