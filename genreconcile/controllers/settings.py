"""What the author of a controller decides, checked when the function is decorated.

Invariant: what cannot be meant is refused by an InputError that names the argument.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from genreconcile.arguments import (
    Fields,
    OnImmutable,
    refused,
    require_choice,
    require_name,
    require_seconds,
    require_text,
    require_whole,
    texts,
)
from genreconcile.normalize import Registry, require_registry
from genreconcile.objects import GVK, require_kind
from genreconcile.ownership import EVERYWHERE, LONGEST_CONTROLLER, controller_tool
from genreconcile.selector import ParsedSelector, parse

Adopt = Literal["never", "unowned"]
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_DOMAIN: Final = "genreconcile.dev/"
_LONGEST_FINALIZER: Final = 63  # A qualified name's part after the slash.
_DIGEST: Final = 10
_QUALIFIED: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerSettings:
    """See ``controller``. ``selector`` is text or a mapping when given, and parsed afterwards."""

    kind: GVK
    name: str
    namespaces: tuple[str, ...] | Literal["*"] | None = None
    selector: ParsedSelector = ParsedSelector()  # noqa: RUF009 - immutable
    workers: int = 4
    resync: float = 36000.0
    fields: Fields = "exact"
    rules: Registry | None = None
    adopt: Adopt = "never"
    max_deletions: int | None = None
    delete_kinds: tuple[str, ...] = ()
    on_immutable: OnImmutable = "fail"
    deadline: float = 60.0
    min_interval: float = 1.0
    finalizer: str | None = None

    def __post_init__(self) -> None:
        require_controller_name(self.name)
        require_whole("workers", self.workers, 1)
        require_seconds("resync", self.resync, zero=False)
        require_choice("fields", self.fields, Fields)
        require_registry(self.rules)
        require_choice("adopt", self.adopt, Adopt)
        if self.max_deletions is not None:
            require_whole("max_deletions", self.max_deletions, 0)
        require_choice("on_immutable", self.on_immutable, OnImmutable)
        require_seconds("deadline", self.deadline, zero=False)
        require_seconds("min_interval", self.min_interval)
        if self.finalizer is not None:
            require_text("finalizer", self.finalizer)
            if not _QUALIFIED.fullmatch(self.finalizer):
                raise refused("finalizer", self.finalizer, "is no qualified name; write example.com/cleanup")

    @classmethod
    def of(cls, kind: Any, *, namespaces: Any, selector: Any, delete_kinds: Any, **more: Any) -> ControllerSettings:
        """From what the author wrote. Raises InputError, LoadError for a selector that is none."""
        return cls(
            kind=require_kind("kind", kind),
            namespaces=_namespaces(namespaces),
            selector=parse(selector if selector is not None else ""),
            delete_kinds=tuple(texts("delete_kinds", delete_kinds)),
            **more,
        )

    @property
    def field_manager(self) -> str:
        """The manager of all that this controller writes; never the command line's."""
        return controller_tool(self.name)

    @property
    def finalizer_name(self) -> str:
        """The finalizer that a parent carries while it has to be seen to before it goes."""
        return self.finalizer if self.finalizer is not None else self.default_finalizer

    @property
    def default_finalizer(self) -> str:
        """The finalizer of a controller of this name that names none."""
        if len(self.name) <= _LONGEST_FINALIZER:
            return f"{_DOMAIN}{self.name}"
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:_DIGEST]
        return f"{_DOMAIN}{self.name[: _LONGEST_FINALIZER - _DIGEST - 1]}.{digest}"


def _namespaces(namespaces: Any) -> tuple[str, ...] | Literal["*"] | None:
    if namespaces is None:
        return None
    if namespaces == EVERYWHERE:
        return EVERYWHERE
    if not isinstance(namespaces, Iterable):
        raise refused("namespaces", namespaces, 'is no list of names; give a list, or "*"')
    return texts("namespaces", namespaces, _require_one)


def _require_one(name: str, namespace: Any) -> None:
    if namespace == EVERYWHERE:
        raise refused("namespaces", namespace, 'stands in a list; write namespaces="*" for all')
    require_name(name, namespace)


def require_controller_name(name: Any) -> None:
    """Raise InputError for what is no name of a controller."""
    require_text("name", name)
    if not _NAME.fullmatch(name):
        raise refused("name", name, "is no name of a controller; use lower case letters, digits, '-' and '.'")
    if len(name) > LONGEST_CONTROLLER:
        raise refused("name", name, f"is longer than {LONGEST_CONTROLLER} characters; shorten it")
