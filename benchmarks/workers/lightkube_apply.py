"""From empty to converged with lightkube: a server-side apply of each object, over several connections."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from lightkube import Client, KubeConfig, codecs

from benchmarks.workers.common import arguments, report
from benchmarks.workload import read_lines


def main() -> None:
    """Prints objects, and seconds from the client, whose models need no discovery, to the last answer."""
    options = arguments(expected=str, connections=int)
    config = KubeConfig.from_file(options.kubeconfig).get()
    expected = [codecs.from_dict(obj) for obj in read_lines(options.expected)]
    begin = time.perf_counter()
    with Client(config, field_manager="lightkube") as client, ThreadPoolExecutor(options.connections) as pool:
        applied = sum(1 for _ in pool.map(client.apply, expected))
        seconds = time.perf_counter() - begin
    report(objects=applied, seconds=seconds)


if __name__ == "__main__":
    main()
