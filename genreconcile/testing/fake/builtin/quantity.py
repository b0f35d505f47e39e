"""Quantities, such as ``1500m``: read and written as ``k8s.io/apimachinery/pkg/api/resource`` does.

Invariant: what is written reads as the same again.
"""

from __future__ import annotations

import re
from decimal import ROUND_UP, Context, Decimal

WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_SUFFIX = "unable to parse quantity's suffix"
_SPLIT = re.compile(r"([+-]?)([0-9]*)(\.?)([0-9]*)([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_LARGEST = 2**63 - 1
_DIGITS = 18
_NANO, _MILLI = Decimal("1e-9"), Decimal("1e-3")
_EXACT = Context(prec=400)


class QuantityError(ValueError):
    """The text is no quantity."""


def canonical(text: str, *, milli: bool = False) -> str:
    """As the server writes it back; ``milli`` as in a list of resources, where thousandths are the smallest part.

    Raises QuantityError.
    """
    text = text.strip()
    match = _SPLIT.fullmatch(text)
    if not text or match is None:
        raise QuantityError(WRONG)
    sign, whole, _, fraction, suffix = match.groups()
    whole = whole.lstrip("0")
    form, exponent = _read_suffix(suffix)
    digits = (whole or "0") + fraction
    if _keeps_spelling(form, exponent, whole or "0", fraction, milli=milli):
        return text
    value = _EXACT.create_decimal(f"{whole or '0'}.{fraction or '0'}")
    value = _EXACT.multiply(value, Decimal(2) ** exponent if form == "binary" else Decimal(1).scaleb(exponent))
    if not _is_fast(form, exponent, digits, fraction):
        value = _bounded(value, form)
        form = "decimal" if form == "binary" and 0 < value < 1 else form
    if milli:
        value = _rounded(value, _MILLI)
    return _written(-value if sign == "-" else value, form)


def _read_suffix(suffix: str) -> tuple[str, int]:
    if suffix in _DECIMAL:
        return "decimal", _DECIMAL[suffix]
    if suffix in _BINARY:
        return "binary", _BINARY[suffix]
    if re.fullmatch(r"[eE][+-]?[0-9]+", suffix):
        return "exponent", int(suffix[1:])
    raise QuantityError(_SUFFIX)


def _is_fast(form: str, exponent: int, digits: str, fraction: str) -> bool:
    """Whether Go reads it as an int64 with a scale: then it is neither rounded nor bounded."""
    if form == "binary":
        return not fraction and 15 - len(digits) - int(exponent * 3 / 10) - 1 >= 0
    return len(digits) <= _DIGITS and exponent - len(fraction) >= -9


def _keeps_spelling(form: str, exponent: int, whole: str, fraction: str, *, milli: bool) -> bool:
    """Whether Go takes the text for canonical, which it does for some that are not."""
    digits = whole + fraction
    if not _is_fast(form, exponent, digits, fraction):
        return False
    if form == "binary":
        return exponent % 10 == 0 and int(digits) & 7 != 0
    scale = exponent - len(fraction)
    if milli and scale < -3:
        return False
    return scale % 3 == 0 and not digits.endswith("000") and not digits.startswith("0")


def _bounded(value: Decimal, form: str) -> Decimal:
    value = _rounded(value, _NANO)
    return min(value, Decimal(_LARGEST)) if form == "binary" else value


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, rounding=ROUND_UP, context=_EXACT)


def _written(value: Decimal, form: str) -> str:
    if not value:
        return "0"
    if form == "binary" and abs(value) >= 1024 and value == value.to_integral_value():
        number, power = int(value), 0
        while number % 1024 == 0 and power < 6:
            number, power = number // 1024, power + 1
        return f"{number}{['', *_BINARY][power]}"
    sign, digits, exponent = value.normalize(_EXACT).as_tuple()
    number, power = int("".join(map(str, digits))), int(exponent)
    step = power % 3
    number, power = number * 10**step, power - step
    ending = (f"e{power}" if power else "") if form == "exponent" else {v: k for k, v in _DECIMAL.items()}.get(power)
    if ending is None:  # Larger than any suffix: Go writes none.
        ending = ""
    return f"{'-' if sign else ''}{number}{ending}"


def amount(text: str) -> Decimal:
    """The number that a canonical quantity stands for."""
    match = _SPLIT.fullmatch(text)
    if match is None:
        raise QuantityError(WRONG)
    sign, whole, _, fraction, suffix = match.groups()
    form, exponent = _read_suffix(suffix)
    value = _EXACT.create_decimal(f"{sign}{whole or '0'}.{fraction or '0'}")
    return _EXACT.multiply(value, Decimal(2) ** exponent if form == "binary" else Decimal(1).scaleb(exponent))


def total(one: str, other: str) -> str:
    """The sum, written as the first of them that is not zero."""
    first = one if amount(one) else other
    match = _SPLIT.fullmatch(first)
    form, _ = _read_suffix(match.groups()[4] if match else "")
    return _written(_EXACT.add(amount(one), amount(other)), form)
