"""What is installed: versions of this package, of Python and of the packages that it needs.

Invariant: nothing heavy is imported, for ``--version`` is to be fast.
"""

from __future__ import annotations

import functools
import platform
import re
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from typing import Final

from genreconcile.data import Doctor, shipped

_PACKAGE: Final = "genreconcile"
_REQUIREMENT: Final = re.compile(r"(?P<name>[\w.-]+)(?P<bounds>[^;\[]*)")
_BOUND: Final = re.compile(r"(?P<sign>>=|<)\s*(?P<version>[\d.]+)")
_LEADING: Final = re.compile(r"\d+(?:\.\d+)*")


@functools.cache
def own_version() -> str:
    """The version of this package; read once, for that looks through each folder of the path."""
    return metadata.version(_PACKAGE)


def here() -> list[str]:
    """The program, its Python and its Kubernetes client, each with its version."""
    spec = find_spec("genreconcile.gojson")
    is_compiled = spec is not None and not str(spec.origin).endswith(".py")
    return [
        f"{_PACKAGE} {own_version()} ({'compiled' if is_compiled else 'pure Python'})",
        f"Python {platform.python_version()}",
        f"kubernetes {metadata.version('kubernetes')}",
    ]


def supported() -> str:
    """The versions of Kubernetes, in words."""
    found = shipped(Doctor).kubernetes
    return f"Kubernetes {found.tested[0]} to {found.tested[-1]} tested, {found.oldest} needed"


def misfits() -> Iterator[str]:
    """The packages, without those of extras, that are missing, or older or newer than this release allows."""
    for text in metadata.requires(_PACKAGE) or ():
        wanted = _REQUIREMENT.fullmatch(text)
        if wanted is not None:  # One with a marker is of an extra.
            yield from _of(wanted["name"], wanted["bounds"])


def _of(name: str, bounds: str) -> Iterator[str]:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        yield f"{name} is not installed"
        return
    for bound in _BOUND.finditer(bounds):
        if (numbers(version) >= numbers(bound["version"])) != (bound["sign"] == ">="):
            yield f"{name} {version} is not {bound[0]}"


def numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version, such as (1, 37) of 1.37-rc1."""
    found = _LEADING.match(text)
    return tuple(map(int, found[0].split("."))) if found else ()
