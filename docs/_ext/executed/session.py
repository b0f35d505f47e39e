"""What runs the examples of one page: a folder, a home, a Python process, commands, and those that go on.

Invariant: a page sees nothing of the account that builds it, and leaves no process behind.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from executed.background import Background
from executed.ground import SharedPlane, kubectl_folder

_PATIENCE = 120
_WORKER = Path(__file__).with_name("worker.py")
_KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GENRECONCILE_CACHE")


class ExampleError(Exception):
    """An example that did not do what its page says."""


class Session:
    """The state of one page, from its first example to its end."""

    def __init__(self, tools: Path | None = None) -> None:
        self._tools = tools
        self._root = Path(tempfile.mkdtemp(prefix="genreconcile-docs-"))
        self.folder = self._root / "shop"
        self.home = self._root / "home"
        self.folder.mkdir()
        self.home.mkdir()
        self._programs = 0
        self._worker: subprocess.Popen[str] | None = None
        self._python = sys.executable
        self._settings: dict[str, str] = {}
        self.background: dict[str, Background] = {}

    def make_fresh(self, wheel: Path) -> None:
        """Have a Python with nothing installed; where the page installs this package, it is that of the wheel."""
        venv.create(self._root / "venv", with_pip=True)
        self._python = str(self._root / "venv" / "bin" / "python")
        name, version, *_ = wheel.name.split("-")
        constraints = self._root / "constraints.txt"
        constraints.write_text(f"{name}=={version}\n", "utf-8")
        self._settings = {
            "PIP_CONSTRAINT": str(constraints),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_FIND_LINKS": str(wheel.parent),
            "PIP_NO_COMPILE": "1",  # Python compiles what it imports; most of it never is.
            "PYTHONPATH": "",
        }

    @property
    def environment(self) -> Mapping[str, str]:
        """What commands and programs find in their environment."""
        found = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("PIP_")}
        folders = [Path(self._python).parent, found.get("PATH", os.defpath), *([self._tools] if self._tools else [])]
        found["PATH"] = os.pathsep.join(map(str, folders))
        cache = os.environ.get("XDG_CACHE_HOME") or platformdirs.user_cache_dir()
        return {
            **found,
            "HOME": str(self.home),
            "XDG_CACHE_HOME": cache,
            "COLUMNS": "100",
            "PYTHONUNBUFFERED": "1",
            **self._settings,
        }

    def write(self, name: str, text: str, *, appended: bool = False) -> None:
        """A file in the folder of the page, or more of it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text("utf-8") if appended else ""
        path.write_text(before + text, "utf-8")

    def python(self, source: str, name: str) -> dict[str, str]:
        """Run a program in the page's namespace: its ``out`` and ``err``, what it ``raised``, and the ``trace``."""
        self._programs += 1
        path = self._root / f"example_{self._programs}.py"
        path.write_text(source, "utf-8")
        if self._worker is None:
            self._worker = subprocess.Popen(  # noqa: S603 - the project's own pages
                [self._python, str(_WORKER)],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps({"path": str(path), "name": name}) + "\n")
        self._worker.stdin.flush()
        line = self._worker.stdout.readline()
        if not line:
            raise ExampleError("the Python process of the page has ended")
        answer: dict[str, str] = json.loads(line)
        return answer

    def command(self, command: str) -> tuple[int, str]:
        """Run a command of the shell: its exit code, and what it printed on stdout and stderr."""
        done = subprocess.run(  # noqa: S603 - the project's own pages
            ["bash", "-o", "pipefail", "-c", command],  # noqa: S607 - as a user's terminal finds it
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        return done.returncode, done.stdout

    def close(self) -> None:
        """End what runs, and remove the folder."""
        for background in self.background.values():
            background.kill()
        if self._worker is not None:
            self._worker.kill()
            self._worker.communicate()
        shutil.rmtree(self._root, ignore_errors=True)


class Sessions:
    """The sessions of a build, one for the page that is being read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._wheels: tempfile.TemporaryDirectory[str] | None = None
        self.plane = SharedPlane()
        self.executed = 0
        self.pages: set[str] = set()
        self.failed: set[str] = set()
        self._open: dict[str, Session] = {}

    def of(self, page: str) -> Session:
        """The session of this page."""
        self.pages.add(page)
        if page not in self._open:
            self._open[page] = Session(kubectl_folder())
        return self._open[page]

    def end_page(self, page: str) -> None:
        """The page was read; raises ExampleError where a command still runs that the page does not stop."""
        session = self._open.pop(page, None)
        if session is not None:
            session.close()

    @property
    def wheel(self) -> Path:
        """The package, as it would be published."""
        if self._wheels is None:
            self._wheels = tempfile.TemporaryDirectory(prefix="genreconcile-docs-")
            command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", self._wheels.name]
            subprocess.run([*command, str(self._root)], check=True, timeout=_PATIENCE)  # noqa: S603 - this package
        (found,) = Path(self._wheels.name).glob("*.whl")
        return found

    def close(self) -> None:
        """The build is over."""
        if self._wheels is not None:
            self._wheels.cleanup()
        for page in list(self._open):
            self.end_page(page)
        self.plane.close()


_CURRENT: list[Sessions] = []
"""That of the build; not in Sphinx's environment, which is kept from build to build."""


def begin(root: Path) -> None:
    """A build begins; ``root`` is the folder of the tree."""
    _CURRENT[:] = [Sessions(root)]


def current() -> Sessions:
    """The sessions of the build that goes on."""
    (found,) = _CURRENT
    return found


def require(condition: Any, message: str) -> None:
    """Raise ExampleError with this message unless the condition holds."""
    if not condition:
        raise ExampleError(message)
