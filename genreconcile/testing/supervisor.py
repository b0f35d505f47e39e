"""The process that owns the servers: when its parent is gone, it ends the servers and removes their files.

The parent may be killed at any moment, and a killed process cleans nothing up; so the supervisor, which nobody kills,
does. It reads one JSON command a line on standard input, and ends when its input ends, when its parent is another
process, or when a server ends by itself. It runs as a script, without the package around it: standard library only.

Commands: ``{"start": name, "argv": […]}`` starts a server with its output appended to ``logs/<name>.log``;
``{"kill": name}`` kills a server, so that it can be started again, and writes ``killed`` to standard output;
``{"finally": […]}`` is a command line to run at the end; ``{"keep": true}`` moves ``logs`` aside at the end.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

GRACE = 5.0
"""Seconds from SIGTERM to SIGKILL; few, for the state is thrown away."""

POLL = 0.25
"""Seconds between two looks at the servers and the parent."""

SERVER_ENDED = 3
"""Exit code: a server ended by itself."""

_STDIN = 0
_STDOUT = 1
_STDERR = 2
_PR_SET_PDEATHSIG = 1


class Supervisor:
    """The servers of one state directory; ``kept`` is the folder to which its logs are moved on failure."""

    def __init__(self, state: Path, kept: Path, parent: int) -> None:
        self._state = state
        self._kept = kept
        self._parent = parent
        self._keep = False
        self._stopping = False
        # In the order of their first start; None for a server that is killed.
        self._servers: dict[str, subprocess.Popen[bytes] | None] = {}
        self._finally: list[list[str]] = []

    def run(self) -> int:
        """Obey commands until there is a reason to end, then clean up; return the exit code."""
        try:
            code = self._obey()
        except Exception:  # noqa: BLE001 - whatever happens, the servers must be ended
            traceback.print_exc()
            code = 1
        self._keep = self._keep or code != 0
        self._end()
        return code

    def stop(self, *_signal: object) -> None:
        """Ask the supervisor to end; for signal handlers."""
        self._stopping = True

    def _obey(self) -> int:
        unread = b""
        # A forked child of the parent may hold the pipe open after the parent's death: so look at the parent as well.
        while os.getppid() == self._parent and not self._stopping:
            if self._has_lost_one():
                return SERVER_ENDED
            if select.select([_STDIN], [], [], POLL)[0]:
                data = os.read(_STDIN, 65536)
                if not data:
                    break
                *lines, unread = (unread + data).split(b"\n")
                for line in lines:
                    self._command(json.loads(line))
        return 0

    def _has_lost_one(self) -> bool:
        """Whether a server has ended by itself."""
        return any(server is not None and server.poll() is not None for server in self._servers.values())

    def _command(self, command: dict[str, Any]) -> None:
        if "start" in command:
            self._start(command["start"], command["argv"])
        elif "kill" in command:
            self._kill(command["kill"])
        elif "finally" in command:
            self._finally.append(command["finally"])
        else:
            self._keep = True

    def _start(self, name: str, argv: list[str]) -> None:
        # The caller's environment stays outside: etcd reads ETCD_*, and all of them read proxy settings.
        environment = {"HOME": str(self._state), "PATH": os.defpath, "TMPDIR": str(self._state)}
        with (self._state / "logs" / f"{name}.log").open("ab") as log:
            server = subprocess.Popen(  # noqa: S603 - the command line is made by the parent
                argv,
                cwd=self._state,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_supervisor,  # noqa: PLW1509 - this process has one thread
            )
        self._servers[name] = server

    def _kill(self, name: str) -> None:
        server = self._servers[name]
        if server is not None:
            server.kill()
            server.wait()
        self._servers[name] = None
        os.write(_STDOUT, b"killed\n")

    def _end(self) -> None:
        # The API server ends before etcd: without etcd it lingers for a minute. So no grace where a server has ended.
        grace = 0.0 if self._has_lost_one() or None in self._servers.values() else GRACE
        for server in filter(None, reversed(self._servers.values())):
            server.terminate()
            try:
                server.wait(grace)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        for argv in self._finally:
            self._run(argv)
        if self._keep:
            shutil.move(self._state / "logs", self._kept)
        shutil.rmtree(self._state, ignore_errors=True)

    def _run(self, argv: list[str]) -> None:
        try:
            # Standard error is the supervisor's log.
            subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=_STDERR, check=False)  # noqa: S603 - by the parent
        except OSError:
            traceback.print_exc()


def _die_with_supervisor() -> None:
    """Let the kernel kill the server if even the supervisor is killed; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    """Run with three arguments: the state directory, the folder for kept logs, and the parent's process id."""
    state, kept, parent = sys.argv[1:]
    supervisor = Supervisor(Path(state), Path(kept), int(parent))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, supervisor.stop)
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main())
