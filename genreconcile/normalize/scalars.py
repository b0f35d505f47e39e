"""Canonical forms of scalars: two spellings of one value become equal.

Invariant: pure, and total on JSON values: nothing raises. A text outside of a form's grammar comes back as it is and
equals only itself. A canonical value is a ``Canonical``, so it equals no JSON value and none of another form. Numbers
are always wrapped, for Python holds that ``True == 1``.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_UP, Context, Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

PYTHON_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "byte": (str,),
    "date-time": (str,),
    "time": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "int-or-string": (int, str),
    "quantity": (int, float, str),
}
"""The Python types of each scalar of a schema. A bool counts as no int, although it is one to Python."""


class Canonical(NamedTuple):
    """A value without its spelling: two are equal, and of equal hash, iff form and value are."""

    form: str
    value: Any


_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_LONGEST_WHOLE: Final = 1e21


def number(value: Any) -> Any:
    """A number as the server keeps it without a type: an int64 if its text is one, else a float64.

    ``1`` equals ``1.0``, ``0`` equals ``-0.0``; ``True`` is no number. Integers of 64 bits compare exactly. A float is
    written with the fewest digits, and its text may be read as an int64 the next time: 2.0**62 is kept as
    4611686018427388000.
    """
    if isinstance(value, int):
        return value if isinstance(value, bool) else Canonical("number", _kept(value))
    if not isinstance(value, float):
        return value
    if value.is_integer() and abs(value) < _LONGEST_WHOLE:
        return Canonical("number", int(Decimal(repr(value))))
    return Canonical("number", value)


def _kept(value: int) -> int | float:
    if _INT64_MIN <= value <= _INT64_MAX:
        return value
    found = _float(value)
    return int(Decimal(repr(found))) if isinstance(found, float) and abs(found) < _LONGEST_WHOLE else found


def _float(value: int) -> int | float:
    try:
        return float(value)
    except OverflowError:  # The server refuses it.
        return value


def exact(value: Any) -> Any:
    """A number whose text the server keeps, as in raw JSON."""
    return Canonical("number", value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def float64(value: Any) -> Any:
    """A number of a Go field of type float64: 9007199254740993 is kept as 9007199254740992."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Canonical("number", _float(value))
    return Canonical("number", value) if isinstance(value, float) else value


def int_or_string(value: Any) -> Any:
    """``"80"`` and ``80`` differ: the server keeps which of the two was written (``intstr.IntOrString``)."""
    return number(value)


# Grammar and rounding of apimachinery's pkg/api/resource/quantity.go. It trims Unicode's spaces; white space that JSON
# escapes reaches it escaped, and is refused.
_QUANTITY = re.compile(r"([+-]?[0-9]*(?:\.[0-9]*)?)(?:([numkMGTPE]?|[KMGTPE]i)|[eE]([+-]?[0-9]+))")
_DIGIT = re.compile(r"[0-9]")
_SPACE = " \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DECIMAL = {"": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_LARGEST_BINARY = Decimal(_INT64_MAX)
_LARGEST_DECIMAL = Decimal(10**21)
_LARGEST_EXPONENT = 10**8
LONGEST_KEPT: Final = 100
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, rounding=ROUND_UP)
_NANO, _MILLI = -9, -3


def quantity(value: Any) -> Any:
    """The value of a ``resource.Quantity`` (string or number), rounded away from zero to nano as the server does."""
    parsed = _parse_quantity(value)
    return number(value) if parsed is None else Canonical("quantity", _round_up(parsed, _NANO))


def quantity_stored(value: Any) -> Any:
    """A quantity as the server stores it in a built-in type: no suffix is beyond E, and 1000E is stored as 1."""
    parsed = _stored_quantity(value)
    return number(value) if parsed is None else Canonical("quantity", _round_up(parsed, _NANO))


def quantity_milli(value: Any) -> Any:
    """A stored quantity of a ``ResourceList``, which the server rounds up to milli (``SetDefaults_ResourceList``)."""
    parsed = _stored_quantity(value)
    return number(value) if parsed is None else Canonical("quantity", _round_up(parsed, _MILLI))


