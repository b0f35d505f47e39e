"""The text of files, folders and stdin.

Invariant: every named source is read or refused: a path that does not exist and a folder without manifests are errors,
because an object that is missing from the expected set may be deleted from the cluster.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import BinaryIO, NamedTuple

from genreconcile.errors import LoadError

_SUFFIXES = (".yaml", ".yml", ".json")
_SCHEMES = ("http://", "https://")
_MAX_BYTES = 64 * 1024 * 1024


class Source(NamedTuple):
    """One text and its name in messages; ``strict_json``: it cannot be YAML."""

    name: str
    text: str
    strict_json: bool


def read(paths: Iterable[str | PathLike[str]], *, recursive: bool, stdin: BinaryIO | None) -> Iterator[Source]:
    """The texts in the given order, those of a folder by name. Raises LoadError for a source that cannot be read."""
    stdin_is_read = False
    for path in (os.fspath(path) for path in paths):
        if path.startswith(_SCHEMES):
            raise LoadError(f"{path}: cannot be read: it is a URL; fetch it, and give - to read stdin", code="GR201")
        if path != "-":
            for file in files_of(Path(path), recursive=recursive):
                yield _read_file(file)
            continue
        if stdin_is_read:
            raise LoadError("stdin: cannot be read twice; give - once", code="GR209")
        stdin_is_read = True
        yield _decode((stdin or sys.stdin.buffer).read(_MAX_BYTES + 1), "stdin", strict_json=False)


def files_of(path: Path, *, recursive: bool) -> list[Path]:
    """The files of a path in the order in which they are read. Raises LoadError for a folder without manifests."""
    try:
        if not path.is_dir():
            return [path]
        files = sorted(_walk(path) if recursive else path.iterdir())
    except (OSError, ValueError) as error:
        raise LoadError(f"{path}: cannot be read: {_cause(error)}; check the path", code="GR201") from error
    manifests = [file for file in files if file.suffix in _SUFFIXES and not file.is_dir()]
    if not manifests:
        advice = "name a file" if recursive else "name a file, or look below it with recursive (-R)"
        raise LoadError(f"{path}: nothing to read: no {', '.join(_SUFFIXES)} in this folder; {advice}", code="GR202")
    return manifests


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder, onerror=_raise):
        # The kubelet keeps the files of a mounted volume in ..<date> and links to them from the top.
        folders[:] = [name for name in folders if not name.startswith("..")]
        yield from (Path(root, name) for name in names)


def _raise(error: OSError) -> None:
    raise error


def _read_file(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise LoadError(f"{path}: cannot be read: {_cause(error)}; check the path", code="GR201") from error
    return _decode(data, str(path), strict_json=path.suffix == ".json")


def _decode(data: bytes, name: str, *, strict_json: bool) -> Source:
    if len(data) > _MAX_BYTES:
        raise LoadError(f"{name}: cannot be read: more than {_MAX_BYTES} bytes; split it", code="GR205")
    try:
        return Source(name, data.decode("utf-8-sig"), strict_json)
    except UnicodeDecodeError as error:
        wrong = error.start
    # Not in the handler: the UnicodeDecodeError holds the data, and must not be chained.
    raise LoadError(f"{name}: cannot be read: byte {wrong} is not UTF-8; save it as UTF-8", code="GR203")


def _cause(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
