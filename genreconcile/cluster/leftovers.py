"""What OpenSSL keeps, for each thread, of a connection that broke.

Invariant: what happened to one connection is never read as an error of another. ``ssl`` leaves an error that was the
system's, such as a broken pipe, in the thread's queue of errors (python/cpython#148594; OpenSSL from 3.4 on puts such
errors there). The next answer that the thread waits for, on a connection that is well, would be that error: a write
that was made would pass for one that failed.
"""

from __future__ import annotations

import functools
import ssl


def forget_errors() -> None:
    """Empty the queue of this thread, as each new TLS object does; takes microseconds."""
    _context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())


@functools.cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # It connects to nothing.
    return context
