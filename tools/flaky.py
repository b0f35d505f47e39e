"""Run tests again and again beside processes that use up the CPU, and count which of them fail.

`python tools/flaky.py` takes all tests that depend on time (the mark `timing`) ten times, `--count 3 tests/unit -k new`
fewer: what it does not know itself goes to pytest. The output of runs with failures is kept in the folder `--keep`.
The exit code is 1 where one has failed.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$", re.MULTILINE)
_BURN = "while True: pass"
_NO_TESTS, _FAILURES = 5, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10, help="how often, 10 unless given")
    parser.add_argument("--burners", type=int, default=2, help="how many processes use up the CPU, 2 unless given")
    parser.add_argument("--keep", type=Path, help="the folder for the output, a new one unless given")
    parser.add_argument("-m", dest="mark", default="timing and not slow", help="which tests, as pytest's -m")
    options, others = parser.parse_known_args(arguments)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="genreconcile-flaky-"))
    folder.mkdir(parents=True, exist_ok=True)
    tally: Counter[str] = Counter()
    with burning(options.burners):
        for number in range(1, options.count + 1):
            failed = run([sys.executable, "-m", "pytest", "-q", "-rfE", "-m", options.mark, *others], folder, number)
            tally.update(failed)
    print("\n".join(told(tally, options.count)), flush=True)
    if tally:
        print(f"the output is in {folder}")
    return int(bool(tally))


@contextlib.contextmanager
def burning(count: int) -> Iterator[None]:
    """So many processes that do nothing, as fast as they can."""
    burners = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def run(command: Sequence[str], folder: Path, number: int) -> list[str]:
    """The tests that failed in one run, whose output is kept then."""
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    failed = failures(done.stdout)
    if done.returncode not in {0, _NO_TESTS} and not failed:
        failed = [f"pytest ended with {done.returncode}"]
    print(f"run {number}: {len(failed)} failed, {time.monotonic() - started:.0f} seconds", flush=True)
    if failed:
        (folder / f"{number}.txt").write_text(done.stdout + done.stderr, "utf-8")
    return failed


def failures(output: str) -> list[str]:
    """The tests that pytest's short summary names, each once."""
    return sorted(set(_FAILED.findall(output)))


def told(tally: Counter[str], count: int) -> list[str]:
    """A line for each test that failed, the most frequent first."""
    if not tally:
        return [f"none failed in {count} runs"]
    return [f"{failed:3} of {count}  {test}" for test, failed in tally.most_common()]


if __name__ == "__main__":
    sys.exit(main())
