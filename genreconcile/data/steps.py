"""What says how an object is, step by step: ``readiness.yaml``, and the key ``readiness`` of rule sets.

Invariant: a step that cannot be meant is refused. A path is a JSON pointer from the object's root, or, without its
first slash, leads from the member that ``each`` has come to; ``.`` is that member itself. A kind is ``Kind.group``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, field

from genreconcile.data.shapes import Entry, File
from genreconcile.structs import known

State = Literal["Current", "InProgress", "Failed", "Terminating", "NotFound", "Unknown"]
Decided = Literal["Current", "InProgress", "Failed", "Terminating", "Unknown"]
Profile = Literal["wait", "kstatus"]
TypeName = Literal["text", "whole", "number", "flag", "map", "list", "null", "missing"]
Path = Annotated[str, Meta(min_length=1)]
Text = Annotated[str, Meta(min_length=1)]
Seconds = Annotated[float, Meta(gt=0)]

_PLACES: Final = ("at", "condition", "silent", "cel")
_OF_VALUES: Final = ("in_", "not_in", "present")
_OF_PATHS: Final = (*_OF_VALUES, "type", "not_type", "equals", "differs", "above", "below", "younger")


class Less(Entry, frozen=True):
    """The whole number at a path, less that at another one."""

    at: Path
    minus: Path


class Test(Entry, frozen=True):
    """One condition: a place, and what holds there.

    ``at`` is a path, ``condition`` a type in ``/status/conditions``, of which some member has the status and the
    ``reason``; ``silent``: the schema of this custom kind says that its controller tells how an object is, and it has
    not; ``cel`` is an expression over ``self``. ``in``, ``notIn`` and ``present`` are those of rules. ``type`` and
    ``notType`` say what JSON has there. ``equals``, ``differs``, ``above`` and ``below`` compare with another path or
    a whole number. ``younger``: the time there is less than so many seconds ago.
    """

    at: Path | None = None
    condition: Text | None = None
    silent: bool | None = None  # msgspec before 0.20 knows no Literal[True].
    cel: Text | None = None
    in_: tuple[Any, ...] | None = field(default=None, name="in")
    not_in: tuple[Any, ...] | None = None
    present: bool | None = None
    reason: tuple[str, ...] | None = None
    type: tuple[TypeName, ...] | None = None
    not_type: tuple[TypeName, ...] | None = None
    equals: Path | int | Less | None = None
    differs: Path | int | Less | None = None
    above: Path | int | Less | None = None
    below: Path | int | Less | None = None
    younger: Seconds | None = None

    def __post_init__(self) -> None:
        places = self._given(_PLACES)
        if len(places) != 1:
            raise ValueError("give exactly one of at, condition, silent or cel")
        if self.silent is False:
            raise ValueError("silent can only be true")
        allowed = {"at": _OF_PATHS, "condition": _OF_VALUES}.get(places[0], ())
        given = self._given(_OF_PATHS)
        if len(given) != bool(allowed) or not set(given) <= set(allowed):
            raise ValueError(f"{places[0]} goes with {f'one of {_listed(allowed)}' if allowed else 'nothing else'}")
        if self.reason is not None and (self.condition is None or self.in_ is None):
            raise ValueError("reason goes with condition and in")

    def _given(self, keys: tuple[str, ...]) -> list[str]:
        return [key for key in keys if getattr(self, key) is not None]


def _listed(keys: tuple[str, ...]) -> str:
    names = {"in_": "in", "not_in": "notIn", "not_type": "notType"}
    return ", ".join(names.get(key, key) for key in keys)


class Step(Entry, frozen=True):
    """Where all of ``when`` hold: the ``state`` of the object, or ``steps`` that go on, for each member of the list at
    ``each`` in turn. ``reason`` and ``message`` may have paths in braces. ``profile``: in that one alone, and then
    ``id`` names the difference and ``why`` gives its reason.
    """

    when: Test | tuple[Test, ...] = ()
    state: Decided | None = None
    reason: Text | None = None
    message: Text | None = None
    warning: Text | None = None
    each: Path | None = None
    steps: tuple[Step, ...] = ()
    profile: Profile | None = None
    id: Text | None = None
    why: Text | None = None

    def __post_init__(self) -> None:
        if (self.state is None) != bool(self.steps):
            raise ValueError("give state or steps")
        if self.state is None and (self.reason or self.message or self.warning):
            raise ValueError("reason, message and warning go with state")
        if self.each is not None and self.state is not None:
            raise ValueError("each goes with steps")
        if (self.profile is None) != (self.why is None) or (self.profile is None) != (self.id is None):
            raise ValueError("profile, id and why go together")

    @property
    def tests(self) -> tuple[Test, ...]:
        """The conditions of ``when``."""
        return (self.when,) if isinstance(self.when, Test) else self.when

    @property
    def decides(self) -> bool:
        """Whether no step behind this one is ever reached, in any profile."""
        if self.when or self.profile or self.each:
            return False
        return self.state is not None or any(step.decides for step in self.steps)


class OfKinds(Entry, frozen=True):
    """How objects of some kinds are. ``defaults``: what a path counts as where it has no value of this one's type.
    ``makes`` are the kinds (``group/version/Kind``) of what their controllers make for them.
    """

    id: Text
    kinds: tuple[str, ...]
    steps: tuple[Step, ...]
    defaults: tuple[tuple[Path, int | str], ...] = ()
    makes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_end(self.steps)


class Readiness(File, frozen=True):
    """``readiness.yaml``. ``by_later`` are the kinds of objects that become ready by those of later waves."""

    name = "readiness.yaml"

    always: tuple[Step, ...]
    declared: tuple[Step, ...]
    kinds: tuple[OfKinds, ...]
    others: tuple[Step, ...]
    by_later: frozenset[str]

    def __post_init__(self) -> None:
        _require_end(self.others)


def _require_end(steps: tuple[Step, ...]) -> None:
    if not any(step.decides for step in steps):
        raise ValueError("the steps leave objects without a state; end with a step that has no when")


class Selects(Entry, frozen=True):
    """The objects that a user's rule is about; texts may have ``*``."""

    kind: Text
    group: str = "*"
    namespace: str = "*"
    name: str = "*"
    labels: Mapping[str, str] = field(default_factory=dict)


class Trial(Entry, frozen=True):
    """A test beside a user's rule: an object and the state that it is to have at ``now``, by default far in the
    future.
    """

    object: Mapping[str, Any]
    state: State
    reason: Text | None = None
    name: Text | None = None
    now: Text | None = None


class ReadinessRule(Entry, frozen=True):
    """One entry of ``readiness`` in a rule set; an object that no step decides goes on to what is shipped."""

    id: Text
    object: Selects
    steps: Annotated[tuple[Step, ...], Meta(min_length=1)]
    defaults: tuple[tuple[Path, int | str], ...] = ()
    tests: tuple[Trial, ...] = ()
    why: Text | None = None


known(Readiness, ReadinessRule)
