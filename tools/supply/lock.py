"""Write ``locks/*.txt``: every package that this project's users and its checks install, pinned and hashed.

A copy of pyproject.toml is resolved, so that nothing else is left behind. Run it by ``make lock``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = {
    "runtime": ["--no-default-groups", "--extra", "cli", "--extra", "metrics"],
    "ci": ["--no-default-groups", "--all-extras", "--group", "lint", "--group", "build"],
    "tools": ["--only-group", "supply"],
}
HEADS = {
    "runtime": "What `pip install 'genreconcile[cli,metrics]'` brings.",
    "ci": "What the checks and tests install; `make locked` uses it.",
    "tools": "What `make audit` and `make sbom` run.",
}


def main() -> None:
    """Resolve once, so that the files agree, and export each."""
    (ROOT / "locks").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(ROOT / "pyproject.toml", folder)
        _uv(folder, "lock", "--upgrade")
        for lock, options in LOCKS.items():
            text = _uv(folder, "export", "--frozen", "--no-emit-project", "--no-header", "--no-annotate", *options)
            (ROOT / "locks" / f"{lock}.txt").write_text(f"# {HEADS[lock]} Made by `make lock`.\n{text}", "utf-8")
            print(f"locks/{lock}.txt: {text.count('==')} packages")


def _uv(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "uv", "--quiet", "--directory", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout


if __name__ == "__main__":
    main()
