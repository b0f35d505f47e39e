"""The tables hold answers of apimachinery and Go themselves (v0.37.2, Go 1.26)."""

import base64
import datetime as dt
import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils import parse_quantity

from genreconcile.normalize.scalars import CANONICAL, Canonical

SAME = [
    ("quantity", ["1", 1, 1.0, "1.0", "1000m", "+1", "01", " 1 ", "1e0", "1E0", "0.001k", "1000000u", "1000000000n"]),
    ("quantity", ["0", 0, -0.0, "-0", "0Ki", "0e5"]),
    ("quantity", ["100m", 0.1, "0.1", ".1", "1e-1"]),
    ("quantity", ["3Gi", "3072Mi", "3221225472", 3221225472]),
    ("quantity", ["1G", "1000M", "1e9", "1E9", "1e+9", 1e9]),
    ("quantity", ["1E", "1000P", "1e18"]),
    ("quantity", ["1.5Gi", "1536Mi"]),
    ("quantity", ["1Ki", "1024"]),
    ("quantity", ["1Mi", "1024Ki"]),
    ("quantity", ["1Ti", "1024Gi"]),
    ("quantity", ["1Pi", "1024Ti"]),
    ("quantity", ["1Ei", "1024Pi"]),
    ("quantity", ["1n", "0.1n", "0.0000000001", "1e-20"]),
    ("quantity", ["-1n", "-0.1n"]),
    ("quantity", ["8Ei", "9Ei", str(2**63 - 1)]),
    ("quantity", ["9007199254740993", 2**53 + 1]),
    ("quantity-milli", ["1m", "0.0001", "1u", "1n"]),
    ("quantity-milli", ["-1m", "-1u"]),
    ("quantity-milli", ["2m", "1001u", "1.1m"]),
    ("duration", ["1h30m", "90m", "1.5h", "+90m", "5400s", "1h30m0s", "0h90m", "1.h30m"]),
    ("duration", ["0", "+0", "-0", "0s", "0h0m", "0.3ns"]),
    ("duration", ["-1h", "-60m"]),
    ("duration", ["-9223372036854775808ns", "-2562047h47m16s854775808ns"]),
    ("duration", ["1us", "1\u00b5s", "1\u03bcs", "1000ns"]),
    ("duration", ["2562047h47m16s854ms775us807ns", "9223372036854775807ns"]),
    ("int-or-string", [80, 80.0]),
    ("int-or-string", ["80"]),
    ("number", [1, 1.0]),
    ("number", [0, 0.0, -0.0]),
    ("byte", ["aGVsbG8=", "aGVs\nbG8=", "aGVs\r\nbG8=\n", "aGVsbG8=\n\n", "aGVsbG9="]),
    ("byte", ["", "\n"]),
    ("date-time", ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000Z", "2024-01-02T04:04:05+01:00"]),
    ("date-time", ["2024-01-02T03:04:05.5Z", "2024-01-02T03:04:05.500000Z", "2024-01-01T22:04:05.5-05:00"]),
    ("date-time", ["2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.1234567899Z"]),
    ("date-time", ["0001-01-01T00:30:00Z", "0001-01-01T01:00:00+00:30"]),
    ("time", ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05.999Z"]),
    ("ip", ["2001:db8::1", "2001:DB8:0:0::1"]),
    ("ip", ["10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1"]),
    ("quantity-stored", ["1", "1000E", "1000000P", "1" + "0" * 21, 10**21, "1" + "0" * 24]),
    ("quantity-stored", ["1e21", 1e21, "1e+21"]),
    ("quantity-stored", ["1500E", "15e20", "1500" + "0" * 18]),
    ("quantity", ["0", "k", "-", ".", "+.Ti", "e-9", "\u00a00\u3000"]),
    ("time", ["2024-01-02T03:04:05Z", "2024-01-02T3:04:05,5Z", "2024-01-03T04:04:05+24:60"]),
    ("date-time", ["0000-02-29T00:00:00Z", "0000-02-28T23:00:00-01:00"]),
    ("cidr", ["2001:db8::/32", "2001:DB8:0::/32"]),
]

DIFFERENT = [
    ("quantity", ["1", "1.000000001", "1k", "1Ki", "1m", "1K", True, "-1", "9007199254740993", "9007199254740992"]),
    ("quantity-milli", ["1", "1.001", "0"]),
    ("quantity", ["1", "1000E", "1000000E"]),
    ("duration", ["1h", "1m", "1ms", "-1h", 1, True, "1", "3600000000000"]),
    ("int-or-string", [80, "80", "80%", True, 1, False, 0, None]),
    ("number", [True, 1, False, 0, "1", 2**53, 2**53 + 1, 2**53 + 2, 0.5]),
    ("byte", ["aGVsbG8=", "aGVsbG8", "aGVsbG8= ", "hello", 1, True]),
    ("date-time", ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000000001Z", "2024-01-02T03:04:05", "2024-01-02"]),
    ("ip", ["10.0.0.1", "10.0.0.01", "167772161", 167772161]),
    ("cidr", ["10.0.0.0/8", "10.0.0.1/8", "10.0.0.0", "10.0.0.0/255.0.0.0", "10.0.0.0/"]),
]

INVALID = {
    "quantity": [
        "",
        " ",
        "Pi",
        "+.Ei",
        "e-10",
        "1K",
        "1KI",
        "1ki",
        "1e",
        "1 k",
        "1\n",
        "1ee3",
        "--1",
        "1.2.3",
        "nan",
        "½",
    ],
    "quantity-milli": ["", "1e999999999999", "infinity", "0x10", "1_000", "\u0661"],
    "duration": [
        "",
        "-",
        "1",
        "s",
        ".s",
        "1h-30m",
        "1 h",
        "1d",
        "1H",
        "h1",
        "1h ",
        "1..5h",
        "9223372036854775808ns",
        "-9223372036854775809ns",
        "1h30",
        "\u0661s",
    ],
    "byte": ["=", "====", "a", "ab", "abc", "ab=c", "a===", "aGVsbG8=aGVs", "aGVs bG8=", "_-==", "é"],
    "date-time": [
        "2024-02-30T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00+25:00",
        "2024-01-01T00:00:00+00:61",
        "2024-01-01t00:00:00z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00+0100",
    ],
    "ip": ["", "10.0.0", "300.1.1.1", "host", "fe80::1%eth0", "10.0.0.0/8"],
    "cidr": ["", "10.0.0.0/33", "10.0.0.0/-1", "x/8", "10.0.0.0/\u0668", "fe80::%1/8"],
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
lookalikes = st.text(st.sampled_from("0123456789.+-eEinumkKMGTPhsµ:TZ=/ \n"), max_size=12)
forms = st.sampled_from(sorted(CANONICAL))
suffixes = st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "e3", "E-2"])


@pytest.mark.parametrize(("form", "values"), SAME)
def test_spellings_of_one_value_are_equal(form, values):
    canonical = CANONICAL[form]
    assert len({canonical(value) for value in values}) == 1
    assert {canonical(value) == value for value in values} <= {form == "int-or-string" and isinstance(values[0], str)}


@pytest.mark.parametrize(("form", "values"), DIFFERENT)
def test_different_values_stay_different(form, values):
    canonical = CANONICAL[form]
    assert [pair for pair in itertools.combinations(values, 2) if canonical(pair[0]) == canonical(pair[1])] == []


@pytest.mark.parametrize(("form", "value"), [(form, value) for form, values in INVALID.items() for value in values])
def test_invalid_input_comes_back_as_it_is(form, value):
    assert CANONICAL[form](value) is value


@pytest.mark.parametrize("value", [1, 1.5, float("inf")])
@pytest.mark.parametrize("form", ["byte", "cidr", "date-time", "duration", "ip", "time"])
def test_where_no_number_belongs_it_still_differs_from_true(form, value):
    assert CANONICAL[form](value) == CANONICAL["number"](value)
    assert all(CANONICAL[form](boolean) is boolean for boolean in (True, False))


def test_infinity_is_no_quantity():
    assert CANONICAL["quantity"](float("inf")) == CANONICAL["number"](float("inf"))


@given(forms, json_values | lookalikes | st.integers(min_value=10**400, max_value=10**401))
def test_total_and_idempotent(form, value):
    canonical = CANONICAL[form](value)
    assert canonical is value or isinstance(canonical, Canonical)
    assert CANONICAL[form](canonical) is canonical
    if isinstance(canonical, Canonical):
        assert hash(canonical) == hash(CANONICAL[form](value))
        assert canonical != value


@given(st.sampled_from(["1", "9", ".", "e", "-"]), forms)
def test_very_long_texts(character, form):
    for text in (character * 10_000, "1" + "0" * 10_000 + "h", "1e-99999999", "1e99999999", "0." + "0" * 10_000 + "1s"):
        canonical = CANONICAL[form](text)
        assert canonical is text or isinstance(canonical, Canonical)


@given(forms, json_values, json_values)
def test_no_form_equals_another_one(form, left, right):
    one, other = CANONICAL[form](left), CANONICAL["number"](right)
    if one == other and isinstance(one, Canonical):
        assert one.form == "number"


@given(st.from_regex(r"[+-]?[0-9]{1,6}(\.[0-9]{1,6})?", fullmatch=True), suffixes)
def test_quantity_agrees_with_the_client(digits, suffix):
    # Up to what the client lacks: the rounding, and the cap on binary ones (999999Ti is below it).
    exact = parse_quantity(digits + suffix)
    rounded = exact.quantize(Decimal("1e-9"), rounding="ROUND_UP") if exact.as_tuple().exponent < -9 else exact
    assert CANONICAL["quantity"](digits + suffix).value == rounded


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=12))
def test_quantities_round_away_from_zero(value):
    text = f"{value:f}"
    nano, milli = CANONICAL["quantity"](text).value, CANONICAL["quantity-milli"](text).value
    assert abs(value) <= abs(nano) <= abs(milli)
    assert abs(nano - value) < Decimal("1e-9")
    assert abs(milli - value) < Decimal("1e-3")
    assert CANONICAL["quantity-milli"](f"{nano:f}").value == milli


