"""Builds the control plane's programs once into the user's cache folder.

A program in the cache is complete, for it is built elsewhere and renamed. One process builds at a time, the others
wait.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from genreconcile.testing import versions
from genreconcile.testing.building.compilation import compile_programs, kubernetes_recipe, kwok_recipe
from genreconcile.testing.progress import say


def cache_folder() -> Path:
    """Return the folder of the built programs, with one subfolder for each version and machine."""
    import platformdirs

    return platformdirs.user_cache_path("genreconcile") / "control-plane"


def folder(version: str) -> Path:
    """Return the folder of the programs of Kubernetes ``version``."""
    return cache_folder() / f"v{version}-{versions.machine()}"


def kwok_folder() -> Path:
    """Return the folder of the program ``kwok`` and of its ``stages``."""
    return cache_folder() / f"kwok-v{versions.KWOK}-{versions.machine()}"


def ensure(version: str, programs: Iterable[str]) -> Path:
    """Return the folder that holds ``programs`` of Kubernetes ``version``; builds the missing ones."""
    target, wanted = folder(version), list(programs)
    if missing(target, wanted):
        with locked(cache_folder(), f"Kubernetes {version}"):
            compile_programs(kubernetes_recipe(version), target, missing(target, wanted), cache_folder())
    return target


def ensure_kwok() -> Path:
    """Return the folder that holds ``kwok`` and its ``stages``; builds ``kwok`` where it is missing."""
    target = kwok_folder()
    if missing(target, ["kwok"]):
        with locked(cache_folder(), f"kwok {versions.KWOK}"):
            compile_programs(kwok_recipe(versions.KWOK), target, missing(target, ["kwok"]), cache_folder())
    return target


def missing(target: Path, programs: Iterable[str]) -> list[str]:
    """Return those of ``programs`` that ``target`` does not hold."""
    return [program for program in programs if not os.access(target / program, os.X_OK)]


@contextmanager
def locked(folder: Path, title: str) -> Iterator[None]:
    """Hold the lock of a cache folder, which is made if need be; a wait for another process is told."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"{title}: another process is building in {folder}; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