def _stored_quantity(value: Any) -> Decimal | None:
    parsed = _parse_quantity(value)
    if parsed is None or -_LARGEST_DECIMAL < parsed < _LARGEST_DECIMAL or isinstance(value, float):
        return parsed
    match = _QUANTITY.fullmatch(value.strip(_SPACE)) if isinstance(value, str) else None
    if match is not None and match[3] is not None:  # A text with an exponent is stored with one.
        return parsed
    exponent = int(parsed.normalize(_EXACT).as_tuple().exponent)
    exponent -= exponent % 3
    return parsed if exponent <= _DECIMAL["E"] else _EXACT.scaleb(parsed, -exponent)


def _parse_quantity(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return _parse_quantity_text(value)
    if isinstance(value, float) and math.isfinite(value):
        # The server reads the number's text, and repr is that text; the float's binary value is not.
        return Decimal(repr(value))
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def is_quantity(value: Any) -> bool:
    """Whether the server would read a value as a quantity."""
    return (_parse_quantity_text(value) if value.__class__ is str else _parse_quantity(value)) is not None


def _parse_quantity_text(text: str) -> Decimal | None:
    return kept_quantity(text) if len(text) <= LONGEST_KEPT else kept_quantity.__wrapped__(text)


@functools.lru_cache(maxsize=4096)
def kept_quantity(text: str) -> Decimal | None:
    """The value of a quantity's text, None for what is none; for texts of up to LONGEST_KEPT characters."""
    match = _QUANTITY.fullmatch(text.strip(_SPACE))
    if match is None or not match[0]:
        return None
    digits, suffix, exponent = match.groups()
    if _DIGIT.search(digits) is None:
        return _without_digits(suffix, exponent)
    mantissa = Decimal(digits)
    if suffix in _BINARY:
        scaled = _EXACT.multiply(mantissa, Decimal(1 << _BINARY[suffix]))
        return max(-_LARGEST_BINARY, min(_LARGEST_BINARY, scaled))
    return _scale(mantissa, Decimal(_DECIMAL[suffix] if exponent is None else exponent))


def _without_digits(suffix: str | None, exponent: str | None) -> Decimal | None:
    """``k`` and ``-`` are 0 to the server; it only refuses suffixes that its fast path does not take."""
    refused = suffix in {"Pi", "Ei"} if exponent is None else Decimal(exponent) < _NANO
    return None if refused else Decimal(0)


def _scale(mantissa: Decimal, exponent: Decimal) -> Decimal | None:
    """Mantissa · 10^exponent; None for an exponent so large that only an attack sends it."""
    return None if abs(exponent) > _LARGEST_EXPONENT else _EXACT.scaleb(mantissa, exponent)


def _round_up(value: Decimal, places: int) -> Decimal:
    exponent = value.as_tuple().exponent
    # Only a value with finer digits: quantize would write out all the zeros of 1e99999999.
    if isinstance(exponent, int) and exponent < places:
        return value.quantize(Decimal((0, (1,), places)), context=_EXACT)
    return value


# The grammar of time.ParseDuration, to which both letters mu are units.
_DURATION_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]+)")
_SECOND = 10**9
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
}
_INT64_DIGITS = len(str(_INT64_MAX))


def duration(value: Any) -> Any:
    """A duration of Go's ``time.ParseDuration`` such as ``1h30m``, in nanoseconds. Not the grammar of GEP-2257."""
    nanoseconds = _parse_duration(value) if isinstance(value, str) else None
    return number(value) if nanoseconds is None else Canonical("duration", nanoseconds)


def _parse_duration(text: str) -> int | None:
    negative = text.startswith("-")
    unsigned = text[1:] if text.startswith(("+", "-")) else text
    if unsigned == "0":
        return 0
    total, position = 0, 0
    while match := _DURATION_PART.match(unsigned, position):
        part = _duration_part(match[1], match[2] or "", match[3])
        if part is None:
            return None
        total, position = total + part, match.end()
    # The most negative number has no positive counterpart.
    valid = 0 < position == len(unsigned) and total <= _INT64_MAX + negative
    return (-total if negative else total) if valid else None


def _duration_part(whole: str, fraction: str, unit: str) -> int | None:
    significant = whole.lstrip("0")
    if unit not in _UNITS or not (whole or fraction) or len(significant) > _INT64_DIGITS:
        return None
    return int(significant or "0") * _UNITS[unit] + _fraction(fraction, _UNITS[unit])


