"""What the holder of a Lease tells those who wait, as an annotation of it; pure.

Invariant: whatever stands there is read as a text of bounded length: who may write the Lease may lead as well, and is
trusted no further.
"""

from __future__ import annotations

from typing import Any, Final

from genreconcile.objects import Object, metadata_of

NOTE: Final = "genreconcile.dev/watched"
_LONGEST: Final = 32 * 1024


def note_of(lease: Object | None) -> str:
    """The text, "" where there is none that can be meant."""
    annotations: Any = metadata_of(lease).get("annotations") if lease is not None else None
    text = annotations.get(NOTE) if isinstance(annotations, dict) else None
    return text if isinstance(text, str) and len(text) <= _LONGEST else ""


def with_note(lease: Object, text: str) -> Object:
    """A copy with this text; with "" as it is."""
    if not text or len(text) > _LONGEST:
        return lease
    metadata = metadata_of(lease)
    return {**lease, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), NOTE: text}}}
