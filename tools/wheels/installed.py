"""Run tests on the package that is installed: in a copy of this repository without ``genreconcile/``.

``installed.py PYTEST-ARGUMENTS…``; exit code 2 where the sources are what is imported. Run it by ``make installed``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NOT_COPIED = {"genreconcile", "build", "dist", "wheelhouse", "htmlcov"}
WHICH = """
import pathlib, sys, genreconcile, genreconcile.gojson as one
place = pathlib.Path(genreconcile.__file__).parent
print(place, "compiled" if one.__file__.endswith((".so", ".pyd")) else "pure", flush=True)
sys.exit(0 if "site-packages" in place.parts else 2)
"""


def main() -> int:
    """Copy what is no part of the package, and run pytest there."""
    with tempfile.TemporaryDirectory(prefix="genreconcile-installed-") as name:
        copy(Path(name))
        for arguments in (["-c", WHICH], ["-m", "pytest", "-p", "no:cacheprovider", *sys.argv[1:]]):
            code = subprocess.run([sys.executable, *arguments], cwd=name, env=environment(), check=False).returncode
            if code:
                return code
    return 0


def environment() -> dict[str, str]:
    """Ours, in which Python does not find the sources."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def copy(folder: Path) -> None:
    """All that the repository holds beside the package, and beside what was built there."""
    for entry in ROOT.iterdir():
        if entry.name.startswith(".") or entry.name in _NOT_COPIED or entry.suffix in {".so", ".pyd"}:
            continue
        if entry.is_dir():
            shutil.copytree(entry, folder / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(entry, folder)


if __name__ == "__main__":
    sys.exit(main())