@given(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_equal_iff_their_values_do(integer, floating):
    number = CANONICAL["number"]
    assert number(integer) == number(float(integer))
    assert (number(integer) == number(floating)) == (integer == floating)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (2**64 - 1, 18446744073709552000),
        (-(2**63) - 1, -9223372036854776000),
        (2.0**63, 9223372036854776000),
        (2.0**62, 4611686018427388000),
        (1.2345678901234567e17, 123456789012345660),
        (10**21, 1e21),
        (-0.0, 0),
    ],
)
def test_r1_4_numbers_as_they_are_kept_without_a_type(written, kept):
    assert CANONICAL["number"](written) == CANONICAL["number"](kept)
    assert CANONICAL["float64"](written) == CANONICAL["float64"](kept)


@pytest.mark.parametrize(("one", "other"), [(2**63 - 1, 2**63 - 2), (2**53 + 1, 2**53)])
def test_r1_4_integers_of_64_bits_keep_all_digits(one, other):
    assert CANONICAL["number"](one) != CANONICAL["number"](other)
    assert CANONICAL["float64"](one) == CANONICAL["float64"](other)


def test_a_number_that_no_float_holds_is_only_itself():
    assert CANONICAL["float64"](10**400) == CANONICAL["number"](10**400)
    assert CANONICAL["number"](10**400) != CANONICAL["number"](10**400 + 1)


