"""Takes secrets out of the answer to a request that wrote them.

Invariant: a request whose body cannot be read hides its whole answer.
"""

from __future__ import annotations

from collections.abc import Callable

from genreconcile.gojson import loads
from genreconcile.mask.fields import EVERYTHING, fields_of_resource
from genreconcile.mask.text import NOT_SHOWN, Hiding, without_words


def hiding_answer(method: str, path: str, body: bytes | None) -> Callable[[str], str]:
    """A function that takes the secrets out of any text of the answer to a request that wrote ``body`` to ``path``.

    A deletion does not carry the object that it deletes, and a merge or an apply not the rest of the object: there, all
    words of admission are left out.
    """
    fields = fields_of_resource(path)
    if fields and method == "DELETE":
        return without_words
    if not fields or not body:
        return str
    try:
        written = loads(body)
    except ValueError:
        return _nothing
    if isinstance(written, list):  # A JSON patch, whose values may be of any field.
        values = [operation.get("value") for operation in written if isinstance(operation, dict)]
        return Hiding(EVERYTHING, {"values": values})
    if not isinstance(written, dict):
        return _nothing
    hide = Hiding(fields, written)
    return (lambda text: hide(without_words(text))) if method == "PATCH" else hide


def _nothing(_: str) -> str:
    return NOT_SHOWN
