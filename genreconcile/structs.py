"""What msgspec knows of a type, gathered while the type's module is imported.

msgspec gathers it at the first use otherwise, bit by bit: a second thread that uses the type meanwhile reads what is
not there yet, and the process ends with a segmentation fault.

Invariant: a type that ``msgspec.convert`` gets was given to ``known`` by the module that defines it.
"""

from __future__ import annotations

import msgspec


def known(*types: type) -> None:
    """Let msgspec gather all of these types, and of those that they hold."""
    for found in types:
        msgspec.json.Decoder(found)
