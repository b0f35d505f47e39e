"""Takes secrets out of the answer to a request that wrote them.

Invariant: a request whose body cannot be read hides its whole answer.
"""

from __future__ import annotations

from genreconcile.gojson import loads
from genreconcile.mask.fields import EVERYTHING, fields_of_resource
from genreconcile.mask.text import NOT_SHOWN, mask_text, without_words


def mask_answer(method: str, path: str, body: bytes | None, text: str) -> str:
    """``text``, which answers a write of ``body`` to ``path``, without secrets by kind that were written.

    A deletion does not say what it deletes, and a merge or an apply not what stays: so what admission says of that is
    left out.
    """
    fields = fields_of_resource(path)
    if fields and method == "DELETE":
        return without_words(text)
    if not fields or not body:
        return text
    try:
        written = loads(body)
    except ValueError:
        return NOT_SHOWN
    if isinstance(written, list):  # A JSON patch, whose values may be anything's.
        values = [operation.get("value") for operation in written if isinstance(operation, dict)]
        return mask_text(EVERYTHING, text, {"values": values})
    if not isinstance(written, dict):
        return NOT_SHOWN
    return mask_text(fields, without_words(text) if method == "PATCH" else text, written)
