"""Contests of which several metrics read a figure each: they are held once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, Missing, hold
from benchmarks.ground import Ground

SYNC = ("cold_sync", "memory_per_object", "sync_peak")
COMPARE = ("compare_cold", "compare_warm")
_SECONDS, _SECONDS_QUICK = 3.0, 0.5
"""How long a peer compares."""
RAW_PAGES = "raw fetch (Go, paged)"
_PAGES = 500
_ROUNDS = 5
"""How often the same is compared again."""


def synced(ground: Ground) -> list[Entry]:
    """Entries ``cold_sync``, ``memory_per_object`` and ``sync_peak``."""
    entries: list[Entry] = ground.once(SYNC, lambda: _hold_sync(ground))
    return entries


def compared(ground: Ground) -> list[Entry]:
    """Entries ``compare_cold`` and ``compare_warm``."""
    entries: list[Entry] = ground.once(COMPARE, lambda: _hold_compare(ground))
    return entries


def _hold_sync(ground: Ground) -> list[Entry]:
    where = ("--kubeconfig", ground.kubeconfig, "--namespace", ground.populated())
    units = dict(zip(SYNC, ("objects/s", "bytes", "bytes"), strict=True))

    def python(module: str, *more: object) -> Callable[[], Figures]:
        return lambda: _sync_figures(ground, processes.run(processes.worker(module, *where, *more)))

    def go(mode: str, *more: str) -> Callable[[], Figures]:
        return lambda: _sync_figures(ground, ground.peers.run("sync", *where, "--mode", mode, *more))

    def raw_go() -> Figures:
        return {"cold_sync": ground.size / raw_seconds(ground, ground.size)}

    def raw() -> Figures:
        return {"cold_sync": ground.size / processes.run(processes.worker("raw_fetch", *where))["seconds"]}

    contenders = [
        Contender(OURS, python("sync", "--compress", 0, "--stream", 0)),
        Contender("genreconcile, watch_list=True", python("sync", "--compress", 0, "--stream", 1)),
        Contender("raw fetch", raw),
        Contender(RAW_PAGES, raw_go),
        Contender("client-go dynamic", go("dynamic")),
        Contender(
            "client-go dynamic (list, not compressed)", go("dynamic", "--initial", "list", "--compression=false")
        ),
        Contender("client-go dynamic, stripped", go("dynamic-stripped")),
        Contender("client-go typed", go("typed")),
        python_peer(ground, "kubernetes.informer", python("kubernetes_informer")),
    ]
    return hold(units, ground.size, contenders, ground.repetitions)


def _sync_figures(ground: Ground, answer: Figures) -> Figures:
    if answer["objects"] != ground.size:
        raise Missing(f"it holds {answer['objects']} objects of {ground.size}")
    figures = {
        "cold_sync": ground.size / answer["seconds"],
        "memory_per_object": (answer["rss_after"] - answer["rss_before"]) / ground.size,
    }
    if "rss_peak" in answer:
        figures["sync_peak"] = (answer["rss_peak"] - answer["rss_before"]) / ground.size
    return figures


def raw_seconds(ground: Ground, count: int) -> float:
    """How long it takes to fetch ``count`` objects in pages and look at none of them. Raises Missing."""
    where = ("--kubeconfig", ground.kubeconfig, "--namespace", ground.populated(count))
    return float(ground.peers.run("raw", *where, "--pages", _PAGES)["seconds"])


def _hold_compare(ground: Ground) -> list[Entry]:
    files = ("--expected", ground.expected())
    where = ("--kubeconfig", ground.kubeconfig, "--namespace", ground.populated())
    units = dict.fromkeys(COMPARE, "objects/s")
    seconds = _SECONDS_QUICK if ground.is_quick else _SECONDS

    def ours() -> Figures:
        answer = processes.run(processes.worker("compare", *where, *files, "--rounds", _ROUNDS))
        return {
            "compare_cold": answer["objects"] / answer["cold_seconds"],
            "compare_warm": answer["objects"] / answer["warm_seconds"],
        }

    def go(engine: str) -> Callable[[], Figures]:
        pairs = (*files, "--live", ground.live(), "--seconds", seconds)
        return lambda: _both(ground.peers.run("compare", "--engine", engine, *pairs))

    def make_patch() -> Figures:
        return _both(processes.run(processes.worker("make_patch", *where, *files, "--seconds", seconds)))

    contenders = [
        Contender(OURS, ours),
        Contender("Argo CD", go("argocd")),
        Contender("DeepDerivative", go("deepderivative")),
        python_peer(ground, "jsonpatch.make_patch", make_patch),
    ]
    return hold(units, ground.size, contenders, ground.repetitions)


def _both(answer: Figures) -> Figures:
    """A peer remembers nothing: its first comparison is as fast as its second."""
    if answer["different"]:
        raise Missing(f"it finds {answer['different']} pairs different, and stops early in them: that is no measure")
    return dict.fromkeys(COMPARE, answer["objects"] / answer["seconds"])


def python_peer(ground: Ground, name: str, run: Callable[[], Figures]) -> Contender:
    """A peer in Python, which is missing where no peers are wanted."""

    def missing() -> Figures:
        raise Missing("peers were not wanted")

    return Contender(name, run if ground.with_python_peers else missing)


def pick(entries: Sequence[Entry], name: str) -> list[Entry]:
    """The entry with this name."""
    return [entry for entry in entries if entry.name == name]
