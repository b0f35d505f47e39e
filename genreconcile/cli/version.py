"""``genreconcile version``."""

from __future__ import annotations

import click


@click.command("version")
def command() -> int:
    """Print the version."""
    from importlib.metadata import version

    click.echo(f"genreconcile {version('genreconcile')}")
    return 0
