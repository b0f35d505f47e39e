"""``genreconcile run``: controllers of Python files, or a folder that is kept, until the process is told to stop.

Invariant: an option that would have no effect is refused.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from genreconcile.cli import exits
from genreconcile.cli.options import (
    CONNECTION,
    DELETE_KINDS,
    DELETE_SELECTOR,
    NAMESPACE,
    VERBOSITY,
    Connection,
    added,
    output_option,
)
from genreconcile.cli.usage import UsageError
from genreconcile.errors import ReconcileError, code_of, shown

if TYPE_CHECKING:
    from genreconcile.cluster import Cluster
    from genreconcile.controllers.program import Source
    from genreconcile.election import Lease

_OF_SETS: Final = (
    "recursive",
    "namespace",
    "name",
    "delete_from_namespace",
    "delete_selector",
    "owner",
    "delete_kinds",
    "max_deletions",
    "mode",
)
"""The parameters that say something of the set of -f alone."""
_OF_LEASES: Final = (
    "lease",
    "lease_duration",
    "lease_renew_deadline",
    "lease_retry_period",
    "lease_identity",
    "shards",
    "shard_identity",
    "takeover_after",
)
"""The parameters of the Lease, all but the first without effect where there is none."""


@click.command("run")
@click.argument(
    "operators", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[OPERATOR.PY]..."
)
@click.option("-f", "--filename", "folder", metavar="PATH", help="File or folder of manifests to keep in the cluster.")
@click.option("-R", "--recursive", is_flag=True, help="Look below the folder as well.")
@NAMESPACE
@click.option("--name", metavar="NAME", help="Name of the set of -f, which its writes carry.  [default: folder]")
@click.option(
    "--delete-from-namespace",
    default="",
    metavar="NS",
    help="Delete from this namespace what --delete-selector matches and the folder does not hold.",
)
@DELETE_SELECTOR
@click.option("--applyset", "owner", default="", metavar="NAME", help="Parent of the set of -f, as configmaps/shop.")
@DELETE_KINDS
@click.option("--max-deletions", type=click.IntRange(min=0), metavar="N", help="Delete nothing if it were more.")
@click.option(
    "--mode",
    type=click.Choice(("enforce", "detect")),
    default="enforce",
    show_default=True,
    help="detect: say what would be done to the set of -f, and change nothing.",
)
@click.option(
    "--watch-namespace", "namespaces", multiple=True, metavar="NS", help="Watch this namespace alone. Repeatable."
)
@click.option(
    "--release",
    is_flag=True,
    help="Run nothing: take the finalizers off the parents, whose children stay; to uninstall.",
)
@click.option(
    "--plan",
    "is_plan",
    is_flag=True,
    help="Run nothing: print what would be done for each parent, and write nothing. Exit code 1 where anything would.",
)
@click.option(
    "--as-controller",
    metavar="NAME",
    help="With --plan: what the controller of this name has written counts as written by the one that is planned.",
)
@output_option("text", ("text", "json"))
@click.option("--lease", metavar="[NS/]NAME", help="Work only while this Lease is held, else stand by.")
@click.option(
    "--lease-duration",
    type=int,
    default=15,
    show_default=True,
    metavar="SECONDS",
    help="Seconds without a renewal after which another process may take the Lease.",
)
@click.option(
    "--lease-renew-deadline",
    type=float,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Seconds without a renewal after which this process stops to write.",
)
@click.option(
    "--lease-retry-period",
    type=float,
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Seconds between two tries to renew or to take the Lease.",
)
@click.option("--lease-identity", metavar="TEXT", help="Name of this process in the Lease; no other may have it.")
@click.option(
    "--shards",
    type=click.IntRange(min=1),
    metavar="N",
    help="Divide the parents among several processes, by N Leases NAME-0-of-N and so on.",
)
@click.option(
    "--shard-identity",
    type=click.IntRange(min=0),
    metavar="I",
    help="Shard that this process prefers.  [default: number at the end of the host's name]",
)
@click.option(
    "--takeover-after",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Seconds after which any process takes a shard that nobody holds.",
)
@click.option(
    "--accept-changes",
    is_flag=True,
    help="Run also where another build of a controller ran last, and this one would change many children.",
)
@click.option(
    "--listen", default="", metavar="[HOST]:PORT", help="Answer /metrics, /healthz and /readyz here, as :8080."
)
@click.option(
    "--log-format",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How lines are logged to stderr.",
)
@click.option("--no-events", "events", flag_value=False, default=True, help="Write no Events.")
@added(*CONNECTION, VERBOSITY)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    operators: tuple[Path, ...],
    folder: str | None,
    *,
    namespaces: tuple[str, ...],
    verbosity: int,
    **options: Any,
) -> int:
    """Run the controllers that Python files define, or keep a folder of manifests in the cluster.

    SIGTERM and SIGINT end it: what runs has 20 s to end. A second one ends it at once. Of several processes with the
    same --lease one works; when it has lost the Lease it ends with exit code 3, and is to be started again.

    It ends with exit code 4 where a controller is another build than the one that ran last, and would change more than
    10 children and more than 20 % of all: see whether that is meant, and start it with --accept-changes.
    """
    if bool(operators) == (folder is not None):
        raise UsageError("Give Python files with controllers, or -f with a folder of manifests.", code="GR102")
    from genreconcile.cli import logs, session
    from genreconcile.controllers import program

    is_release, accepts = options.pop("release"), options.pop("accept_changes")
    is_plan, output, name = options.pop("is_plan"), options.pop("output"), options.pop("as_controller")
    if not is_plan and ctx.get_parameter_source("output") is not ParameterSource.DEFAULT:
        raise UsageError("-o goes with --plan.", code="GR102")
    if not is_plan and name is not None:
        raise UsageError("--as-controller goes with --plan.", code="GR102")
    if is_plan and is_release:
        raise UsageError("--plan and --release exclude each other; give one.", code="GR102")
    told = {name: options.pop(name) for name in ("listen", "events")}
    lease = _lease(ctx, **{name: options.pop(name) for name in _OF_LEASES})
    of_set = {name: options.pop(name) for name in _OF_SETS}
    logs.set_up(verbosity if is_plan else max(verbosity, 1), options.pop("log_format"))
    if folder is None:
        _require_no_set(ctx)
    sources = [_set_of(folder, **of_set)] if folder is not None else controllers_of(operators)
    cluster = session.connect(Connection(**options))
    if is_release:
        return _release(sources, cluster, namespaces)
    if is_plan:
        sources = sources if name is None else [_named(sources, name)]
        return _plan(sources, cluster, namespaces, output, accepts=accepts)
    program.run(*sources, cluster=cluster, namespaces=namespaces or None, lease=lease, accept_changes=accepts, **told)
    return exits.CONVERGED


def _plan(
    sources: Sequence[Source], cluster: Cluster, namespaces: tuple[str, ...], output: str, *, accepts: bool
) -> int:
    """Print what would be done. Nobody can tell: 2; a controller would not run: 4; something: 1; nothing: 0."""
    from genreconcile.controllers.planning import missing_rights, planned
    from genreconcile.report.operators import render_operators

    logging.getLogger("genreconcile.apply").setLevel(logging.WARNING)  # It tells of writes, which are none here.
    found = planned(sources, cluster, namespaces or None, accept_changes=accepts)
    missing = missing_rights(found, cluster)
    click.echo(render_operators(found, missing, output), nl=False)
    if not all(one.is_judged for one in found):
        return exits.UNKNOWN
    if any(one.refusal for one in found):
        return exits.REFUSED
    return exits.DIFFERENCES if any(one.has_changes for one in found) else exits.CONVERGED


def _named(sources: Sequence[Source], name: str) -> Source:
    from genreconcile.controllers.controller import Controller

    if len(sources) != 1 or not isinstance(sources[0], Controller):
        raise UsageError("--as-controller goes with one controller.", code="GR102")
    return sources[0].named(name)


def _release(sources: Iterable[Source], cluster: Cluster, namespaces: tuple[str, ...]) -> int:
    from genreconcile.controllers.controller import Controller
    from genreconcile.controllers.release import release

    controllers = [source for source in sources if isinstance(source, Controller)]
    if not controllers:
        raise UsageError("--release goes with controllers: a set puts no finalizers on.", code="GR102")
    failed = release(controllers, cluster, namespaces or None)
    for text in failed:
        click.echo(shown(text), err=True)
    return exits.DIFFERENCES if failed else exits.CONVERGED


def _lease(ctx: click.Context, *, lease: str | None, **settings: Any) -> Lease | None:
    """The Lease that options describe. Raises UsageError for an option without --lease, InputError."""
    if lease is None:
        for parameter in ctx.command.params:
            is_given = ctx.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT
            if parameter.name in settings and is_given:
                raise UsageError(f"{parameter.opts[-1]} goes with --lease.", code="GR102")
        return None
    if settings["shards"] is None and ctx.get_parameter_source("takeover_after") is not ParameterSource.DEFAULT:
        raise UsageError("--takeover-after goes with --shards.", code="GR102")
    from genreconcile.election import Lease

    return Lease.parse(lease, **{name.removeprefix("lease_"): value for name, value in settings.items()})


def _set_of(folder: str, *, name: str | None, **settings: Any) -> Source:
    from genreconcile.controllers import sets

    if bool(settings["delete_from_namespace"]) != (settings["delete_selector"] is not None):
        raise UsageError("--delete-from-namespace and --delete-selector go together; give both or none.", code="GR102")
    return sets.folder(folder, name=name or "folder", **settings)


def _require_no_set(ctx: click.Context) -> None:
    """Raise UsageError for an option that says something of the set of -f alone."""
    for parameter in ctx.command.params:
        is_given = ctx.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT
        if parameter.name in _OF_SETS and is_given:
            raise UsageError(f"{parameter.opts[-1]} goes with -f; a controller says it in its own file.", code="GR102")


def controllers_of(operators: Iterable[Path]) -> list[Source]:
    """The controllers and sets of Python files, each once. Raises UsageError where there is none."""
    from genreconcile.controllers.program import SOURCES

    found: dict[int, Source] = {}
    for path in operators:
        here = {id(value): value for value in vars(_imported(path)).values() if isinstance(value, SOURCES)}
        if not here:
            raise UsageError(
                f"{path} defines no controller; decorate a function with gr.controller(...).", code="GR103"
            )
        found |= here
    return list(found.values())


def _imported(path: Path) -> ModuleType:
    """The module of a file, which may import those beside it, as if Python ran it. Raises UsageError."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file.", code="GR103")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # At the end: a file named as a module of Python's own must not hide it.
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - the file is the user's
        own = _from_file(error.__traceback__, spec.origin or "")
        if isinstance(error, ReconcileError) and own is not None:  # A setting that cannot be meant.
            line = _lines_in(own, spec.origin or "")[-1]
            raise UsageError(f"{path}:{line}: {error}.", code=code_of(error)) from None
        # Whole, with its message: nothing of a cluster is known yet.
        click.echo("".join(traceback.format_exception(error.with_traceback(own))), err=True, nl=False)
        raise UsageError(f"{path} cannot be imported: {type(error).__name__}.", code="GR103") from None
    return module


def _from_file(trace: TracebackType | None, file: str) -> TracebackType | None:
    """The part of a traceback that begins in this file; None where none of it does, as where it is no Python."""
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    return trace


def _lines_in(trace: TracebackType, file: str) -> list[int]:
    """The lines of a traceback that are in this file, the innermost last."""
    return [line for frame, line in traceback.walk_tb(trace) if frame.f_code.co_filename == file]
