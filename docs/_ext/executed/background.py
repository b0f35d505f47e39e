"""A command that goes on while the page does, such as an operator.

Invariant: each line that it prints is shown once.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

_PATIENCE = 60.0


class Background:
    """One running command; what it prints is read by a thread."""

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.command = command
        self._lines: list[str] = []
        self._shown = 0
        self._news = threading.Condition()
        self._is_over = False
        self._process = subprocess.Popen(  # noqa: S603 - the project's own pages
            ["bash", "-c", f"exec {command}"],  # noqa: S607 - as a user's terminal finds it
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as printed:
            for line in printed:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def until(self, pattern: str) -> str:
        """What was not shown yet, up to the line that matches; raises TimeoutError where none comes."""
        wanted = re.compile(pattern)
        with self._news:
            found = self._news.wait_for(lambda: self._is_over or self._end(wanted), timeout=_PATIENCE)
            end = self._end(wanted)
            if not found or not end:
                raise TimeoutError(f"{self.command}: no line matches {pattern!r}; it said:\n{''.join(self._lines)}")
            return self._take(end)

    def _end(self, wanted: re.Pattern[str]) -> int:
        return next((at + 1 for at in range(self._shown, len(self._lines)) if wanted.search(self._lines[at])), 0)

    def _take(self, end: int) -> str:
        shown, self._shown = "".join(self._lines[self._shown : end]), end
        return shown

    def stop(self) -> tuple[int, str]:
        """End it as Ctrl-C or Kubernetes does; the exit code and what was not shown yet."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=_PATIENCE)
        self._reader.join(timeout=_PATIENCE)
        return code, self._take(len(self._lines))

    def kill(self) -> None:
        """End it at once, with all that it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join(timeout=_PATIENCE)
