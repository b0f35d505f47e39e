"""A request and its answer, the same for ``exchange`` and ``urlopen``.

Invariant: a request has one spelling: a server receives ``bytes(request)``.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

CHUNK = 64 * 1024
CONNECT_TIMEOUT = 10.0


class Request(NamedTuple):
    """A request without its connection; ``headers`` are complete, and a name may repeat."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes | None

    def __bytes__(self) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + (self.body or b"")


class Response(ABC):
    """An answer whose head has been read, and whose body is read on demand. Not thread-safe, but for ``end``."""

    @property
    @abstractmethod
    def status(self) -> int:
        """The HTTP status code."""

    @property
    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """The headers by name in lower case; of several with one name the last."""

    @abstractmethod
    def read1(self) -> bytes:
        """The next bytes of the body, at most ``CHUNK``; b"" at its end. Raises as ``exchange.exchange``."""

    @abstractmethod
    def wait_at_most(self, seconds: float) -> None:
        """Set the longest silence from now on, in seconds."""

    @abstractmethod
    def close(self) -> None:
        """Let the connection go: closed, unless the body was read to its end."""

    @abstractmethod
    def end(self) -> None:
        """End the body early for the thread that reads it. Called from another thread."""

    def read(self, most: int | None = None, begun: Callable[[bytes], None] | None = None) -> bytes:
        """The rest of the body, or the first ``most`` bytes of it; ``begun`` is called with the first part.

        Raises as ``exchange.exchange``.
        """
        whole = io.BytesIO()  # ``getvalue`` makes no copy, as a join of the parts would.
        while (most is None or whole.tell() < most) and (part := self.read1()):
            if begun is not None and not whole.tell():
                begun(part)
            whole.write(part)
        whole.truncate(most)
        return whole.getvalue()
