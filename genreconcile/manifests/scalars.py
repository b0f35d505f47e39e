"""Plain YAML scalars → their values to kubectl, as resolved by go-yaml v2, which sigs.k8s.io/yaml is made of.

YAML 1.1 with exceptions: no base 60, ``0o17`` and ``1e3`` are numbers, dates are texts.

Invariant: pure, and total on texts.
"""

from __future__ import annotations

import functools
import math
import re
import struct
from typing import Any, Final

_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_BEGINS_NUMBER: Final = frozenset("+-.0123456789")
# strconv.ParseInt with base 0; underscores are taken out before.
_INTEGER: Final = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([0-9]|[1-9][0-9]+))")
_SIGN_WITHIN: Final = re.compile(r"0b([+-][01]+)")  # go-yaml parses the digits with their sign once more.
_BASES: Final = (16, 2, 8, 10)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# strconv.ParseFloat, to which go-yaml leaves a text that begins with a dot.
_FRACTION: Final = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")
_LARGEST_UNSIGNED: Final = 2**64 - 1
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**63 - 1
_LONGEST_KEPT: Final = 100
_LONGEST_PLAIN: Final = 6
_MOST_DIGITS: Final = 64  # 64 bits in base 2; more digits are no integer in any base.


def resolve(text: str) -> str | float | bool | None:
    """The value of a plain scalar: a number, boolean or null, or else the text itself."""
    if text in _WORDS or text[0] in _BEGINS_NUMBER:
        found: str | float | bool | None = (_resolved if len(text) <= _LONGEST_KEPT else _resolved.__wrapped__)(text)
        return found
    return text


@functools.lru_cache(maxsize=4096)
def _resolved(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    plain = text.replace("_", "")
    number: float | None = None
    if text[0] != ".":
        number = _integer(plain)
    if number is None and (_FRACTION if text[0] == "." else _FLOAT).fullmatch(text if text[0] == "." else plain):
        number = float(plain)
    # A number that is too large for a float is a text.
    return text if number is None or math.isinf(number) else number


def _integer(text: str) -> int | None:
    """An integer of at most 64 bits; None for any other text."""
    if within := _SIGN_WITHIN.fullmatch(text):
        text = f"{within[1][0]}0b{within[1][1:]}"
    found = _INTEGER.fullmatch(text)
    if found is None:
        return None
    digits, base = next((part, base) for part, base in zip(found.groups()[1:], _BASES, strict=True) if part)
    significant = digits.lstrip("0")
    if len(significant) > _MOST_DIGITS:
        return None
    value = int(found[1] + (significant or "0"), base)
    # Only a number without a sign is an unsigned one.
    return value if _SMALLEST <= value <= (_LARGEST if found[1] else _LARGEST_UNSIGNED) else None


def key_text(value: str | float | bool) -> str | None:
    """The mapping key, always a text, that kubectl makes of a scalar; None for a scalar that it refuses."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value <= _LARGEST else None
    return _short(value) if isinstance(value, float) else value


def _short(value: float) -> str:
    """``strconv.FormatFloat(value, 'g', -1, 32)``: the fewest digits that give the same float32."""
    if math.isnan(value):
        return ".nan"
    try:
        (single,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        single = math.copysign(math.inf, value)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    digits = next(n for n in range(1, 18) if _single(f"{single:.{n}g}") == single)
    mantissa, _, exponent = f"{single:.{digits - 1}e}".partition("e")
    if -4 <= int(exponent) < _LONGEST_PLAIN:
        return f"{single:.{max(0, digits - 1 - int(exponent))}f}"
    return f"{mantissa}e{int(exponent):+03d}"


def _single(text: str) -> float:
    found: float
    (found,) = struct.unpack("f", struct.pack("f", float(text)))
    return found
