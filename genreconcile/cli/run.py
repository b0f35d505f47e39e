"""``genreconcile run``: controllers of a Python file, or a folder that is kept, until the process is told to stop."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genreconcile.cli import exits
from genreconcile.cli.options import CONNECTION, VERBOSITY, Connection, added

if TYPE_CHECKING:
    from genreconcile.controllers.program import Source


@click.command("run")
@click.argument("operator", required=False, type=click.Path(exists=True, dir_okay=False), metavar="[OPERATOR.PY]")
@click.option("-f", "--filename", "folder", metavar="PATH", help="File or folder of manifests to keep in the cluster.")
@click.option("-R", "--recursive", is_flag=True, help="Look below the folder as well.")
@click.option("-n", "--namespace", default="", metavar="NS", help="Namespace of objects that name none.")
@click.option("--name", metavar="NAME", help="Name of the set of -f, which its writes carry.  [default: folder]")
@click.option(
    "--delete-from-namespace",
    default="",
    metavar="NS",
    help="Delete from this namespace what --delete-selector matches and the folder does not hold.",
)
@click.option("--delete-selector", metavar="SELECTOR", help="Labels of what may be deleted, as kubectl's -l.")
@click.option("--applyset", "owner", default="", metavar="NAME", help="Parent of the set of -f, as configmaps/shop.")
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
@added(*CONNECTION, VERBOSITY)
def command(  # noqa: PLR0913 - the options
    operator: str | None,
    folder: str | None,
    *,
    recursive: bool,
    namespace: str,
    name: str | None,
    delete_from_namespace: str,
    delete_selector: str | None,
    owner: str,
    max_deletions: int | None,
    mode: Any,
    namespaces: tuple[str, ...],
    verbosity: int,
    **connection: Any,
) -> int:
    """Run the controllers that a Python file defines, or keep a folder of manifests in the cluster.

    SIGTERM and SIGINT end it: what runs has 20 s to end. A second one ends it at once.
    """
    if (operator is None) == (folder is None):
        raise click.UsageError("Give a Python file with controllers, or -f with a folder of manifests.")
    from genreconcile.cli import logs, session
    from genreconcile.controllers import program, sets

    logs.set_up(max(verbosity, 1))
    if operator is not None:
        sources = _sources_of(Path(operator))
    else:
        deletion: dict[str, Any] = {"delete_from_namespace": delete_from_namespace, "delete_selector": delete_selector}
        found = sets.folder(
            folder or "",
            name=name or "folder",
            recursive=recursive,
            namespace=namespace,
            owner=owner,
            max_deletions=max_deletions,
            mode=mode,
            **({} if owner else deletion),
        )
        sources = [found]
    cluster = session.connect(Connection(**connection))
    program.run(*sources, cluster=cluster, namespaces=namespaces or None)
    return exits.CONVERGED


def _sources_of(path: Path) -> list[Source]:
    """The controllers and sets of a Python file, each once. Raises UsageError where there is none."""
    from genreconcile.controllers.program import SOURCES

    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise click.UsageError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {id(value): value for value in vars(module).values() if isinstance(value, SOURCES)}
    if not found:
        raise click.UsageError(f"{path} defines no controller; decorate a function with gr.controller(...).")
    return list(found.values())
