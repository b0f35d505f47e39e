"""Wrong usage of the command line.

Invariant: as every error it has a code, which is shown with its message.
"""

from __future__ import annotations

import io

import click

from genreconcile.errors import ReconcileError, code_of, with_code

OTHER = "GR101"
"""The code of what click itself refuses: an unknown option, a missing value."""


class UsageError(click.UsageError):
    """Options or arguments that cannot be meant; the message says what to give."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def shown(error: click.ClickException) -> str:
    """The usage and the message, with the code behind it, as lines."""
    text = io.StringIO()
    error.show(file=text)
    return f"{text.getvalue().rstrip()} [{getattr(error, 'code', OTHER)}]"


def told(error: ReconcileError) -> str:
    """The line of an error that ends the command."""
    return with_code(f"error: {error}", code_of(error))
