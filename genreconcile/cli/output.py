"""Output: reports with colours, and notes.

Invariant: reports go to stdout, all else to stderr; colours go to terminals alone, and not if NO_COLOR is set.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import TextIO

import click

from genreconcile.apply.result import Result
from genreconcile.errors import ReconcileError, shown
from genreconcile.notice import Notice
from genreconcile.plan import Plan
from genreconcile.report import render

_PREFIXES = {"--- ": "white", "+++ ": "white", "@@": "cyan", "#": "yellow", "-": "red", "+": "green"}
_VERBS = {
    "to create": "green",
    "created": "green",
    "to update": "yellow",
    "configured": "yellow",
    "to delete": "red",
    "deleted": "red",
    "failed": "red",
}
# The lines of objects in the text report: those of operations are indented, and the summary has no slash.
_TITLE = re.compile(r"\S+/\S+ (?P<verb>(?:to )?\w+)")


def show(report: Plan | Result, output: str, *, stderr: bool = False) -> None:
    """Print the report, by default on stdout."""
    text = render(report, output)
    if has_colours(sys.stderr if stderr else sys.stdout):
        text = colour(text, output)
    click.echo(text, nl=False, err=stderr)


def notes(kind: str, messages: Iterable[Notice | ReconcileError]) -> None:
    """Print a line ``<kind>: <message>`` on stderr for each message, with the code that it has."""
    for message in messages:
        note(kind, message)


def note(kind: str, message: object) -> None:
    """Print the line of one message, which may have no code."""
    click.echo(f"{kind}: {shown(message)}", err=True)


def has_colours(stream: TextIO) -> bool:
    """Whether the stream is a terminal whose user does not object (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def colour(text: str, output: str) -> str:
    """The text of a report with coloured lines; no line of JSON gets a colour."""
    return "\n".join(_coloured(line, output) for line in text.split("\n"))


def _coloured(line: str, output: str) -> str:
    if output == "text":
        match = _TITLE.match(line)
        found = _VERBS.get(match["verb"]) if match else None
    else:
        found = next((fg for prefix, fg in _PREFIXES.items() if line.startswith(prefix)), None)
    return click.style(line, fg=found) if found else line
