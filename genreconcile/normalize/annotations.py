"""Rules in the annotations of an object.

``genreconcile.dev/ignore: /spec/replicas,/spec/template`` (or ``adopt``) lists JSON pointers with commas between them;
``genreconcile.dev/subset: /spec`` compares below a path only the fields that expected sets ("/": in the whole object);
``genreconcile.dev/sensitive: /spec/password`` hides values from every output.

Invariant: a text that is no list of JSON pointers is an InputError, so that nothing is ignored by mistake.
"""

from __future__ import annotations

import functools
from typing import Final

from genreconcile.errors import InputError
from genreconcile.normalize.path import parse_path
from genreconcile.normalize.rule import Rule
from genreconcile.normalize.shown import shown

PREFIX: Final = "genreconcile.dev/"
ANNOTATED: Final = ("ignore", "adopt", "subset", "sensitive")
ANNOTATIONS: Final = frozenset(PREFIX + action for action in ANNOTATED)
"""The annotations that carry rules."""
_LONGEST: Final = 10_000
_LAYER: Final = 50  # Behind the user's rules, before the shipped ones.


def annotated(texts: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules in the values of the annotations ANNOTATED, given in that order ("" for a missing one).

    InputError for a value that is too long, or no list of JSON pointers.
    """
    for action, paths in zip(ANNOTATED, texts, strict=True):
        if len(paths) > _LONGEST:
            where = f"/metadata/annotations/{PREFIX.replace('/', '~1')}{action}"
            raise InputError(f"{where}: more than {_LONGEST} characters; shorten it", where, code="GR215")
    return _parsed(texts)


@functools.lru_cache(maxsize=1024)
def _parsed(texts: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(
        _rule(action, text.strip())
        for action, paths in zip(ANNOTATED, texts, strict=True)
        for text in paths.split(",")
        if text.strip()
    )


def _rule(action: str, text: str) -> Rule:
    name = PREFIX + action
    where = f"/metadata/annotations/{name.replace('/', '~1')}"
    try:
        tokens = parse_path("*" if text == "/" else text)
    except ValueError as error:
        raise InputError(
            f"{where}: {error}; write JSON pointers with commas between them", where, code="GR215"
        ) from None
    if not text.startswith("/"):
        raise InputError(
            f"{where}: {shown(text)} does not begin with /; write JSON pointers, such as /spec/replicas",
            where,
            code="GR215",
        )
    return Rule(
        f"annotation {name}", ("*",), tokens, action, argument=True, root=True, source="annotation", layer=_LAYER
    )
