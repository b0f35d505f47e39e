"""Sets without a parent: a folder of manifests, or a function without arguments, that are kept as they say.

Invariant: a set that cannot be read as a whole changes nothing in the cluster.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from genreconcile.arguments import (
    ABSENT,
    Absent,
    Fields,
    OwnerTool,
    misfit,
    refused,
    require_callable,
    require_choice,
    require_flag,
    require_seconds,
)
from genreconcile.controllers.outcome import Stated
from genreconcile.controllers.retry import Retry
from genreconcile.controllers.running import Inline
from genreconcile.controllers.settings import require_controller_name
from genreconcile.errors import InputError, LoadError
from genreconcile.manifests import load
from genreconcile.manifests.sources import files_of
from genreconcile.normalize import Registry, require_registry
from genreconcile.ownership import controller_tool
from genreconcile.settings import Prune, Selector, Settings

Mode = Literal["enforce", "detect"]
Signature = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSet:
    """One set: ``read`` gives its objects, ``signature`` something that differs when they may have changed; both raise
    LoadError. ``settings`` are those of ``Reconciler.reconcile``. ``mode`` detect changes nothing.
    """

    name: str
    read: Callable[[], Stated]
    signature: Callable[[], Signature]
    settings: Mapping[str, Any]
    mode: Mode = "enforce"
    resync: float = 36000.0
    rules: Registry | None = None

    def __post_init__(self) -> None:
        require_controller_name(self.name)
        require_choice("mode", self.mode, Mode)
        require_seconds("resync", self.resync, zero=False)
        require_registry(self.rules)
        _ = self.prune  # Raises InputError or LoadError for what cannot be meant.

    @property
    def prune(self) -> Prune:
        """What is to be deleted."""
        return Settings(**self.settings).prune

    @property
    def field_manager(self) -> str:
        """The manager of all that is written for this set."""
        return controller_tool(self.name)


def folder(  # noqa: PLR0913 - keyword-only settings, each with a default
    path: str | PathLike[str],
    *,
    name: str,
    recursive: bool = False,
    namespace: str = "",
    delete_from_namespace: str | Absent | None = ABSENT,
    delete_selector: Selector | Absent | None = ABSENT,
    owner: str = "",
    owner_tool: OwnerTool = "genreconcile",
    fields: Fields = "exact",
    max_deletions: int | None = None,
    delete_kinds: Iterable[str] = (),
    mode: Mode = "enforce",
    resync: float = 36000.0,
    rules: Registry | None = None,
) -> ExpectedSet:
    """A folder of manifests, or one file, that ``run`` keeps in the cluster: it runs when files change, when an object
    of the set drifts, and every ``resync`` seconds. A symlink may be put in the place of another one, as git-sync does.

    ``name`` is as of ``controller``. ``mode="detect"`` tells what it would do, in the log and by Events, and changes
    nothing. The other arguments are as in ``Reconciler.plan``. A folder that is empty is an error, and nothing is
    deleted for it. Raises InputError and LoadError.
    """
    require_flag("recursive", recursive)
    if not isinstance(path, str | PathLike):
        raise refused("path", path, "is no path; give a file or a folder of manifests")
    place = Path(path)
    settings = {
        "namespace": namespace,
        "delete_from_namespace": delete_from_namespace,
        "delete_selector": delete_selector,
        "owner": owner,
        "owner_tool": owner_tool,
        "fields": fields,
        "max_deletions": max_deletions,
        "delete_kinds": tuple(delete_kinds),
    }
    return ExpectedSet(
        name=name,
        read=lambda: Stated(list(load([place], recursive=recursive))),
        signature=lambda: _signature(place, recursive=recursive),
        settings=settings,
        mode=mode,
        resync=resync,
        rules=rules,
    )


def callable(  # noqa: A001 - users write gr.callable
    function: Callable[[], Iterable[Mapping[str, Any] | Retry]],
    *,
    name: str,
    mode: Mode = "enforce",
    resync: float = 36000.0,
    rules: Registry | None = None,
    **settings: Any,
) -> ExpectedSet:
    """A function without arguments that states a set, which ``run`` keeps: it runs at the start, when an object of the
    set drifts, and every ``resync`` seconds. It may be ``async``. Where it raises, nothing is written; after a
    ``gr.Retry``, which says when it runs again, what it has yielded before is applied, and nothing is deleted.

    Arguments as of ``folder``; ``settings`` are those of ``Reconciler.plan``. Raises InputError and LoadError.
    """
    require_callable("function", function, "give a function without arguments")
    if why := misfit(function):
        raise refused("function", function, f"needs arguments: {why}; give a function without")
    unknown = settings.keys() - (Settings.__dataclass_fields__.keys() - {"not_older_than"})
    if unknown:
        raise InputError(f"{min(unknown)}: not usable: no setting has this name; see Reconciler.plan", code="GR110")

    def read() -> Stated:
        return Inline().run(name, function)

    return ExpectedSet(name=name, read=read, signature=tuple, settings=settings, mode=mode, resync=resync, rules=rules)


def _signature(place: Path, *, recursive: bool) -> Signature:
    """The files behind a path, each as it is now. Raises LoadError."""
    try:
        real = os.path.realpath(place)
        found = [(str(file), _stat(file)) for file in files_of(place, recursive=recursive)]
    except OSError as error:
        raise LoadError(f"{place}: cannot be read: {error.strerror}; check the path", code="GR201") from error
    return (real, *found)


def _stat(file: Path) -> tuple[int, ...]:
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