def _fraction(digits: str, unit: int) -> int:
    """The nanoseconds of a fraction, in float arithmetic, with as many digits as Go's ``leadingFraction`` takes."""
    numerator, scale = 0, 1.0
    for digit in digits:
        longer = numerator * 10 + int(digit)
        if longer > _INT64_MAX + 1:
            break
        numerator, scale = longer, scale * 10
    return int(float(numerator) * (unit / scale))


_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def base64_bytes(value: Any) -> Any:
    """The decoded bytes of a string of format ``byte``; Go's decoder skips line breaks in it."""
    if not isinstance(value, str):
        return number(value)
    text = value.replace("\r", "").replace("\n", "")
    return Canonical("byte", base64.b64decode(text)) if _BASE64.fullmatch(text) else value


# time.Parse takes more than RFC 3339: hours of one digit, a comma before the fraction, and offsets up to 24:60.
_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))",
)
_LARGEST_OFFSET = (24, 60)
_DAYS = 146097  # Of 400 years, after which the calendar repeats itself.


def date_time(value: Any) -> Any:
    """An RFC 3339 time as an instant in nanoseconds, for custom resources and ``metav1.MicroTime``."""
    nanoseconds = _parse_date_time(value) if isinstance(value, str) else None
    return number(value) if nanoseconds is None else Canonical("date-time", nanoseconds)


def time(value: Any) -> Any:
    """A ``metav1.Time`` as an instant in nanoseconds: the server cuts the fraction of a second off."""
    nanoseconds = _parse_date_time(value) if isinstance(value, str) else None
    return number(value) if nanoseconds is None else Canonical("date-time", nanoseconds // _SECOND * _SECOND)


def _parse_date_time(text: str) -> int | None:
    """Nanoseconds since the day before 0001-01-01; None for a text that is no time."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, sign, *offset = match.groups("0")[6:]
    hours, minutes = map(int, offset)
    cycle, rest = divmod(year, 400)
    try:
        days = dt.date(400 + rest, month, day).toordinal() + (cycle - 1) * _DAYS
        dt.time(hour, minute, second)
    except ValueError:
        return None
    if hours > _LARGEST_OFFSET[0] or minutes > _LARGEST_OFFSET[1]:
        return None
    seconds = days * 86400 + _seconds(hour, minute, second) + _seconds(hours, minutes) * (1 if sign == "-" else -1)
    return seconds * _SECOND + int(fraction[:9].ljust(9, "0"))


def _seconds(hours: int, minutes: int, seconds: int = 0) -> int:
    return (hours * 60 + minutes) * 60 + seconds


# 0001-01-01T00:00:00Z, the zero of Go's time.Time.
_ZERO_TIME = 86400 * _SECOND


def is_zero_time(value: Any) -> bool:
    """Whether a time is the one that Go writes as null."""
    return isinstance(value, str) and value.startswith("000") and _parse_date_time(value) == _ZERO_TIME


def ip(value: Any) -> Any:
    """An IP address; only for fields with a ``canonical`` rule, for the server keeps the spelling.

    As to Go's ``net.ParseIP``, ``::ffff:192.0.2.1`` is ``192.0.2.1``, and an address with a zone is invalid.
    """
    found = _interface(value) if isinstance(value, str) and "/" not in value else None
    return number(value) if found is None else Canonical("ip", _unmapped(found.ip))


def cidr(value: Any) -> Any:
    """An IP address with a prefix length, its host bits kept; only for fields with a ``canonical`` rule."""
    prefix = value.rpartition("/")[2] if isinstance(value, str) and "/" in value else ""
    found = _interface(value) if prefix.isdecimal() and prefix.isascii() else None
    return number(value) if found is None else Canonical("cidr", (_unmapped(found.ip), found.network.prefixlen))


def _interface(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    try:
        return None if "%" in text else ipaddress.ip_interface(text)
    except ValueError:
        return None


def _unmapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Any:
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


CANONICAL: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "byte": base64_bytes,
        "cidr": cidr,
        "date-time": date_time,
        "duration": duration,
        "float64": float64,
        "int-or-string": int_or_string,
        "ip": ip,
        "number": number,
        "quantity": quantity,
        "quantity-milli": quantity_milli,
        "quantity-stored": quantity_stored,
        "time": time,
    }
)
"""The functions by form: the scalars of schemas, and the arguments of ``canonical`` rules."""
