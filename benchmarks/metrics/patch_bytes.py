"""Bytes on the wire, bodies alone, for one changed field."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground
from benchmarks.populate import populate
from benchmarks.workload import deployments

_CONTENDERS = ((OURS, "ours"), ("PUT", "put"), ("server-side apply", "apply"))
"""With the name of the figure that the worker prints."""


def measure(ground: Ground) -> list[Entry]:
    """One entry; each repetition changes an object that nobody has changed yet."""
    namespace = ground.namespace("bytes")
    populate(ground.server, deployments(ground.repetitions * len(_CONTENDERS), namespace))
    indexes = itertools.count()

    def bytes_of(figure: str) -> Callable[[], Figures]:
        def run() -> Figures:
            where = ("--kubeconfig", ground.kubeconfig, "--namespace", namespace, "--index", next(indexes))
            return {"patch_bytes": processes.run(processes.worker("patch_bytes", *where))[figure]}

        return run

    contenders = [Contender(name, bytes_of(figure)) for name, figure in _CONTENDERS]
    return hold({"patch_bytes": "bytes"}, 1, contenders, ground.repetitions)
