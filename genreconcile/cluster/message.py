"""A request, and what is read of its answer, whichever way it went.

Invariant: of a request there is one spelling; what ``bytes`` gives is what a server receives.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CHUNK = 64 * 1024
CONNECT_TIMEOUT = 10.0


class Request(NamedTuple):
    """All of a request but the connection; ``headers`` are complete, and a name may repeat."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes | None

    def __bytes__(self) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + (self.body or b"")


class Response(ABC):
    """An answer whose head was read, and whose body comes as it is asked for. Not thread-safe but for ``end``."""

    @property
    @abstractmethod
    def status(self) -> int:
        """The code."""

    @property
    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """By the name in lower case; of several with one name the last."""

    @abstractmethod
    def read1(self) -> bytes:
        """What has come of the body, at most ``CHUNK`` bytes; b"" at its end. Raises as ``exchange``."""

    @abstractmethod
    def wait_at_most(self, seconds: float) -> None:
        """The longest silence from now on."""

    @abstractmethod
    def close(self) -> None:
        """Let the connection go. Where the body was not read to its end, it is of no use to others."""

    @abstractmethod
    def end(self) -> None:
        """Have whoever reads the body find its end, an early one. Called from another thread."""

    def read(self, most: int | None = None) -> bytes:
        """The rest of the body, or the first ``most`` bytes of it. Raises as ``exchange``."""
        whole = io.BytesIO()  # What it returns is no copy, as a join of the parts would be.
        while (most is None or whole.tell() < most) and (part := self.read1()):
            whole.write(part)
        whole.truncate(most)
        return whole.getvalue()
