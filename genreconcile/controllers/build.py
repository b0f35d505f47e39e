"""The build of a controller: a digest of what decides which children it states and how they are compared.

Invariant: the same files give the same build, in each process.
"""

from __future__ import annotations

import hashlib
import inspect
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import Any, Final

from genreconcile.controllers.controller import Controller
from genreconcile.normalize import Registry

_LENGTH: Final = 12


def build(controller: Controller, rules: Registry) -> str:
    """A digest of the library's version, the rules, and the file in which the function stands; of a function that
    stands in none, of its code. Modules that the file imports are not looked at.
    """
    parts = (version("genreconcile").encode(), rules.version.encode(), *_sources(controller))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:_LENGTH]


def _sources(controller: Controller) -> list[bytes]:
    functions = [function for function in (controller.function, controller.goodbye) if function is not None]
    return [_source(inspect.unwrap(function)) for function in functions]


def _source(function: Any) -> bytes:
    try:
        return Path(inspect.getsourcefile(function) or "").read_bytes()
    except (OSError, TypeError):
        return _code(function)


def _code(function: Any) -> bytes:
    code = getattr(function, "__code__", None)
    return repr(_told(code)).encode() if isinstance(code, CodeType) else type(function).__qualname__.encode()


def _told(code: CodeType) -> tuple[Any, ...]:
    return code.co_code, code.co_names, [_constant(one) for one in code.co_consts]


def _constant(value: Any) -> Any:
    if isinstance(value, frozenset):  # Of a test for members, in another order in each process.
        return sorted(map(repr, value))
    return _told(value) if isinstance(value, CodeType) else repr(value)
