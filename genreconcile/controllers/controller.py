"""The decorator that makes a controller of a function.

Invariant: everything is checked at decoration; the function itself stays callable, for tests.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

from genreconcile.arguments import Fields, OnImmutable, misfit, refused, require_callable
from genreconcile.controllers.context import Context
from genreconcile.controllers.retry import Retry
from genreconcile.controllers.settings import Adopt, ControllerSettings
from genreconcile.normalize import Registry
from genreconcile.objects import Object
from genreconcile.selector import ParsedSelector

Child = Mapping[str, Any] | Retry
"""A child that should exist; or a Retry."""
Stated = Iterable[Child] | AsyncIterator[Child] | Awaitable[Iterable[Child]]
Function = Callable[[Object, Context], Stated]
"""States the whole expected set of one parent; may be a generator, and may be ``async``."""


class Goodbye(Protocol):
    """What runs before a parent goes. Raises Retry to be run again before anything else happens."""

    def __call__(self, parent: Object, ctx: Context, /) -> Awaitable[None] | None:
        """Called with the parent, which has a deletionTimestamp."""


class Controller:
    """A function that states the children of a parent, and how it is run. Made by ``controller``."""

    def __init__(self, function: Function, settings: ControllerSettings) -> None:
        _require_function("function", function)
        self.function = function
        self.settings = settings
        self.goodbye: Goodbye | None = None
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", settings.name)
        self.__module__ = getattr(function, "__module__", __name__)

    def __call__(self, parent: Object, ctx: Context) -> Stated:
        """The function itself."""
        return self.function(parent, ctx)

    def named(self, name: str) -> Controller:
        """The same controller under another name: another's marks, fields and finalizers are its own. Raises
        InputError.
        """
        same = Controller(self.function, replace(self.settings, name=name))
        same.goodbye = self.goodbye
        return same

    def on_delete(self, function: Goodbye) -> Goodbye:
        """Let a function run before a parent of this controller goes; the parent carries a finalizer from then on.

        Raises InputError where there is one already.
        """
        _require_function("on_delete", function)
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise refused(
                "on_delete", function, "yields; let it return nothing, and raise gr.Retry(seconds) to be run again"
            )
        if self.goodbye is not None:
            raise refused("on_delete", function, f"is the second one of the controller {self.settings.name}; have one")
        self.goodbye = function
        return function

    def __repr__(self) -> str:
        return f"<Controller {self.settings.name} of {self.settings.kind}>"


def _require_function(name: str, function: Any) -> None:
    """Raise InputError for what cannot be called with a parent and a Context."""
    if isinstance(function, Controller):
        raise refused(name, function, "is a controller already; decorate its function once more under another name")
    require_callable(name, function, "give a function of the parent and a Context")
    if why := misfit(function, {}, None):
        raise refused(name, function, f"does not take a parent and a Context: {why}")


def controller(  # noqa: PLR0913 - keyword-only settings, each with a default
    kind: str,
    *,
    name: str,
    namespaces: Iterable[str] | Literal["*"] | None = None,
    selector: str | Mapping[str, Any] | ParsedSelector | None = None,
    workers: int = 4,
    resync: float = 36000.0,
    fields: Fields = "exact",
    rules: Registry | None = None,
    adopt: Adopt = "never",
    max_deletions: int | None = None,
    delete_kinds: Iterable[str] = (),
    on_immutable: OnImmutable = "fail",
    deadline: float = 60.0,
    min_interval: float = 1.0,
    finalizer: str | None = None,
) -> Callable[[Function], Controller]:
    """Make a controller of a function that states the objects that should exist for a parent.

    ``kind`` is that of the parents, such as ``example.com/v1/Memcached``. ``name`` is stable: what this controller
    writes carries it; two programs never use one name for different functions. ``selector`` chooses among the parents.
    ``namespaces`` are those in which children may be, beside the parent's own; ``"*"`` for all, and for children
    without a namespace. ``workers`` run at once. ``resync``, ``deadline`` (of one run) and ``min_interval`` (between
    two runs of one parent) are in seconds. ``adopt="unowned"`` takes over objects that are there already and belong to
    nobody. ``max_deletions`` and ``delete_kinds`` are guards as in ``Reconciler.plan``; ``fields`` and ``rules`` are as
    there. ``on_immutable="recreate"`` makes a child anew that differs in a field which the server lets nobody change.
    ``finalizer`` is the name of the finalizer that parents carry where one is needed.

    Raises InputError, and LoadError for a selector that is none.
    """
    settings = ControllerSettings.of(
        kind,
        name=name,
        namespaces=namespaces,
        selector=selector,
        workers=workers,
        resync=resync,
        fields=fields,
        rules=rules,
        adopt=adopt,
        max_deletions=max_deletions,
        delete_kinds=delete_kinds,
        on_immutable=on_immutable,
        deadline=deadline,
        min_interval=min_interval,
        finalizer=finalizer,
    )

    def decorate(function: Function) -> Controller:
        return Controller(function, settings)

    return decorate
