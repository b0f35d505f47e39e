"""Fresh processes: each contender's run is one, and prints one line of JSON.

Invariant: no process outlives the block or the call that started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contest import Missing

ROOT = Path(__file__).resolve().parent.parent
READY = "READY"
GENRECONCILE = (sys.executable, "-c", "import sys; from genreconcile.cli import main; sys.exit(main())")
"""The command line of this very genreconcile, installed or not."""
_PIPE = subprocess.PIPE
_TIMEOUT = 900.0


def worker(name: str, *arguments: object) -> list[str]:
    """The command line of ``benchmarks.workers.<name>``."""
    return [sys.executable, "-m", f"benchmarks.workers.{name}", *map(str, arguments)]


def run(command: Sequence[str], *, timeout: float = _TIMEOUT) -> dict[str, Any]:
    """Run to the end; the JSON object of the last line. Raises Missing where it fails."""
    process = _to_the_end(command, timeout, environment())
    return _answer(command, process.returncode, process.stdout, process.stderr)


def seconds(command: Sequence[str], *, environ: Mapping[str, str] | None = None, timeout: float = _TIMEOUT) -> float:
    """Wall time of a whole process. Raises Missing where it fails."""
    begin = time.perf_counter()
    process = _to_the_end(command, timeout, environment(environ))
    taken = time.perf_counter() - begin
    if process.returncode != 0:
        raise Missing(_failure(command, process.returncode, process.stderr))
    return taken


class Background:
    """A process that says READY on stderr once it listens, and prints its JSON at its end."""

    def __init__(self, process: subprocess.Popen[str], command: Sequence[str], log: Path) -> None:
        self._process = process
        self._command = command
        self._log = log

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def require_alive(self) -> None:
        """Raises Missing where it has ended."""
        if self._process.poll() is not None:
            raise Missing(_failure(self._command, self._process.poll(), self._errors()))

    def wait_ready(self, timeout: float = _TIMEOUT) -> None:
        """Wait until it listens. Raises Missing where it ends or does not get there."""
        deadline = time.monotonic() + timeout
        while READY not in self._errors():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Missing(_failure(self._command, self._process.poll(), self._errors()))
            time.sleep(0.02)

    def answer(self, timeout: float = _TIMEOUT) -> dict[str, Any]:
        """Let it go on, where it waits for a line; the JSON object of its last line. Raises Missing where it fails."""
        try:
            output, _ = self._process.communicate("\n", timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Missing(_not_done(self._command, timeout)) from None
        return _answer(self._command, self._process.returncode, output, self._errors())

    def _errors(self) -> str:
        return self._log.read_text("utf-8", errors="replace")


@contextlib.contextmanager
def background(command: Sequence[str], log: Path) -> Iterator[Background]:
    """Start a process; it is killed, if need be, at the end of the block. ``log`` takes its stderr."""
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stdin=_PIPE, stdout=_PIPE, stderr=errors, text=True, env=environment(), cwd=ROOT
        )
        try:
            yield Background(process, command, log)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, in which Python finds this very genreconcile."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"HOME": str(Path.home()), **os.environ, "PYTHONPATH": os.pathsep.join(paths), **(more or {})}


def _to_the_end(command: Sequence[str], timeout: float, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=timeout, env=environ, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        raise Missing(_not_done(command, timeout)) from None


def _answer(command: Sequence[str], code: int, output: str, errors: str) -> dict[str, Any]:
    if code != 0:
        raise Missing(_failure(command, code, errors))
    try:
        answer = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise Missing(f"{_name(command)}: printed no JSON: {output[-200:]!r}") from None
    if not isinstance(answer, dict):
        raise Missing(f"{_name(command)}: printed no JSON object: {output[-200:]!r}")
    return answer


def _failure(command: Sequence[str], code: int | None, errors: str) -> str:
    last = " ".join(errors.strip().splitlines()[-3:])[-400:]
    return f"{_name(command)}: ended with code {code}: {last or 'no message'}"


def _not_done(command: Sequence[str], timeout: float) -> str:
    return f"{_name(command)}: not done after {timeout:g} s"


def _name(command: Sequence[str]) -> str:
    """The program and its subcommand, without the folder."""
    words = [Path(command[0]).name, *command[1:3]]
    return " ".join(words)
