"""Recognises the refusals that mean that only a new object can have the expected value.

Invariant: pure; any other refusal is an ordinary one, and nothing is deleted for it. A refusal by admission is never
recognised, whatever its text: a new object would evade it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from genreconcile.apply.transition import says_unchangeable
from genreconcile.cluster.immutable import IMMUTABLE
from genreconcile.cluster.refusal import REFUSED_BY, VALIDATION
from genreconcile.cluster.words import detail_of
from genreconcile.errors import Invalid
from genreconcile.normalize.compiled import ANY, Node
from genreconcile.ownership import Membership
from genreconcile.plan import Change
from genreconcile.plan.protection import protection, takes_others
from genreconcile.pointer import split_pointer

Tokens = tuple[str, ...]
_STEP: Final = re.compile(r"\[([^\]]*)\]|([^.\[]+)")
_EXEMPT: Final = re.compile(r"other than (.*)", re.DOTALL)
_NAME: Final = re.compile(r"[`']([\w.\[\]*]+)[`'](?! \()")  # A name with a condition in brackets does not count.


def unlosable(change: Change, members: Membership | None = None) -> str:
    """Why an object may not be deleted even if it is created again at once; "" where it may be.

    It may be where the parent of the set ``members`` controls it: whose set that is creates it again.
    """
    if takes_others(change.key):
        return "not recreated: others, or data, would go with it; delete it yourself"
    found = protection(change.key, change.live or {}, members=members)
    return f"not recreated: {found.reason}" if found is not None else ""


def is_immutable(error: Invalid, paths: Iterable[str], root: Node) -> bool:
    """Whether validation refused a patch of these paths for immutable fields alone.

    Each cause must be about a field that the patch touches: a field that a webhook changes is no reason to recreate.
    """
    causes: Any = error.details.get("causes") or ()
    if error.details.get(REFUSED_BY) != VALIDATION or not causes:
        return False
    patched = [split_pointer(path) for path in paths]
    return all(_is_unchangeable(cause, patched, root) for cause in causes)


def _is_unchangeable(cause: Mapping[str, Any], patched: list[Tokens], root: Node) -> bool:
    place = field_tokens(str(cause.get("field") or ""))
    if root.type.custom and place[:1] != ("metadata",):
        return _breaks_rule(str(cause["message"]), place, patched, root)
    if not cause.get(IMMUTABLE) or root.type is ANY:  # Without a schema, the words may be anybody's.
        return False
    own = place if _is_known(place, root) else place[:-1]  # The last name may stand for any of several fields.
    return any(_is_touched(own, path) and not _is_exempt(str(cause["message"]), own, path) for path in patched)


def field_tokens(field: str) -> Tokens:
    """``spec.rules[0].host`` → spec, rules, 0, host; ``<nil>``, the root, has none."""
    return () if field == "<nil>" else tuple(index or name for index, name in _STEP.findall(field))


def _breaks_rule(message: str, place: Tokens, patched: list[Tokens], root: Node) -> bool:
    """Whether the patch touches a value that a validation rule of the definition keeps, at the place or above it."""
    return any(
        says_unchangeable(node.type.validations, detail_of(message)) and any(_is_touched(own, path) for path in patched)
        for own, node in _way(place, root)
    )


def _way(place: Tokens, root: Node) -> Iterator[tuple[Tokens, Node]]:
    """The nodes from the root to the one at a place, each with its own place."""
    yield (), root
    node = root
    for depth, token in enumerate(place):
        node = node.member().node if node.type.shape == "list" else node.child(token).node
        yield place[: depth + 1], node


def _is_known(place: Tokens, root: Node) -> bool:
    return all(
        node.type.shape != "object" or place[len(own)] in node.type.fields
        for own, node in _way(place, root)
        if len(own) < len(place)
    )


def _is_touched(place: Tokens, path: Tokens) -> bool:
    """Whether a patch at the path touches the value at the place."""
    return all(map(_is_same, place, path)) and (bool(place) or path[:1] != ("metadata",))


def _is_same(one: str, other: str) -> bool:
    """Whether tokens are equal, both indexes, or singular and plural of one field (``clusterIP``, ``clusterIPs``)."""
    if _is_index(one) and _is_index(other):
        return True
    return other in (one, f"{one}s") or one == f"{other}s"


def _is_index(token: str) -> bool:
    return token == "-" or token.isdecimal()


def _is_exempt(message: str, place: Tokens, path: Tokens) -> bool:
    """Whether the message says that the path may change: then it is about a field that somebody else changed."""
    found = _EXEMPT.search(message)
    for name in _NAME.findall(found[1]) if found else ():
        tokens = field_tokens(name)
        below = path[: len(place)] + tokens if tokens[: len(place)] != place else tokens
        if len(below) <= len(path) and all(a in {"*", b} for a, b in zip(below, path, strict=False)):
            return True
    return False
