"""The rows that all renderers share: one for each object of a plan or a result that is not unchanged.

Invariant: a row's messages hold no secrets, and its title no control characters, which a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genreconcile.apply.result import Result
from genreconcile.errors import ReconcileError, code_of, with_code
from genreconcile.plan import Change, Plan


@dataclass(frozen=True, slots=True)
class Row:
    """A change; ``status`` is "" in a plan, ``error`` is set where the object failed or could not be judged.

    ``retry_after`` is in seconds.
    """

    change: Change
    status: str = ""
    reason: str = ""
    error: ReconcileError | None = None
    retry_after: float | None = None

    @property
    def verb(self) -> str:
        """``to update`` in a plan, ``configured`` in a result, ``skipped`` and ``failed`` in both."""
        if self.status:
            return self.status
        if self.error is not None:
            return "failed"
        return "skipped" if self.change.operation == "none" else f"to {self.change.operation}"

    @property
    def safe_reason(self) -> str:
        """The reason without secrets."""
        return self._safe(self.reason)

    @property
    def note(self) -> str:
        """The error's message or the reason, without secrets; "" where there is neither."""
        if self.error is None:
            return self.safe_reason
        return str(self.error) if self.error.is_free_of_values else self._safe(str(self.error))

    @property
    def title(self) -> str:
        """The line of the object: ``deployment.apps/web to update (shop)``, with note and code behind a colon."""
        key = self.change.key
        kind = f"{key.kind}.{key.group}" if key.group else key.kind
        where = f" ({key.namespace})" if key.namespace else ""
        note = with_code(self.note, code_of(self.error))
        return printable(f"{kind.lower()}/{key.name} {self.verb}{where}{': ' if note else ''}{note}")

    def _safe(self, text: str) -> str:
        # A server quotes the values that it refuses.
        return self.change.told(text)


def rows(report: Plan | Result) -> Iterator[Row]:
    """The rows of a report, in its order."""
    if isinstance(report, Plan):
        for change in report.changes:
            yield Row(change, reason=change.reason, error=change.error, retry_after=change.retry_after)
        return
    for outcome in report.outcomes:
        if outcome.status != "unchanged":
            reason = outcome.reason or outcome.change.reason
            yield Row(outcome.change, outcome.status, reason, outcome.error, outcome.retry_after)


def printable(text: str) -> str:
    """``text`` with its control characters escaped, line breaks and tabs excepted."""
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)
