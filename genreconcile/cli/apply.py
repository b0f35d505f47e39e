"""``genreconcile apply``: carry the plan out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from genreconcile.cli import exits
from genreconcile.cli.options import Flags, shared
from genreconcile.errors import PlanRefused

if TYPE_CHECKING:
    from genreconcile.apply.result import Result
    from genreconcile.plan import Plan


@click.command("apply")
@shared("text")
@click.option(
    "--on-immutable",
    type=click.Choice(("fail", "recreate")),
    default="fail",
    show_default=True,
    help="Delete objects whose immutable fields differ, and create them again.",
)
@click.option(
    "--cascade",
    type=click.Choice(("background", "foreground", "orphan")),
    help="What becomes of what a deleted object owns.  [default: background, of a recreated object foreground]",
)
@click.option("--wait", is_flag=True, help="Wait until deleted objects are gone.")
@click.option(
    "--dry-run",
    type=click.Choice(("none", "server")),
    default="none",
    show_default=True,
    help="server: send every request so that the server checks it and stores nothing.",
)
@click.option("-y", "--yes", is_flag=True, help="Ask nothing. Without a terminal nothing is asked anyway.")
def command(**options: Any) -> int:
    """Make the cluster what the files say."""
    settings = Flags(**options)
    from genreconcile.cli import logs, output, session

    logs.set_up(settings.verbosity)
    expected = session.read_expected(settings)
    with session.open_reconciler(settings, expected, "write") as reconciler:
        plan = session.make_plan(reconciler, expected, settings)
        output.notes("warning", plan.warnings)
        if not _is_agreed(plan, settings):
            click.echo("nothing was written", err=True)
            return exits.of_plan(plan)
        result, refusal = _apply(reconciler, plan, settings)
    if result is not None:
        output.show(result, settings.output)
        output.notes("warning", (warning for warning in result.warnings if warning not in plan.warnings))
    if refusal is not None:
        output.notes("refused", [str(refusal)])
        return exits.REFUSED
    if _is_rehearsal(settings):
        output.notes("dry run", ["nothing was written"])
        return exits.of_plan(plan)
    return exits.of_result(result) if result is not None else exits.UNKNOWN


def _is_rehearsal(settings: Flags) -> bool:
    return settings.dry_run == "server"


def _apply(reconciler: Any, plan: Plan, settings: Flags) -> tuple[Result | None, PlanRefused | None]:
    """The result, and the refusal of a guard; with a refusal creates and patches have been carried out as well."""
    try:
        return reconciler.apply(plan, wait=settings.wait, dry_run=_is_rehearsal(settings)), None
    except PlanRefused as refusal:
        return getattr(refusal, "result", None), refusal


def _is_agreed(plan: Plan, settings: Flags) -> bool:
    """Ask the user on stderr where there is a terminal and a change; True where nothing is asked."""
    from genreconcile.cli import output

    is_asked = not settings.yes and not _is_rehearsal(settings) and sys.stdin.isatty() and sys.stderr.isatty()
    if not is_asked or not any(change.operation != "none" for change in plan.changes):
        return True
    output.show(plan, "text", stderr=True)
    output.notes("refused", plan.refusals)
    # click.confirm writes a part of its prompt to stdout, where only data belongs.
    click.echo("Apply? [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
