"""Values at the edges of what Go's parsers take, and random ones between them."""

import base64
import ipaddress
import json
import struct
from pathlib import Path

DIGITS = "0123456789"
EDGES = json.loads((Path(__file__).parent / "edges.json").read_text("utf-8"))


def numbers(rng, count):
    """Texts of JSON numbers."""
    edges = EDGES["numbers"]["texts"]
    found = [*edges, *("-" + text for text in edges)]
    while len(found) < count:
        found.append(_number(rng))
    return list(dict.fromkeys(found))


def _number(rng):
    kind = rng.randrange(5)
    if kind == 0:  # Any float64.
        (value,) = struct.unpack("d", rng.randbytes(8))
        return repr(value) if abs(value) < float("inf") else "1"
    if kind == 1:
        return str(rng.randrange(-(2**70), 2**70) >> rng.randrange(70))
    if kind == 2:
        return repr(rng.uniform(-1, 1) * 10.0 ** rng.randrange(-12, 24))
    if kind == 3:
        return repr(float(rng.randrange(-(2**66), 2**66)))
    digits = "".join(rng.choices(DIGITS, k=rng.randrange(1, 20)))
    fraction = "." + "".join(rng.choices(DIGITS, k=rng.randrange(1, 20))) if rng.random() < 0.5 else ""
    exponent = f"{rng.choice('eE')}{rng.choice(['', '+', '-'])}{rng.randrange(30)}" if rng.random() < 0.5 else ""
    return f"{rng.choice(['', '-'])}{digits.lstrip('0') or '0'}{fraction}{exponent}"


def images(rng, count):
    """Image references, and texts that are almost some."""
    domains = EDGES["images"]["domains"]
    paths = EDGES["images"]["paths"]
    tags = EDGES["images"]["tags"]
    digests = EDGES["images"]["digests"]
    found = []
    while len(found) < count:
        parts = [rng.choice(domains), rng.choice(paths), rng.choice(tags), rng.choice(digests)]
        # Most of them are near to valid.
        keep = rng.sample(range(4), rng.randrange(1, 3))
        plain = ["", "app", "", ""]
        text = "".join(part if index in keep else plain[index] for index, part in enumerate(parts))
        if rng.random() < 0.2:
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice("./:@_-A\u00e9 ") + text[place:]
        if text and text == text.strip():
            found.append(text)
    return found


def quantities(rng, count):
    """Texts, and texts that are almost one."""
    suffixes = EDGES["quantities"]["suffixes"]
    mantissas = EDGES["quantities"]["mantissas"]
    found = [sign + mantissa + suffix for sign in ("", "-", "+") for mantissa in mantissas for suffix in suffixes]
    rng.shuffle(found)
    found = found[: count // 2]
    while len(found) < count:
        digits = "".join(rng.choices(DIGITS, k=rng.randrange(1, 22)))
        fraction = "." + "".join(rng.choices(DIGITS, k=rng.randrange(0, 14))) if rng.random() < 0.5 else ""
        found.append(rng.choice(["", "", "", "+", "-"]) + digits + fraction + rng.choice(suffixes))
    return list(dict.fromkeys(found))


def durations(rng, count):
    """Texts of Go's durations, and texts that are almost one."""
    units = EDGES["durations"]["units"]
    numbers = EDGES["durations"]["numbers"]
    found = list(EDGES["durations"]["texts"])
    while len(found) < count:
        parts = [
            (rng.choice(numbers) if rng.random() < 0.5 else str(rng.randrange(10 ** rng.randrange(1, 12))))
            + (f".{rng.randrange(10 ** rng.randrange(1, 20))}" if rng.random() < 0.3 else "")
            + rng.choice(units[:8] if rng.random() < 0.9 else units)
            for _ in range(rng.randrange(1, 4))
        ]
        found.append(rng.choice(["", "", "-", "+"]) + "".join(parts))
    return list(dict.fromkeys(found))


def times(rng, count):
    """Texts of RFC 3339, and texts that are almost one."""
    dates = EDGES["times"]["dates"]
    clocks = EDGES["times"]["clocks"]
    fractions = EDGES["times"]["fractions"]
    zones = EDGES["times"]["zones"]
    found = []
    while len(found) < count:
        edge = rng.random() < 0.5
        date = (
            rng.choice(dates)
            if edge
            else f"{rng.randrange(1, 9999):04}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
        )
        clock = (
            rng.choice(clocks)
            if rng.random() < 0.4
            else f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
        )
        text = (
            date
            + rng.choice(["T", "T", "T", "T", "T", "t", " ", ""])
            + clock
            + rng.choice(fractions)
            + rng.choice(zones)
        )
        found.append(text)
    return list(dict.fromkeys(found))


def base64s(rng, count):
    """Texts of base64, and texts that are almost one."""
    found = list(EDGES["base64s"]["texts"])
    while len(found) < count:
        text = base64.b64encode(rng.randbytes(rng.randrange(0, 12))).decode()
        for _ in range(rng.randrange(0, 3)):
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice("=\n\rAz+/-_ ") + text[place + rng.randrange(2) :]
        found.append(text)
    return list(dict.fromkeys(found))


def addresses(rng, count):
    """Texts of IP addresses, and texts that are almost one."""
    found = list(EDGES["addresses"]["texts"])
    while len(found) < count:
        address = (
            ipaddress.IPv6Address(rng.randbytes(16)) if rng.random() < 0.6 else ipaddress.IPv4Address(rng.randbytes(4))
        )
        if address.version == 6 and rng.random() < 0.7:
            groups = [f"{rng.choice([0, 0, rng.randrange(65536)]):x}" for _ in range(8)]
            text = ":".join(groups)
            text = str(ipaddress.IPv6Address(text)) if rng.random() < 0.5 else text
        else:
            text = str(address)
        text = text.upper() if rng.random() < 0.2 else text
        if rng.random() < 0.3:
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice(":.0af%") + text[place + rng.randrange(2) :]
        found.append(text)
    return list(dict.fromkeys(found))


def networks(rng, count):
    """Texts of CIDRs, and texts that are almost one."""
    prefixes = EDGES["networks"]["prefixes"]
    return list(dict.fromkeys(text + rng.choice(prefixes) for text in addresses(rng, count)))


def texts(rng, count):
    """Every character of the basic plane that JSON can hold, and random texts."""
    characters = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    found = ["".join(characters[start : start + 64]) for start in range(0, len(characters), 64)]
    marks = EDGES["texts"]["marks"]
    while len(found) < count:
        pick = rng.choices([*marks, chr(rng.randrange(0x10000, 0x110000)), "a"], k=rng.randrange(1, 20))
        found.append("".join(pick))
    return found


def names(rng, count):
    """Names of objects."""
    found = list(EDGES["names"]["texts"])
    while len(found) < count:
        found.append("".join(rng.choices("abAB01-._:/%~+?#& \u00e9", k=rng.randrange(1, 12))))
    return list(dict.fromkeys(found))
