"""Scalars and small documents of YAML, at the edges of what is a number, a boolean, a null or a text."""

import itertools
import json
from pathlib import Path

EDGES = json.loads((Path(__file__).parent / "edges.json").read_text("utf-8"))["yaml"]
WORDS, NUMBERS, QUOTED, REFUSED, STRICTER = (
    EDGES[name] for name in ("words", "numbers", "quoted", "refused", "stricter")
)
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
