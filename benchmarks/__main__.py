"""``python -m benchmarks``: measure genreconcile and its peers side by side, on a real API server."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import machine, metrics, plots, results, table
from benchmarks.contest import Entry
from benchmarks.ground import Ground, prepare


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the files. Returns 1 where a metric failed."""
    options = _parser().parse_args(arguments)
    wanted = {"with_python_peers": not options.no_peers, "with_go_peers": not _without_go(options)}
    with prepare(options.size, options.repetitions, **wanted) as ground:
        described = machine.describe(ground.plane.version)
        entries = measure(ground, options.only or metrics.NAMES)
    sys.stdout.write(table.text(entries))
    if options.output:
        results.write(options.output, described, entries)
    elif files := _whole(options):
        for file in files:
            results.write(file, described, [entry for entry in entries if results.file_of(entry.name) == file])
        plots.draw(plots.read(), plots.DOCS)
    return int(any(entry.error for entry in entries))


def measure(ground: Ground, names: Iterable[str]) -> list[Entry]:
    """The entries of these metrics; one that fails is an entry with the error."""
    entries: list[Entry] = []
    for name in names:
        begin = time.monotonic()
        sys.stderr.write(f"{name}\n")
        try:
            found = metrics.load(name)(ground)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other metrics go on
            found = [Entry(name, "", ground.size, error=f"{type(error).__name__}: {error}")]
            sys.stderr.write(f"  failed: {found[0].error}\n")
        sys.stderr.write(f"  {time.monotonic() - begin:.0f} s\n")
        entries += found
    return entries


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", type=_positive, default=10_000, help="number of objects (default: 10000)")
    parser.add_argument("--repetitions", type=_positive, default=5, help="of each measurement (default: 5)")
    parser.add_argument("--only", action="append", choices=metrics.NAMES, help="a metric; can be repeated")
    parser.add_argument("--output", type=Path, help="JSON; by default whole results are replaced, and the plots")
    parser.add_argument("--no-peers", action="store_true", help="without any peers")
    parser.add_argument("--no-go-peers", action="store_true", help="without the peers in Go, kubectl among them")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _without_go(options: argparse.Namespace) -> bool:
    return bool(options.no_peers or options.no_go_peers)


def _whole(options: argparse.Namespace) -> list[Path]:
    """The files of results all of whose metrics are measured, with all peers."""
    if _without_go(options):
        return []
    left = {results.file_of(name) for name in metrics.NAMES if options.only and name not in options.only}
    return [file for file in results.FILES if file not in left]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that processes and files go, as after Ctrl-C.
    sys.exit(main())
