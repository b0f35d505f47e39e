"""What a wheel must hold, and what it must not; ``contents.py WHEEL…`` prints what is wrong, and ends with 1.

Invariant: a wheel holds the files of ``genreconcile/`` and ``share/`` that are not ignored, the licence and its
metadata; a compiled one the extension modules of ``tools/compile_modules.py`` as well. Nothing else, and no path of the
machine that built it.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import compile_modules  # noqa: E402 - beside this folder

_NO_SOURCES = (".pyc", ".so", ".pyd")
_METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


def faults(wheel: Path, root: Path = ROOT, *, built_in: str = "") -> list[str]:
    """What is wrong with the wheel, a line each; ``built_in`` is the folder in which it was built."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        told = list(_with_paths(archive, (built_in or str(root), f"{sys.base_prefix}/lib")))
    is_pure = wheel.stem.endswith("-py3-none-any")
    wanted = _sources(root) | _shared(root, wheel) | _metadata(wheel)
    extensions = set() if is_pure else {name for name in names if name.endswith((".so", ".pyd"))}
    told += [f"{name}: is missing" for name in sorted(wanted - names)]
    told += [f"{name}: does not belong there" for name in sorted(names - wanted - extensions)]
    if not is_pure:
        compiled = {_stem(name) for name in extensions}
        told += [f"{name}: is not compiled" for name in sorted(_to_compile() - compiled)]
        told += [f"{name}: does not belong there" for name in sorted(compiled - _to_compile())]
    return [f"{wheel.name}: {fault}" for fault in told]


def _sources(root: Path) -> set[str]:
    files = (path for path in (root / "genreconcile").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix() for path in files if path.suffix not in _NO_SOURCES}


def _shared(root: Path, wheel: Path) -> set[str]:
    """Manual pages and completions, which an installation puts below its prefix."""
    files = (path for path in (root / "share").rglob("*") if path.is_file())
    return {f"{_named(wheel)}.data/data/{path.relative_to(root).as_posix()}" for path in files}


def _metadata(wheel: Path) -> set[str]:
    return {f"{_named(wheel)}.dist-info/{name}" for name in _METADATA}


def _named(wheel: Path) -> str:
    """Name and version."""
    return "-".join(wheel.name.split("-")[:2])


def _to_compile() -> set[str]:
    return {module.removesuffix(".py") for module in compile_modules.MODULES} | {f"{compile_modules.GROUP}__mypyc"}


def _stem(name: str) -> str:
    """``a/b.cpython-311-x86_64-linux-gnu.so`` → ``a/b``."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}"


def _with_paths(archive: zipfile.ZipFile, paths: tuple[str, ...]) -> Iterator[str]:
    for name in archive.namelist():
        content = archive.read(name)
        yield from (f"{name}: names {path}" for path in paths if path.encode() in content)


def main() -> int:
    """The wheels of the command line; 1 where one is not as it must be."""
    found = [fault for wheel in sys.argv[1:] for fault in faults(Path(wheel))]
    print("\n".join(found) or f"{len(sys.argv) - 1} wheels are as they must be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
