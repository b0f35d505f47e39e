"""Scalars and small documents of YAML, at the edges of what is a number, a boolean, a null or a text."""

import itertools

WORDS = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "nil", "none", "nan", "inf", ".nan", ".inf",
         "+.inf", "-.inf", "infinity", "t", "f", "o", "<<", "=", "ja", "0x", "0b", "0o", "_", "-", "+", ".", "...",
         "-.", "+.", "--1", "+-1", "1-", "e", "1e", ".e3", "1.e", "1e+", "0x1p4", "0x.8p1"]  # fmt: skip
NUMBERS = ["0", "00", "07", "08", "0777", "0o17", "0O17", "0o8", "0x1F", "0X1f", "0xG", "0b11", "0B11", "0b12", "0b-11",
           "0b+11", "1_000", "_1", "1_", "1__0", "0_8", "0_7", "0x_1", "0b_1", "1_.5", "1._5", "1.5_0", ".5_5", "._5",
           ".5_", ".5__5", "1e3", "1E3", "1e+3", "1e-3", "1.e3", ".5e3", ".5e-3_3", "1e_3", "1e400", ".1e400", "1e-400",
           "0.0", "1.", "1.0", "1.50", "123456789.0", "3.14159265358979", "9007199254740993", "9223372036854775807",
           "9223372036854775808", "18446744073709551615", "18446744073709551616", "123456789012345678901234567890",
           "0xFFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFF", "0b" + "1" * 64, "0b" + "1" * 65, "0" * 70 + "7", "1e16",
           "1e21", "5e-6", "1e-7", "1:30", "1:30:45", "190:20:30.15", "1,000", "1.2.3", "2001-01-01",
           "2001-1-1", "2001-01-01T00:00:00Z", "2001-01-01t0:0:0Z", "2001-01-01 00:00:00", "0.1",
           "1e5", "1e6"]  # fmt: skip
QUOTED = ["'yes'", '"1"', "'0x1F'", '"~"', "'1e3'", '"<<"', "''", '""', '"a\\nb"', '"\\u00e9\\x41\\t\\0"', "'it''s'",
          "!!str 1", "!!str yes", "!!str ~", "!!str", "!!int 1", "!!int '12'", "!!int 0x1F", "!!int 1_0", "!!float 1",
          "!!float 1e3", "!!float '1.5'", "!!bool yes", "!!bool 'n'", "!!null ~", "!!null ''", "!!float 1_0",
          "!!float 9007199254740993", "!!float 9223372036854775807", "&a 1", "&a", "é", "a#b", "a # b", "a: b", "- a",
          "a:b", "[a, 1, y]", "{a: y, n: 1}", "{? y}", "{y}", "[y: n]", "|\n  y\n", ">-\n  1\n  2\n",
          "{<<: {a: 1}, a: 2}", "{a: 2, <<: {a: 1}}", "{<<: [{a: 1}, {a: 2, b: 3}]}", "{<<: {y: 1}, 'true': 2}",
          "{a: <<}", "[<<]", "{'<<': {a: 1}}", "{x: &m {a: 1}, z: {<<: *m, b: 2}}",
          "{x: &m {<<: {k: 1}, k: 2}, z: *m}"]  # fmt: skip
REFUSED = [".inf", "-.inf", ".nan", "!!float .inf", "!!null foo", "!!int 1.5", "!!int yes", "!!float abc", "!!bool 1",
           "!!float 1e400", "*a", "[", "{a", "'", '"\\q"', "@a", "`a`", "%a", "a: b: c", "{<<: [1]}", "{<<: 1}",
           "{~: 1}", "{[a]: 1}", "{18446744073709551615: 1}", "{.inf: &b *b}", "\t- a", "! 12", "!foo bar"]  # fmt: skip
ALPHABET = [
    "0",
    "1",
    "7",
    "8",
    "9",
    "0x",
    "0b",
    "0o",
    "_",
    ".",
    "e",
    "E",
    "+",
    "-",
    "F",
    "y",
    "n",
    "~",
    ":",
    "inf",
    "00",
]


def plain(rng, count):
    """Plain scalars without what begins another token."""
    found = dict.fromkeys([*NUMBERS, *WORDS, *map(str.upper, WORDS), *map(str.title, WORDS)])
    found.update(dict.fromkeys(sign + number for sign in "+-" for number in NUMBERS))
    while len(found) < count:
        text = "".join(rng.choices(ALPHABET, k=rng.randrange(1, 9)))
        found[text] = None
    return [text for text in itertools.islice(found, count) if is_plain(text)]


def is_plain(text):
    """Whether a text is one scalar, as a value as well as a key."""
    return not (text in {"-", "---", "..."} or text.endswith(":") or text.startswith((": ", "- ", ":", "~:")))
