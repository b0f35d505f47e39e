"""What another program said, made fit for a message.

Invariant: bounded, without control characters, and without what looks like a credential or is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_LONGEST: Final = 500
_SHORTEST_SECRET: Final = 6
_MASK: Final = "***"
_SECRET_NAME: Final = re.compile(r"(?i)token|secret|passw|key|credential|auth|session|cookie")
_PEM: Final = re.compile(r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL)
_CREDENTIAL: Final = re.compile(
    r"eyJ[\w-]{4,}(?:\.[\w-]*)*"  # A JWT.
    r"|(?<=[Bb]earer )\S+|(?<=[Bb]asic )\S+"
    r"|(?i:(?<=token=)|(?<=password=)|(?<=secret=)|(?<=token: )|(?<=password: )|(?<=secret: ))\S+"
    r"|(?<![\w/+=])(?=\w*\d)(?=\w*[A-Za-z])[\w+=]{32,}"
)


def quoted(said: bytes, environment: Mapping[str, str], stdout: bytes = b"") -> str:
    """The end of what was ``said``, in one line; nothing of ``stdout`` and of secret variables stays in it."""
    text = said.decode("utf-8", "replace")
    for secret in sorted(_secrets(environment, stdout.decode("utf-8", "replace")), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    text = _CREDENTIAL.sub(_MASK, _PEM.sub(_MASK, text))
    lines = (" ".join(_printable(line).split()) for line in re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text).splitlines())
    line = "; ".join(filter(None, lines))
    return line if len(line) <= _LONGEST else f"…{line[-_LONGEST:]}"


def _secrets(environment: Mapping[str, str], stdout: str) -> set[str]:
    found = {value for name, value in environment.items() if _SECRET_NAME.search(name)}
    found |= set(re.findall(r"""[^\s"'{}\[\],]+""", stdout))
    return {secret for secret in found if len(secret) >= _SHORTEST_SECRET}


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() or character == "\t" else " " for character in line)
