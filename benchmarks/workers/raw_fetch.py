"""The floor of a sync: fetch the list in one piece and look at nothing of it."""

from __future__ import annotations

import time

from benchmarks.bare import Server
from benchmarks.workers.common import arguments, report
from benchmarks.workload import COLLECTION


def main() -> None:
    """Prints bytes and seconds."""
    options = arguments()
    connection = Server(options.kubeconfig).connect()
    begin = time.perf_counter()
    length = connection.fetch(COLLECTION.format(options.namespace))
    report(bytes=length, seconds=time.perf_counter() - begin)


if __name__ == "__main__":
    main()
