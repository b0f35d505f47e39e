"""``genreconcile run``: controllers of Python files, or a folder that is kept, until the process is told to stop.

Invariant: an option that would have no effect is refused.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
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
)

if TYPE_CHECKING:
    from genreconcile.cluster import Cluster
    from genreconcile.controllers.program import Source

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
    help="detect: say what would be done to the set of -f, and write nothing.",
)
@click.option(
    "--watch-namespace", "namespaces", multiple=True, metavar="NS", help="Watch this namespace alone. Repeatable."
)
@click.option(
    "--release",
    is_flag=True,
    help="Run nothing: take the finalizers off the parents, whose children stay; to uninstall.",
)
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

    SIGTERM and SIGINT end it: what runs has 20 s to end. A second one ends it at once.
    """
    if bool(operators) == (folder is not None):
        raise click.UsageError("Give Python files with controllers, or -f with a folder of manifests.")
    from genreconcile.cli import logs, session
    from genreconcile.controllers import program

    is_release = options.pop("release")
    of_set = {name: options.pop(name) for name in _OF_SETS}
    logs.set_up(max(verbosity, 1))
    sources = [_set_of(folder, **of_set)] if folder is not None else _controllers_of(operators, ctx)
    if is_release:
        return _release(sources, session.connect(Connection(**options)), namespaces)
    program.run(*sources, cluster=session.connect(Connection(**options)), namespaces=namespaces or None)
    return exits.CONVERGED


def _release(sources: Iterable[Source], cluster: Cluster, namespaces: tuple[str, ...]) -> int:
    from genreconcile.controllers.controller import Controller
    from genreconcile.controllers.release import release

    controllers = [source for source in sources if isinstance(source, Controller)]
    if not controllers:
        raise click.UsageError("--release goes with controllers: a set puts no finalizers on.")
    failed = release(controllers, cluster, namespaces or None)
    for text in failed:
        click.echo(text, err=True)
    return exits.DIFFERENCES if failed else exits.CONVERGED


def _set_of(folder: str, *, name: str | None, **settings: Any) -> Source:
    from genreconcile.controllers import sets

    if bool(settings["delete_from_namespace"]) != (settings["delete_selector"] is not None):
        raise click.UsageError("--delete-from-namespace and --delete-selector go together; give both or none.")
    return sets.folder(folder, name=name or "folder", **settings)


def _controllers_of(operators: Iterable[Path], ctx: click.Context) -> list[Source]:
    """The controllers and sets of Python files, each once. Raises UsageError where there is none."""
    from genreconcile.controllers.program import SOURCES

    for parameter in ctx.command.params:
        is_given = ctx.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT
        if parameter.name in _OF_SETS and is_given:
            raise click.UsageError(f"{parameter.opts[-1]} goes with -f; a controller says it in its own file.")
    found: dict[int, Source] = {}
    for path in operators:
        here = {id(value): value for value in vars(_imported(path)).values() if isinstance(value, SOURCES)}
        if not here:
            raise click.UsageError(f"{path} defines no controller; decorate a function with gr.controller(...).")
        found |= here
    return list(found.values())


def _imported(path: Path) -> ModuleType:
    """The module of a file, which may import those beside it, as if Python ran it. Raises UsageError."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise click.UsageError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # At the end: a file named as a module of Python's own must not hide it.
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - the file is the user's
        # Whole, with its message: nothing of a cluster is known yet.
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        raise click.UsageError(f"{path} cannot be imported: {type(error).__name__}.") from None
    return module
