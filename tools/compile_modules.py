"""Compile the modules in which a reconcile with nothing to do spends its time, with mypyc, to places beside them.

The sources stay what they are and are the fallback: without this, the same code is interpreted. Needs mypy, setuptools,
a C compiler and Python's headers. `python tools/compile_modules.py` compiles; with `--clean` it removes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = (
    "genreconcile/compare/quick/check.py",
    "genreconcile/compare/quick/same.py",
    "genreconcile/compare/quick/state.py",
    "genreconcile/gojson.py",
    "genreconcile/manifests/build.py",
    "genreconcile/manifests/usable.py",
    "genreconcile/normalize/functions.py",
    "genreconcile/normalize/prepare.py",
    "genreconcile/plan/draft.py",
    "genreconcile/plan/comparing.py",
    "genreconcile/plan/early.py",
    "genreconcile/plan/fresh.py",
    "genreconcile/plan/locate.py",
    "genreconcile/plan/insync.py",
    "genreconcile/cache/related.py",
)
"""Together they are one library: calls between them cost what they cost in C. None may recurse as deep as its input
does: compiled code knows no RecursionError.
"""
GROUP = "genreconcile"
_SETUP = """
from setuptools import setup
from mypyc.build import mypycify
flags = ["--config-file=", "--ignore-missing-imports"]  # An extra that is not installed is no fault of these modules.
options = dict(opt_level="3", debug_level="0", target_dir={folder!r})
extensions = mypycify([*flags, *{modules!r}], group_name={group!r}, **options)
setup(name={group!r}, py_modules=[], ext_modules=extensions)
"""


def compile_modules(root: Path = ROOT) -> list[Path]:
    """The extension modules, in place; CompileError where there is no compiler."""
    remove(root)
    with tempfile.TemporaryDirectory(prefix="genreconcile-compile-") as folder:
        script = Path(folder, "setup.py")
        script.write_text(_SETUP.format(group=GROUP, modules=list(MODULES), folder=folder), encoding="utf-8")
        command = [
            sys.executable,
            str(script),
            "--quiet",
            "build_ext",
            "--inplace",
            "--build-temp",
            folder,
            "--build-lib",
            folder,
        ]
        done = subprocess.run(command, cwd=root, check=False, env=_environment())
    if done.returncode:
        raise CompileError(f"mypyc: exit code {done.returncode}, see above; without it the same code is interpreted")
    return compiled(root)


def _environment() -> dict[str, str]:
    """That of the compiler, by which the modules look for no library where this Python has its own."""
    link = sysconfig.get_config_var("LDSHARED")
    return ({"LDSHARED": re.sub(r"-Wl,-rpath[,=]\S+", "", link)} if link else {}) | dict(os.environ)


def compiled(root: Path = ROOT) -> list[Path]:
    """The extension modules that are there."""
    return sorted(
        [*root.glob(f"{GROUP}__mypyc.*"), *root.glob("genreconcile/**/*.so"), *root.glob("genreconcile/**/*.pyd")]
    )


def remove(root: Path = ROOT) -> None:
    """Back to the sources alone."""
    for module in compiled(root):
        module.unlink()


class CompileError(Exception):
    """What keeps the modules from being compiled."""


def main() -> int:
    """Compile, or remove. Exit code 1 where that is not possible."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clean", action="store_true", help="remove what was compiled")
    if parser.parse_args().clean:
        remove()
        return 0
    try:
        found = compile_modules()
    except CompileError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"compiled {len(found) - 1} modules\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
