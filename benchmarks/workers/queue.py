"""The queue of a controller: keys through threads, CPU time of a key in one thread, memory of a key that waits."""

from __future__ import annotations

import argparse
import gc
import sys
import threading
import time
from collections.abc import Callable

from benchmarks.workers.common import cpu_seconds, report, rss
from genreconcile.controllers.entry import Priority
from genreconcile.controllers.queue import Queue

_ADDERS, _WORKERS = 4, 8
_Key = tuple[str, str]


def main() -> None:
    """Prints keys (a second of wall time), cpu, add, get and done (seconds for a key), and memory (bytes for a key)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, required=True)
    size = parser.parse_args().size
    keys = [(f"namespace-{number % 100}", f"name-{number}") for number in range(size)]
    memory = _memory(keys)  # First, before there is memory to be used again.
    figures = _alone(keys)
    report(keys=size / _through_threads(keys), memory=memory, cpu=sum(figures.values()), **figures)


def _alone(keys: list[_Key]) -> dict[str, float]:
    queue: Queue[_Key] = Queue()
    return {
        "add": _each(queue.add, keys),
        "get": _each(lambda _: queue.get(0), keys),
        "done": _each(queue.done, keys),
    }


def _each(call: Callable[[_Key], object], keys: list[_Key]) -> float:
    """CPU seconds of one call."""
    begin = cpu_seconds()
    for key in keys:
        call(key)
    return (cpu_seconds() - begin) / len(keys)


def _memory(keys: list[_Key]) -> float:
    """Of entries that wait for a later time; the keys are there already."""
    queue: Queue[_Key] = Queue()
    gc.collect()
    before = rss()
    for key in keys:
        queue.add(key, Priority.LOW, 3600.0)
    grown = rss() - before
    if len(queue) != len(keys):
        sys.exit("all keys are to wait")
    return grown / len(keys)


def _through_threads(keys: list[_Key]) -> float:
    """Seconds from the first add to the last done."""
    queue: Queue[_Key] = Queue()
    counts = [0] * _WORKERS

    def add(number: int) -> None:
        for key in keys[number::_ADDERS]:
            queue.add(key, Priority.LOW)

    def work(number: int) -> None:
        while (key := queue.get()) is not None:
            queue.done(key)
            counts[number] += 1
            if sum(counts) >= len(keys):
                queue.close()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(_ADDERS)]
    threads += [threading.Thread(target=work, args=(number,)) for number in range(_WORKERS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
