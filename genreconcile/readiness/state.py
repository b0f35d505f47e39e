"""How an object is.

Invariant: a Status is data, and quotes what the object's own status says and nothing else of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from genreconcile.data.steps import State
from genreconcile.notice import NOTHING, Notice


@dataclass(frozen=True, slots=True)
class Status:
    """``state`` is ``Current`` (it does what it is for), ``InProgress``, ``Failed``, ``Terminating``, ``NotFound``, or
    ``Unknown`` where its status has a form that nobody understands.

    ``reason`` is one word, ``message`` a text about what is missing, ``rule`` the id of the rule that decided. A
    ``warning``, a text with a ``code``, stands beside a state that is only supposed. ``changes_in``: the seconds after
    which the state may be another though nothing happens, None where only a change of the object changes it.
    """

    state: State
    reason: str
    message: str
    rule: str = ""
    warning: Notice = NOTHING
    changes_in: float | None = None

    @property
    def is_current(self) -> bool:
        """Whether nothing is waited for any more."""
        return self.state == "Current"

    def __str__(self) -> str:
        reason = "" if self.reason == self.state else f" ({self.reason})"
        return f"{self.state}{reason}{f': {self.message}' if self.message else ''}"
