"""Rules that an expected object carries itself, in its annotations.

``genreconcile.dev/ignore: /spec/replicas,/spec/template`` (or ``adopt``) names paths, and
``genreconcile.dev/subset: /spec`` compares below a path only what expected sets ("/" for the whole object);
``genreconcile.dev/sensitive: /spec/password`` hides values from every output.

Invariant: only expected is asked; a path that is none is an InputError, so that nothing is ignored by mistake.
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
    """The rules of the annotations ANNOTATED, given in that order ("" for one that is missing).

    InputError for one that is longer than an API server takes.
    """
    for action, paths in zip(ANNOTATED, texts, strict=True):
        if len(paths) > _LONGEST:
            where = f"/metadata/annotations/{PREFIX.replace('/', '~1')}{action}"
            raise InputError(f"{where}: more than {_LONGEST} characters; shorten it", where)
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
        raise InputError(f"{where}: {error}; write JSON pointers with commas between them", where) from None
    if not text.startswith("/"):
        raise InputError(
            f"{where}: {shown(text)} does not begin with /; write JSON pointers, such as /spec/replicas", where
        )
    return Rule(
        f"annotation {name}", ("*",), tokens, action, argument=True, root=True, source="annotation", layer=_LAYER
    )
