"""Times, read and written as ``metav1.Time`` and ``metav1.MicroTime`` do.

Invariant: what is written is UTC, with seconds, or with six digits of a second.
"""

from __future__ import annotations

import datetime as dt
import re

_SECONDS = ("2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05", "Z07:00")
_MICROS = (*_SECONDS[:-1], ".000000", "Z07:00")
_PATTERNS = {
    "2006": r"\d{4}",
    "01": r"0[1-9]|1[0-2]",
    "02": r"\d{2}",
    "15": r"[01]\d|2[0-3]",
    "04": r"[0-5]\d",
    "05": r"[0-5]\d",
    "Z07:00": r"Z|[+-]\d{2}:\d{2}",
    ".000000": r"\.\d{6}",
}


class TimeError(ValueError):
    """The text is no time."""


def canonical(text: str, *, micro: bool = False) -> str:
    """As the server writes it back. Raises TimeError."""
    layout, rest, found = _MICROS if micro else _SECONDS, text, []
    for element in layout:
        match = re.match(_PATTERNS.get(element, re.escape(element)), rest, re.ASCII)
        if match is None:
            shown = "".join(layout)
            raise TimeError(f'parsing time "{text}" as "{shown}": cannot parse "{rest}" as "{element}"')
        found.append(match.group())
        rest = rest[match.end() :]
        if element == "05" and not micro:
            rest = re.sub(r"^[.,]\d+", "", rest, flags=re.ASCII)
    if rest:
        raise TimeError(f'parsing time "{text}": extra text: "{rest}"')
    try:
        moment = dt.datetime.fromisoformat("".join(found)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise TimeError(f'parsing time "{text}": day out of range') from None
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06d}Z" if micro else "Z")
