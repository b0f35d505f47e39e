"""``genreconcile explain``: what an error code means, and what to do; offline."""

from __future__ import annotations

import click

from genreconcile.arguments import near
from genreconcile.cli import exits
from genreconcile.cli.usage import UsageError


@click.command("explain")
@click.argument("codes", nargs=-1, metavar="[CODE]...")
def command(codes: tuple[str, ...]) -> int:
    """Say what error codes such as GR422 mean, and what to do; without any, list all."""
    from genreconcile.data import Errors, shipped

    known = shipped(Errors).codes
    for given in codes:
        code = given.strip("[]").upper()
        if code not in known:
            raise UsageError(
                f"{given} is no error code{near(code, known)}; without a code all are listed.", code="GR101"
            )
        found = known[code]
        click.echo(f"{code}: {found.title}\n\n{found.happened}\n\nWhat to do: {found.remedy}")
    if not codes:
        for code, found in known.items():
            click.echo(f"{code}  {found.title}")
    return exits.CONVERGED
