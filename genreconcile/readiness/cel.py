"""Expressions of users, in the Common Expression Language; the package for it comes with the extra ``cel``.

Invariant: what is wrong with an expression is a RuleError when its file is read, and a CelError when it meets an
object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genreconcile.errors import RuleError


class CelError(Exception):
    """An expression has no answer for an object."""


class Expression:
    """An expression over ``self``, the object; ``where`` begins the messages of its faults. Raises RuleError."""

    def __init__(self, text: str, where: str = "") -> None:
        try:
            import cel
        except ImportError:
            advice = "pip install 'genreconcile[cel]'"
            raise RuleError(
                f"{where}key cel: the package for expressions is not installed; {advice}", code="GR006"
            ) from None
        try:
            self._program = cel.compile(text)
        except ValueError as error:
            raise RuleError(f"{where}key cel: is no expression: {_line(error)}; correct it", code="GR307") from None

    def holds(self, obj: Mapping[str, Any]) -> bool:
        """Whether the expression is true of an object. Raises CelError where it has no answer, or none of true and
        false.
        """
        try:
            found = self._program.execute({"self": obj})
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise CelError(f"the expression has no answer: {_line(error)}; has(…) asks for a field") from None
        if not isinstance(found, bool):
            raise CelError(f"the expression gives neither true nor false: {type(found).__name__}")
        return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
