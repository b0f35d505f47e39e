"""``genreconcile version``, and ``--version``: what is installed, and which Kubernetes it knows."""

from __future__ import annotations

import click


@click.command("version")
def command() -> int:
    """Print the versions of genreconcile, Python and the client, and those of Kubernetes that are supported."""
    from genreconcile.installed import here, supported

    for line in (*here(), supported()):
        click.echo(line)
    return 0
