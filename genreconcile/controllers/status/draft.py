"""The status that a run gives its parent → the operations of a JSON patch.

Invariant: pure; computed again from the patched object there are no operations.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from genreconcile.controllers.status.conditions import AT, Condition, Conditions, of_run, of_verdict
from genreconcile.controllers.status.keys import Keys, Owned
from genreconcile.controllers.status.operations import STATUS, Operation, Operations
from genreconcile.controllers.status.room import CONDITIONS, OBSERVED, Room, fitted
from genreconcile.controllers.status.verdict import Verdict
from genreconcile.errors import InputError
from genreconcile.normalize.compiled import Child
from genreconcile.pointer import join_pointer

_APART: Final = frozenset({CONDITIONS, OBSERVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a function for a parent. ``keys`` is its ``ctx.status``, None where it did not end normally, and
    ``generation`` that of the parent it saw, None where the kind has none or the function did not run. ``keeps``: keys
    and conditions of earlier runs that are not among ``keys`` stay.
    """

    verdict: Verdict
    generation: int | None = None
    keys: Mapping[str, Any] | None = field(default=None, repr=False)
    keeps: bool = False

    @property
    def observes(self) -> bool:
        """Whether the whole status is of the generation that the function saw: readers take one that stalled for one
        that goes on while the observed generation is an older one.
        """
        return self.generation is not None and (self.keys is not None or self.verdict.stalled is not None)

    def without_keys(self, error: Exception) -> Run:
        """The run whose keys are refused: they stay as they are, and a condition says why, unless one that stalled
        says more.
        """
        verdict = Verdict.failed(str(error)) if self.verdict.stalled is None else self.verdict
        return replace(self, verdict=verdict, keys=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The ``operations`` of the patch, none where nothing is to be written.

    ``left_out`` are the paths that the schema has no room for, ``foreign`` those that another manager wrote and that
    stay, ``refused`` is the error of a value that the schema refuses, None without one.
    """

    operations: list[Operation] = field(repr=False)
    left_out: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    refused: InputError | None = None


def draft(live: Mapping[str, Any], run: Run, room: Room, field_manager: str, now: dt.datetime) -> Draft:
    """The patch for the live parent, which needs its managedFields. ``now`` has a time zone."""
    try:
        return _drafted(live, run, room, field_manager, now)
    except InputError as error:
        refused = error
    except RecursionError:
        refused = InputError(
            f"/{STATUS}: nested too deeply; give less", f"/{STATUS}", is_free_of_values=True, code="GR904"
        )
    return replace(_drafted(live, run.without_keys(refused), room, field_manager, now), refused=refused)


def _drafted(live: Mapping[str, Any], run: Run, room: Room, field_manager: str, now: dt.datetime) -> Draft:
    """As ``draft``. Raises InputError for a value that the schema refuses."""
    if room.status is None:
        return Draft(operations=[])
    keys, conditions, left_out = _fitted(run, room, room.status)
    change = _Change(live, run, room, Owned(live, field_manager), moment(now))
    if keys is not None:
        change.keys(keys, room.status)
    foreign = [*change.observed(), *change.conditions(conditions)]
    return Draft(operations=change.operations.all(), left_out=tuple(left_out), foreign=tuple(foreign))


def moment(now: dt.datetime) -> str:
    """A time as Kubernetes writes it: RFC 3339, UTC, whole seconds."""
    return now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fitted(run: Run, room: Room, status: Child) -> tuple[dict[str, Any] | None, list[Condition], list[str]]:
    """The keys and conditions of the function as far as there is room, and the paths without room."""
    if run.keys is None:
        return None, [], []
    if OBSERVED in run.keys:
        path = join_pointer((STATUS, OBSERVED))
        raise InputError(
            f"{path}: the controller itself sets it; name another key", path, is_free_of_values=True, code="GR904"
        )
    keys, left_out = fitted({key: value for key, value in run.keys.items() if key != CONDITIONS}, status)
    conditions = of_run(run.keys.get(CONDITIONS, []))
    if conditions and not room.members:
        left_out.append(join_pointer(AT))
    return keys, conditions, left_out


class _Change:
    """The change of one live status for one run; methods return the paths that stay, for others wrote them."""

    def __init__(self, live: Mapping[str, Any], run: Run, room: Room, owned: Owned, now: str) -> None:
        status = live.get(STATUS)
        self._status: Mapping[str, Any] = status if isinstance(status, Mapping) else {}
        self._run = run
        self._room = room
        self._owned = owned
        self._now = now
        self.operations = Operations(live)

    def keys(self, wanted: Mapping[str, Any], child: Child) -> None:
        """The keys of the run."""
        apart = frozenset(self._status) if self._run.keeps else _APART
        Keys(self._owned, self.operations).draft(wanted, self._status, child, (STATUS,), apart)

    def observed(self) -> list[str]:
        """The generation of the whole status."""
        place, generation = (STATUS, OBSERVED), self._run.generation
        if not self._room.observed or not self._run.observes or self._status.get(OBSERVED) == generation:
            return []
        if self._owned.is_of_others(place) and not self._owned.is_ours(place):
            return [join_pointer(place)]
        self.operations.test(place, self._status.get(OBSERVED))
        self.operations.set(place, generation)
        return []

    def conditions(self, of_function: list[Condition]) -> list[str]:
        """The conditions of the controller, and those of its function."""
        live = self._status.get(CONDITIONS)
        if not self._room.members or not isinstance(live, list | None):
            return []
        conditions = Conditions(
            live=live or [], owned=self._owned, room=self._room, generation=self._run.generation, now=self._now
        )
        wanted = [*of_verdict(self._run.verdict, live), *of_function]
        if live is not None:
            complete = self._run.keys is not None and not self._run.keeps
            return [join_pointer((*AT, kind)) for kind in conditions.draft(wanted, self.operations, complete=complete)]
        self.operations.test(AT, None)
        self.operations.set(AT, [conditions.made(condition) for condition in wanted])
        return []
