"""``genreconcile apply``: carry the plan out."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from genreconcile.cli import exits
from genreconcile.cli.options import TIMEOUT, Flags, shared
from genreconcile.errors import PlanRefused, code_of
from genreconcile.notice import Notice

if TYPE_CHECKING:
    from genreconcile.apply.result import Result
    from genreconcile.objects import Object
    from genreconcile.plan import Plan
    from genreconcile.waiting import Waited


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
@click.option(
    "--wait", is_flag=True, help="Wait until deleted objects are gone, and until all others are ready (--timeout)."
)
@click.option(
    "--wait-waves",
    is_flag=True,
    help="Write each wave only when the objects of the ones before are ready (--timeout), and wait for all as --wait.",
)
@TIMEOUT
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
        deadline = time.monotonic() + settings.timeout
        result, refusal = _apply(reconciler, plan, settings)
        waited = _waited(reconciler, expected, settings, deadline) if refusal is None else ()
    if result is not None:
        output.show(result, settings.output)
        output.notes("warning", (warning for warning in result.warnings if warning not in plan.warnings))
    if refusal is not None:
        output.notes("refused", [refusal])
        return exits.REFUSED
    if _is_rehearsal(settings):
        output.note("dry run", "nothing was written")
        return exits.of_plan(plan)
    for one in waited:
        if not one.is_current:
            output.note("not ready", one)
        elif one.status.warning:
            output.note("warning", Notice(f"{one.key}: {one.status.warning}", code_of(one.status.warning)))
    if result is None:
        return exits.UNKNOWN
    return exits.of_result(result) or (exits.CONVERGED if all(one.is_current for one in waited) else exits.DIFFERENCES)


def _waited(reconciler: Any, expected: Sequence[Object], settings: Flags, deadline: float) -> Sequence[Waited]:
    """How the objects are in the end, none where nobody waits for them."""
    if _is_rehearsal(settings) or not _waits(settings):
        return ()
    left = max(0.0, deadline - time.monotonic())
    found: Sequence[Waited] = reconciler.wait(expected, namespace=settings.namespace, timeout=left)
    return found


def _is_rehearsal(settings: Flags) -> bool:
    return settings.dry_run == "server"


def _waits(settings: Flags) -> bool:
    return settings.wait or settings.wait_waves


def _apply(reconciler: Any, plan: Plan, settings: Flags) -> tuple[Result | None, PlanRefused | None]:
    """The result, and the refusal of a guard; with a refusal creates and patches have been carried out as well."""
    try:
        waves = {"wait_waves": settings.timeout} if settings.wait_waves else {}
        return reconciler.apply(plan, wait=_waits(settings), dry_run=_is_rehearsal(settings), **waves), None
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
