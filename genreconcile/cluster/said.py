"""The output of another program, made fit for a message.

Invariant: a quotation is bounded, and holds no control character, no known secret and nothing that looks like one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_LONGEST: Final = 500
_SHORTEST_SECRET: Final = 6
_MASK: Final = "***"
_SECRET_NAME: Final = re.compile(r"(?i)token|secret|passw|credential|(api|access|private)[-_]?key")
_PEM: Final = re.compile(r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL)
_CREDENTIAL: Final = re.compile(
    r"eyJ[\w-]{4,}(?:\.[\w-]*)*"  # A JWT.
    r"|(?<=[Bb]earer )\S+|(?<=[Bb]asic )\S+"
    r"|(?i:(?<=token=)|(?<=password=)|(?<=secret=)|(?<=token: )|(?<=password: )|(?<=secret: ))\S+"
    r"|(?<![\w/+=-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w+=-]{28,}"
)


def quoted(said: bytes, settings: Mapping[str, str], *shown: str) -> str:
    """The end of ``said``, in one line, without the words of ``shown`` and the settings that are named like secrets."""
    text = said.decode("utf-8", "replace")
    for secret in sorted(_secrets(settings, shown), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    text = _CREDENTIAL.sub(_MASK, _PEM.sub(_MASK, text))
    lines = (" ".join(_printable(line).split()) for line in re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text).splitlines())
    line = "; ".join(filter(None, lines))
    return line if len(line) <= _LONGEST else f"…{line[-_LONGEST:]}"


def _secrets(settings: Mapping[str, str], shown: Iterable[str]) -> set[str]:
    named = {value for name, value in settings.items() if _SECRET_NAME.search(name)}
    found = {value for value in named if not value.startswith("/")}  # A path leads to a secret, and is none.
    found |= {word for text in shown for word in re.findall(r"""[^\s"'{}\[\],]+""", text)}
    return {secret for secret in found if len(secret) >= _SHORTEST_SECRET}


def settings_of(arguments: Sequence[str]) -> dict[str, str]:
    """The settings on a command line: ``--name=value`` and ``--name value``."""
    pairs = dict(itertools.pairwise(arguments))
    return {**pairs, **dict(argument.split("=", 1) for argument in arguments if "=" in argument)}


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() or character == "\t" else " " for character in line)
