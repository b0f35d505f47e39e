"""What a function says that wants to be run again.

Invariant: where it says so, nothing is deleted in this run.
"""

from __future__ import annotations

from typing import Final

from genreconcile.arguments import require_seconds

_DEFAULT: Final = 10.0


class Retry(Exception):
    """Run this parent again in ``after`` seconds; raised or yielded. What was yielded before is applied, nothing is
    deleted. ``reason`` is shown in the status. Raises InputError for an unusable ``after``.
    """

    def __init__(self, after: float = _DEFAULT, reason: str = "") -> None:
        require_seconds("after", after)
        super().__init__(f"again in {after:g} s" + (f": {reason}" if reason else ""))
        self.after = after
        self.reason = reason

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Retry) and (self.after, self.reason) == (other.after, other.reason)

    def __hash__(self) -> int:
        return hash((self.after, self.reason))

    def __reduce__(self) -> tuple[type[Retry], tuple[float, str]]:
        # Exception's own would pass the message to ``__init__``.
        return type(self), (self.after, self.reason)
