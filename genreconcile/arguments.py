"""Checks of the arguments of public calls, and the choices that they offer.

Invariant: an unusable argument is an InputError that names the argument, the given value, and the permitted ones.
"""

from __future__ import annotations

import enum
import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, get_args

from genreconcile.errors import InputError

CheckAccess = Literal["", "read", "write"]
Fields = Literal["exact", "subset"]
Level = Literal["read", "write"]
OnImmutable = Literal["fail", "recreate"]
OwnerTool = Literal["genreconcile", "kubectl"]
Propagation = Literal["background", "foreground", "orphan", "Background", "Foreground", "Orphan"]

_SHOWN: Final = 100


class Absent(enum.Enum):
    """The default of an argument for which None is a value of its own."""

    ABSENT = "not given"

    def __repr__(self) -> str:
        return "<not given>"


ABSENT: Final = Absent.ABSENT


def shown(value: Any) -> str:
    """A value as a message shows it: its ``repr``, shortened, or the name of its type."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
    is_short = value is None or isinstance(value, float) or (isinstance(value, int) and value.bit_length() < _SHOWN)
    return repr(value) if is_short else type(value).__name__


def refused(name: str, value: Any, advice: str) -> InputError:
    """The error for an unusable argument."""
    return InputError(f"{name}: not usable: {shown(value)} {advice}", code="GR110")


def near(value: Any, choices: Iterable[str]) -> str:
    """The question whether the user meant the nearest choice, in whatever case; "" where none is near."""
    import difflib  # Slow to import, and only for messages.

    lower = {choice.lower(): choice for choice in choices if choice}
    found = difflib.get_close_matches(value.lower(), lower, 1, 0.7) if isinstance(value, str) else []
    return f"; did you mean {lower[found[0]]}?" if found else ""


def require_choice(name: str, value: Any, literal: Any) -> None:
    """Raise InputError for a value that is not one of a ``Literal`` type."""
    choices = get_args(literal)
    if not isinstance(value, str) or value not in choices:
        raise refused(name, value, f"is unknown; use {_either(choices)}{near(value, choices)}")


def _either(choices: Iterable[str]) -> str:
    *others, last = [choice or "''" for choice in choices]
    return f"{', '.join(others)} or {last}" if others else last


def require_whole(name: str, value: Any, least: int) -> None:
    """Raise InputError for a value that is no int, or below ``least``; a bool is no int."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise refused(name, value, f"is no whole number; give one from {least} on")
    if value < least:
        raise refused(name, value, f"is less than {least}; give {least} or more")


def require_seconds(name: str, value: Any, *, zero: bool = True) -> None:
    """Raise InputError for a value that is no finite, non-negative number of seconds; for 0 unless ``zero``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refused(name, value, "is no finite number; give seconds, such as 30.0")
    if value < 0 or (value == 0 and not zero):
        raise refused(name, value, f"is too short; give {'0' if zero else 'more than 0'} seconds{' or more' * zero}")


def require_flag(name: str, value: Any) -> None:
    """Raise InputError for a value that is no bool."""
    if not isinstance(value, bool):
        raise refused(name, value, "is neither True nor False")


def require_text(name: str, value: Any) -> None:
    """Raise InputError for a value that is no string of printable characters; "" is one."""
    if not isinstance(value, str):
        raise refused(name, value, "is no text; give a string")
    if not value.isprintable():
        raise refused(name, value, "has a character that cannot be printed; take it out")


def require_namespace(name: str, value: Any) -> None:
    """Raise InputError for a value that is neither the name of a namespace nor ""."""
    require_text(name, value)
    if value in {".", ".."} or "/" in value or "%" in value or value != value.strip():
        raise refused(name, value, "is no name of a namespace; give one without /, % and blanks around it")


def require_name(name: str, value: Any) -> None:
    """Raise InputError for a value that is no name of a namespace."""
    require_namespace(name, value)
    if not value:
        raise refused(name, value, "is no name of a namespace; leave it out")


def require_callable(name: str, value: Any, advice: str) -> None:
    """Raise InputError for a value that is neither None nor callable."""
    if value is not None and not callable(value):
        raise refused(name, value, f"cannot be called; {advice}")


def misfit(function: Any, *given: Any) -> str:
    """Why a function cannot be called with these arguments, "" where it can, or where only the call tells."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # Of a function that is written in C.
        return ""
    try:
        signature.bind(*given)
    except TypeError as error:
        return str(error)
    return ""


def texts(name: str, value: Any, check: Callable[[str, Any], None] = require_text) -> tuple[str, ...]:
    """The distinct strings of an iterable that is no string itself, each checked by ``check``. Raises InputError."""
    if isinstance(value, str | bytes):
        raise refused(name, value, f"is one text; give a list: [{shown(value)}]")
    if not isinstance(value, Iterable):
        raise refused(name, value, "is no list of texts")
    found = tuple(dict.fromkeys(value))
    for index, text in enumerate(found):
        check(f"{name}[{index}]", text)
    return found
