"""The group of commands, and the exit codes of their errors.

Invariant: every run ends with one of the documented exit codes, and never with 1 for a failure of the program itself.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from genreconcile.cli import exits, usage
from genreconcile.errors import FAULT, ReconcileError, trace
from genreconcile.log import logger

_COMMANDS = ("apply", "diff", "doctor", "explain", "plan", "rbac", "rules", "run", "version", "wait")
_log = logger(__name__)


class _LazyGroup(click.Group):
    """A group that imports a command when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = import_module(f"genreconcile.cli.{cmd_name}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from genreconcile.arguments import near

            ctx.fail(f"No such command {name!r}{near(name, _COMMANDS) or '.'}")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:  # Before click 8.2 it ends with 0, and prints to stdout.
            click.echo(ctx.get_help(), err=True)
            ctx.exit(exits.UNKNOWN)
        return super().parse_args(ctx, args)


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.exit(ctx.invoke(import_module("genreconcile.cli.version").command))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="As the command version."
)
def group() -> None:
    """Bring a Kubernetes cluster to the state that files describe.

    Exit codes: 0 converged, 1 differences remain (or objects failed, or are not ready), 2 usage, files, or an object
    that could not be judged, 3 cluster unreachable or access refused, 4 a guard refused to delete, 130 interrupted.
    """


def _name() -> str:
    """What the user has typed: kubectl runs its plugins by the name of their file."""
    return "kubectl genreconcile" if Path(sys.argv[0]).name.startswith("kubectl-") else "genreconcile"


def run(arguments: Sequence[str] | None) -> int:
    """Run a command; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            # A terminal that cannot show a character is no reason to fail.
            reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return exits.UNKNOWN
    # click raises it with 1 where the reader of a pipe is gone, and with 0 after it has told a shell how to complete.
    except SystemExit as end:
        return exits.UNKNOWN if end.code else exits.CONVERGED
    finally:
        gc.unfreeze()  # ``read_expected`` froze what it read: in the process of a caller it may be garbage now.
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = group.main(arguments, prog_name=_name(), standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return exits.INTERRUPTED
    except click.ClickException as error:
        click.echo(usage.shown(error), err=True)
        return exits.UNKNOWN
    except ReconcileError as error:
        click.echo(usage.told(error), err=True)
        _log.debug("%s", trace(error))
        return exits.of_error(error)
    except Exception as error:  # noqa: BLE001 -- Python's own exit code would be 1, which says that objects differ
        # The error's text may hold anything, a Secret's values included.
        click.echo(f"error: a fault of genreconcile: {type(error).__name__}; -v 6 shows where [{FAULT}]", err=True)
        _log.debug("%s", trace(error))
        return exits.UNKNOWN
    return code if isinstance(code, int) else exits.CONVERGED
