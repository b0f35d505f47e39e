"""``genreconcile doctor``: whether all that a run needs is there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from genreconcile.cli import exits
from genreconcile.cli.options import CONNECTION, VERBOSITY, Flags, added, optional_files, output_option
from genreconcile.cli.usage import UsageError

if TYPE_CHECKING:
    from genreconcile.doctor import Health
    from genreconcile.objects import GVK

_ACCESS = frozenset({"kubeconfig", "connection", "identity", "rights"})
"""The checks whose problems are those of a cluster that is unreachable, or of access that is refused."""


@click.command("doctor")
@added(*optional_files())
@click.option(
    "--kinds",
    "asked_for",
    multiple=True,
    metavar="KIND",
    help="A kind that is to be reconciled, written apps/v1/Example; its rights, its schema and its cost are looked at. "
    "Repeatable.",
)
@added(*CONNECTION, output_option("text", ("text", "json")), VERBOSITY)
def command(asked_for: tuple[str, ...], **options: Any) -> int:
    """Look whether all that a run needs is there; nothing is written.

    Connection, proxy, TLS, clock, identity, versions and schemas; for the kinds of -f or --kinds also the rights, and
    what a cache of them would cost. Exit code 1 where there is a problem, 3 where the cluster does not let one in.
    """
    settings = Flags.without_deletions(**options)
    kinds = [_kind(text) for text in asked_for]
    from genreconcile.cli import logs, session
    from genreconcile.doctor import Asked, Connecting, examine, render_health

    logs.set_up(settings.verbosity)
    expected = session.read_expected(settings) if settings.filenames else []
    needed = partial(session.rights, settings, expected, level="write", operator=False, everywhere=False)
    connecting = Connecting(partial(session.chosen, settings), partial(session.connect, settings))
    health = examine(connecting, Asked(kinds, settings.namespace, needed if expected else None))
    click.echo(render_health(health, settings.output), nl=False)
    return _code(health)


def _kind(text: str) -> GVK:
    from genreconcile.objects import GVK

    try:
        return GVK.parse(text)
    except ValueError as error:
        raise UsageError(f"--kinds: {error}.", code="GR113") from None


def _code(health: Health) -> int:
    if any(problem.check in _ACCESS for problem in health.problems):
        return exits.UNREACHABLE
    return exits.CONVERGED if health.is_healthy else exits.DIFFERENCES
