"""Which shard a parent is in; pure.

Invariant: the answer depends on the key and the number of shards alone: not on the process, the version of Python, or
the API version in which the parent is read.
"""

from __future__ import annotations

import hashlib
from typing import Final

from genreconcile.objects import ObjectKey

_BYTES: Final = 8


def shard_of(key: ObjectKey, shards: int) -> int:
    """The number of the shard of a parent, from 0 on."""
    text = f"{key.group}\0{key.kind}\0{key.namespace}\0{key.name}"  # NUL is in no name.
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:_BYTES], "big") % shards
