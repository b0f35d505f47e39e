"""What one run of a function came to.

Invariant: only a run that ended normally states the whole set; of any other, nothing is deleted.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genreconcile.controllers.retry import Retry
from genreconcile.copying import copied
from genreconcile.errors import InputError
from genreconcile.objects import Object


@dataclass(slots=True)
class Stated:
    """The children that a function stated, and the Retry with which it ended or that it yielded, None without one."""

    children: list[Object] = field(default_factory=list)
    retry: Retry | None = None

    @property
    def is_whole(self) -> bool:
        """Whether what is not stated shall not exist."""
        return self.retry is None

    def take(self, found: Any) -> None:
        """Take one thing that the function yielded. Raises InputError for what is no object."""
        if isinstance(found, Retry):
            if self.retry is None or found.after < self.retry.after:
                self.retry = found
        elif isinstance(found, Mapping):
            self.children.append(_own(dict(found)))  # The function may go on to change it, for the next one.
        else:
            raise InputError(
                f"the function yielded {_shown(found)}; yield objects as dicts, or gr.Retry(seconds)", code="GR901"
            )


def collected(found: Any) -> Stated:
    """What a function returned, all of it. Raises what the function raises, but Retry; InputError."""
    stated = Stated()
    try:
        for one in _iterated(found):
            stated.take(one)
    except Retry as retry:
        stated.take(retry)
    return stated


async def collected_async(found: Any) -> Stated:
    """As ``collected``, of what an ``async`` function returned: a coroutine, or an asynchronous generator."""
    stated = Stated()
    try:
        if inspect.isasyncgen(found) or hasattr(found, "__aiter__"):
            async for one in found:
                stated.take(one)
        else:
            for one in _iterated(await found):
                stated.take(one)
    except Retry as retry:
        stated.take(retry)
    return stated


def _own(child: Object) -> Object:
    """A copy; a child that holds itself, or is nested too deeply, as it is: the later check refuses it."""
    try:
        own: Object = copied(child)
    except RecursionError:
        return child
    return own


def _iterated(found: Any) -> Iterable[Any]:
    """An empty set means that nothing shall exist, so it must be said: None is a forgotten return."""
    if found is None:
        raise InputError("the function returned nothing; yield objects, or return a list, [] for none", code="GR901")
    if isinstance(found, Mapping | str | bytes) or not isinstance(found, Iterable):
        raise InputError(
            f"the function returned {_shown(found)}; yield objects, or return a list of them", code="GR901"
        )
    return found


def _shown(found: Any) -> str:
    """The type alone: a value may hold a secret."""
    return "one object" if isinstance(found, Mapping) else f"a {type(found).__name__}"
