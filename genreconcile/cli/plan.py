"""``genreconcile plan``: the changes that apply would make."""

from __future__ import annotations

from typing import Any

import click

from genreconcile.cli.options import VERIFY, Flags, shared


@click.command("plan")
@shared("text")
@VERIFY
def command(**options: Any) -> int:
    """Show what apply would do; write nothing."""
    settings = Flags(**options)
    from genreconcile.cli.session import show_plan

    return show_plan(settings)
