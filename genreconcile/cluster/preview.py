"""The first bytes of an answer, for those who can go on before the rest has come.

Invariant: shown once, by the thread that reads the answer, and never for an answer that is an error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

_thread = threading.local()


class Preview:
    """``begun`` is called with the first bytes, at least one, of each answer to ``request`` that this thread waits for
    inside ``with preview:``. A cluster need not do so; ``begun`` must not raise.
    """

    def __init__(self, begun: Callable[[bytes], None]) -> None:
        self.begun = begun

    @staticmethod
    def current() -> Callable[[bytes], None] | None:
        """What this thread is to call: a cluster's part."""
        preview: Preview | None = getattr(_thread, "preview", None)
        return None if preview is None else preview.begun

    def __enter__(self) -> Self:
        _thread.preview = self
        return self

    def __exit__(self, *_: object) -> None:
        _thread.preview = None
