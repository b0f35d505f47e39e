"""The parent's side of the supervisor: starts servers that cannot outlive this process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from genreconcile.testing import supervisor
from genreconcile.testing.errors import ControlPlaneError

_PREFIX = "genreconcile-"
_TAIL = 3000
"""Characters of a log that an error message shows."""


class Supervision:
    """A new state directory, which only its owner can read, and the servers that live in it.

    ``state`` disappears with the servers; ``kept`` is the folder to which its logs are moved on failure.
    """

    def __init__(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self.kept = self.state.with_name(f"{self.state.name}-logs")
        self.logs = self.state / "logs"
        self.logs.mkdir()
        self._argv: dict[str, list[str]] = {}
        script = [sys.executable, "-I", supervisor.__file__, str(self.state), str(self.kept), str(os.getpid())]
        with (self.logs / "supervisor.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this package's own script
                script,
                # Unbuffered: a command that cannot be sent must not be sent again when the pipe is closed.
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C must reach the tests alone; the supervisor ends the servers afterwards.
                start_new_session=True,
            )

    def start(self, name: str, argv: Sequence[str]) -> None:
        """Start a server, whose output goes to ``logs/<name>.log``. At the end, servers started later end first."""
        self._argv[name] = list(argv)
        self._send({"start": name, "argv": self._argv[name]})

    @contextlib.contextmanager
    def down(self, names: Sequence[str]) -> Iterator[None]:
        """Kill servers, in this order, for the time of the block; then start them again, the last one first.

        Raises ControlPlaneError where there is no such server, or all have ended.
        """
        if unknown := [name for name in names if name not in self._argv]:
            running = ", ".join(self._argv)
            raise ControlPlaneError(f"{unknown[0]}: not killed: no such server; there are {running}", code="GR951")
        for name in names:
            self._kill(name)
        try:
            yield
        finally:
            for name in reversed(names):
                self.start(name, self._argv[name])

    def _kill(self, name: str) -> None:
        self._send({"kill": name})
        if not (self._process.stdout and self._process.stdout.readline()):
            raise self.failure(f"{name}: not killed", "a server has ended")

    def at_end(self, argv: Sequence[str]) -> None:
        """Let the supervisor run a command line after the servers have ended."""
        self._send({"finally": list(argv)})

    def alive(self) -> bool:
        """Whether the supervisor and all servers run."""
        return self._process.poll() is None

    def stop(self, *, keep_logs: bool = False) -> None:
        """End all servers and remove the state directory; return when both are done. A second call does nothing."""
        if keep_logs:
            self._send({"keep": True})
        if self._process.stdin:
            self._process.stdin.close()
        if self._process.stdout:
            self._process.stdout.close()
        self._process.wait()

    def failure(self, what: str, cause: str) -> ControlPlaneError:
        """Stop, keep the logs, and return an error that shows the end of each log."""
        self.stop(keep_logs=True)
        tails = [f"--- {log.name}\n{_tail(log)}" for log in sorted(self.kept.glob("*.log")) if log.stat().st_size]
        return ControlPlaneError(
            "\n".join([f"{what}: {cause}; the logs are kept in {self.kept}", *tails]), code="GR951"
        )

    def _send(self, command: dict[str, object]) -> None:
        if self._process.stdin and not self._process.stdin.closed:
            # Broken when a server has ended, and the supervisor with it: alive() tells.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(json.dumps(command).encode() + b"\n")


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
