"""Import every public path: the names of the package and of its testing part, and modules that the docs name.

`python tools/house/imports.py`; a line for each path, and the exit code is 1 where one cannot be imported.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import genreconcile

ROOT = Path(genreconcile.__file__).parents[1]
PACKAGES = ("genreconcile", "genreconcile.testing")
_FROM = re.compile(r"^\s*from (genreconcile[\w.]*) import ([\w, ]+)", re.MULTILINE)
# genreconcile.dev is the group of the JSON.
_PATH = re.compile(r"(?:`|\bimport |-m )(genreconcile(?!\.dev\b)(?:\.[A-Za-z_]\w*)+)")


def main() -> int:
    """The exit code."""
    bad = 0
    for path in sorted({*_public(), *_documented()}):
        is_there = can_be_imported(path)
        bad += not is_there
        print(path if is_there else f"{path}: CANNOT BE IMPORTED")
    return int(bad > 0)


def can_be_imported(path: str) -> bool:
    """Whether it is a module, or a name, or an attribute of a name in one."""
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for name in parts[end:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def _public() -> Iterator[str]:
    for package in PACKAGES:
        yield from (f"{package}.{name}" for name in importlib.import_module(package).__all__)


def _documented() -> Iterator[str]:
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = file.read_text("utf-8")
        yield from _PATH.findall(text)
        for module, names in _FROM.findall(text):
            yield from (f"{module}.{name.strip()}" for name in names.split(",") if name.strip())


if __name__ == "__main__":
    sys.exit(main())
