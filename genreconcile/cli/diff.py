"""``genreconcile diff``: the differences, as a unified diff."""

from __future__ import annotations

from typing import Any

import click

from genreconcile.cli.options import VERIFY, Flags, shared


@click.command("diff")
@shared("diff")
@VERIFY
def command(**options: Any) -> int:
    """Show how live objects differ from the files; write nothing."""
    settings = Flags(**options)
    from genreconcile.cli.session import show_plan

    return show_plan(settings)