@given(st.integers(0, 2**62))
def test_duration_of_all_units(nanoseconds):
    seconds, rest = divmod(nanoseconds, 10**9)
    hours, seconds = divmod(seconds, 3600)
    spelled = f"{hours}h{seconds // 60}m{seconds % 60}s{rest}ns"
    assert CANONICAL["duration"](spelled).value == nanoseconds
    assert CANONICAL["duration"]("-" + spelled).value == -nanoseconds


def test_fractions_of_a_duration_lose_what_go_loses():
    duration = CANONICAL["duration"]
    assert duration("0.3333333333333333333h").value == 1_200_000_000_000
    assert duration("0.100000000000000000000h").value == 360_000_000_000
    assert duration("0.9223372036854775807h").value == 3_320_413_933_267


@given(st.binary(max_size=40), st.lists(st.integers(0, 60), max_size=5))
def test_base64_with_line_breaks_anywhere(data, breaks):
    text = base64.b64encode(data).decode()
    for position in breaks:
        text = text[:position] + "\n" + text[position:]
    assert CANONICAL["byte"](text) == Canonical("byte", data)


@given(
    st.datetimes(min_value=dt.datetime(2, 1, 1), max_value=dt.datetime(9998, 1, 1)),  # noqa: DTZ001 - the zones come next.
    st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))),
    st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))),
)
def test_one_instant_in_two_zones(naive, here, there):
    instant = naive.replace(tzinfo=here)
    spelled = instant.isoformat(timespec="microseconds")
    assert CANONICAL["date-time"](spelled) == CANONICAL["date-time"](instant.astimezone(there).isoformat())
    assert CANONICAL["date-time"](spelled) != CANONICAL["date-time"]((instant + dt.timedelta.resolution).isoformat())
    assert CANONICAL["time"](spelled) == CANONICAL["date-time"](instant.replace(microsecond=0).isoformat())
