"""Operators of one purpose, ours and others', from parents without children to drift that was repaired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, Missing, hold, of_fewer
from benchmarks.contests import python_peer
from benchmarks.ground import Ground
from benchmarks.operating import UNITS, WORKERS, Extent, run

RUNTIME, KOPF, METACONTROLLER = "controller-runtime", "kopf", "metacontroller"
_PARENTS, _OF_KOPF, _PARENTS_QUICK = 2000, 500, 20
_EVENTS = 1000
_EDITS, _WARM, _EDITS_QUICK = 500, 10, 6
_IDLE, _IDLE_QUICK = 60.0, 1.0
_QUIET, _QUIET_QUICK = 2.0, 0.5
_MOST = 3
"""Repetitions; one takes minutes."""


def measure(ground: Ground) -> list[Entry]:
    """An entry for each figure of a run."""
    count = extent(ground, _PARENTS).parents
    few = min(_OF_KOPF, count)
    others = [
        python_peer(ground, of_fewer(KOPF, few, count, "parents"), _run(ground, _python(ground, "kopf"), few)),
        Contender(METACONTROLLER, _not_to_be_had),
    ]
    return named("operators", contest(ground, count, others))


def contest(ground: Ground, count: int, others: Sequence[Contender] = ()) -> list[Entry]:
    """The entries of a contest with so many parents; the ``others`` are left out where it has been held already."""
    contenders = [
        Contender(OURS, _run(ground, _python(ground, "ours"), count)),
        Contender(RUNTIME, _run(ground, _go(ground), count)),
        *others,
    ]
    found: list[Entry] = ground.once(
        ("operators", count), lambda: hold(UNITS, count, contenders, min(_MOST, ground.repetitions))
    )
    return found


def named(name: str, entries: Sequence[Entry], contenders: Sequence[str] = ()) -> list[Entry]:
    """The entries ``<name>_<figure>``, of these contenders alone where some are given."""
    return [
        replace(
            entry,
            name=f"{name}_{entry.name}",
            samples={who: found for who, found in entry.samples.items() if who in contenders or not contenders},
            missing={who: why for who, why in entry.missing.items() if who in contenders or not contenders},
        )
        for entry in entries
    ]


def extent(ground: Ground, count: int) -> Extent:
    """What a run with ``count`` parents does; less where this can only be a test of the harness."""
    if ground.is_quick:
        return Extent(_PARENTS_QUICK, _PARENTS_QUICK, _EDITS_QUICK, 1, _IDLE_QUICK, _QUIET_QUICK)
    return Extent(min(count, ground.size), min(count, _EVENTS), _EDITS, _WARM, _IDLE, _QUIET)


def _run(ground: Ground, command: Callable[[str], Sequence[str]], count: int) -> Callable[[], Figures]:
    return lambda: run(ground, command, extent(ground, count))


def _python(ground: Ground, name: str) -> Callable[[str], Sequence[str]]:
    return lambda namespace: processes.worker(f"operator_{name}", *_where(ground, namespace))


def _go(ground: Ground) -> Callable[[str], Sequence[str]]:
    return lambda namespace: ground.peers.beside("operator", *_where(ground, namespace))


def _where(ground: Ground, namespace: str) -> tuple[object, ...]:
    return "--workers", WORKERS, "--kubeconfig", ground.counted, "--namespace", namespace


def _not_to_be_had() -> Figures:
    raise Missing("it was not built: the Go module proxy did not serve its module")
