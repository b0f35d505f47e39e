"""``genreconcile wait``: wait until the objects of files are ready."""

from __future__ import annotations

from typing import Any

import click

from genreconcile.cli import exits
from genreconcile.cli.options import CONNECTION, FILES, RULES, TIMEOUT, VERBOSITY, Flags, added, output_option


@click.command("wait")
@added(*FILES, RULES, TIMEOUT, *CONNECTION, output_option("text", ("text", "json")), VERBOSITY)
def command(**options: Any) -> int:
    """Wait until the objects of the files are ready, and print how each is; nothing is written.

    Exit code 1 where one is not ready in time, or has failed.
    """
    from genreconcile.cli import logs, session
    from genreconcile.report import render_waits

    settings = Flags.without_deletions(**options)
    logs.set_up(settings.verbosity)
    expected = session.read_expected(settings)
    with session.open_reconciler(settings, expected) as reconciler:
        found = reconciler.wait(expected, namespace=settings.namespace, timeout=settings.timeout)
    click.echo(render_waits(found, settings.output), nl=False)
    return exits.CONVERGED if all(one.is_current for one in found) else exits.DIFFERENCES
