"""``genreconcile plan``: the changes that apply would make."""

from __future__ import annotations

from typing import Any

import click

from genreconcile.cli.options import VERIFY, Settings, shared


@click.command("plan")
@shared("text")
@VERIFY
def command(**options: Any) -> int:
    """Show what apply would do; write nothing."""
    settings = Settings(**options)
    from genreconcile.cli.session import judge

    return judge(settings)
