"""``genreconcile explain``: what a code, or the reason of a condition, means, and what to do; offline."""

from __future__ import annotations

import click

from genreconcile.arguments import near
from genreconcile.cli import exits
from genreconcile.cli.usage import UsageError


@click.command("explain")
@click.argument("codes", nargs=-1, metavar="[CODE]...")
def command(codes: tuple[str, ...]) -> int:
    """Say what codes such as GR422, or reasons such as ChildConflict, mean, and what to do; without any, list all."""
    from genreconcile.data import Errors, shipped

    errors = shipped(Errors)
    known = {**errors.codes, **errors.reasons}
    spelled = {code.upper(): code for code in known}
    for given in codes:
        upper = given.strip("[]").upper()
        code = spelled.get(upper)
        if code is None:
            meant = near(upper, known)
            raise UsageError(f"{given} is no code{meant}; without a code all are listed.", code="GR101")
        found = known[code]
        click.echo(f"{code}: {found.title}\n\n{found.happened}\n\nWhat to do: {found.remedy}")
    if not codes:
        for code, found in known.items():
            click.echo(f"{code}  {found.title}")
    return exits.CONVERGED
