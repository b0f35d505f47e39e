"""How deep JSON may be nested, so that a decoder, which recurses in C, stays within the stack of its thread.

Until Python 3.13 that recursion ends at a number of levels, from 1000 in 3.11 to 10,000 in 3.13, whatever the stack; a
decoder that leaves it ends the process. Python 3.14 looks at the stack itself. Who may write a custom resource may nest
it 10,000 levels deep, where Go's decoder ends.

Invariant: what passes needs two thirds of the stack of the thread that asks.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from typing import Final

_DECODED: Final = 640
"""Bytes of stack for each level; msgspec needs 430, the other users of a decoded object need less."""
_PASSED_OVER: Final = 64
"""The same of a level that is found to be whole and no more; msgspec needs 33."""
_FEW, _DEEPEST = 200, 10_000
"""Levels that any stack takes; those that no decoder passes before Python ends it."""
_MEBIBYTE: Final = 1 << 20
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)

_here = threading.local()


def require_flat(data: bytes | bytearray | str, *, is_decoded: bool = True) -> None:
    """Raise RecursionError, as a decoder does, for JSON that is nested more deeply than this thread's stack takes.

    ``is_decoded``: else its values are only passed over. With 8 MiB of stack, as most systems give, the text is not
    looked at.
    """
    if len(data) <= 2 * _FEW:  # A level has two brackets.
        return
    stack: int = getattr(_here, "stack", 0)
    if stack == 0:
        if _brackets(data) <= _FEW:
            return
        stack = _here.stack = _size()
    most = stack // (_DECODED if is_decoded else _PASSED_OVER)
    if most < min(_DEEPEST, len(data) // 2) and _brackets(data) > most and _is_deeper(data, most):
        raise RecursionError("nested too deeply")


def _brackets(data: bytes | bytearray | str) -> int:
    """How many brackets open."""
    return data.count("{") + data.count("[") if isinstance(data, str) else data.count(b"{") + data.count(b"[")


def _is_deeper(data: bytes | bytearray | str, most: int) -> bool:
    depth = 0
    for match in _TOKEN.finditer(data.encode("utf-8", "replace") if isinstance(data, str) else data):
        token = match[0]
        if token in {b"{", b"["}:
            depth += 1
            if depth > most:
                return True
        elif token in {b"}", b"]"}:
            depth -= 1
    return False


def _size(platform: str = sys.platform) -> int:
    """The bytes of this thread's stack. Only Linux tells; macOS gives no less than 8 MiB, others about one."""
    if platform == "darwin":
        return 8 * _MEBIBYTE
    size = 0
    if platform == "linux":
        with contextlib.suppress(ImportError, AttributeError, OSError):
            size = _of_process() if threading.get_native_id() == os.getpid() else _of_thread()
    return size or _MEBIBYTE


def _of_process() -> int:
    """Of the first thread, whose stack grows to the limit; musl would tell how far it has grown."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return 8 * _MEBIBYTE if limit == resource.RLIM_INFINITY else limit


def _of_thread() -> int:
    """Of another thread, 0 where it is not told. ``threading.stack_size()`` cannot be asked: it sets the size."""
    import ctypes

    library = ctypes.CDLL(None)
    attributes = ctypes.create_string_buffer(256)  # More than it has anywhere.
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    library.pthread_self.restype = ctypes.c_void_p
    if library.pthread_getattr_np(ctypes.c_void_p(library.pthread_self()), attributes) != 0:
        return 0
    try:
        is_told = library.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size)) == 0
    finally:
        library.pthread_attr_destroy(attributes)
    return size.value if is_told else 0
