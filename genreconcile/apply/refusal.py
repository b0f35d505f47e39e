"""Which refusals mean that only a new object can have the expected value.

Invariant: pure; what is not recognised is an ordinary refusal, and nothing is deleted for it. What admission refuses is
never recognised, whatever it says: a new object would get past it.
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
from genreconcile.plan import Change
from genreconcile.plan.protection import protection, takes_others
from genreconcile.pointer import split_pointer

Tokens = tuple[str, ...]
_STEP: Final = re.compile(r"\[([^\]]*)\]|([^.\[]+)")
_EXEMPT: Final = re.compile(r"other than (.*)", re.DOTALL)
_NAME: Final = re.compile(r"[`']([\w.\[\]*]+)[`'](?! \()")  # In brackets follows a condition.


def unlosable(change: Change) -> str:
    """Why an object is not to be deleted, not even to be created again at once; "" where it may be."""
    if takes_others(change.key):
        return "not recreated: others, or data, would go with it; delete it yourself"
    found = protection(change.key, change.live or {})
    return f"not recreated: {found.reason}" if found is not None else ""


def is_immutable(error: Invalid, paths: Iterable[str], root: Node) -> bool:
    """Whether validation refused a patch of these paths for nothing else than that a field may not change.

    Each cause is about a field that the patch touches: what a webhook changes besides is no reason to recreate.
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
    if not cause.get(IMMUTABLE) or root.type is ANY:  # Of what no schema describes, the words may be anybody's.
        return False
    own = place if _is_known(place, root) else place[:-1]  # Some names stand for any of several fields.
    return any(_is_touched(own, path) and not _is_exempt(str(cause["message"]), own, path) for path in patched)


def field_tokens(field: str) -> Tokens:
    """``spec.rules[0].host`` → spec, rules, 0, host; ``<nil>``, the root, has none."""
    return () if field == "<nil>" else tuple(index or name for index, name in _STEP.findall(field))


def _breaks_rule(message: str, place: Tokens, patched: list[Tokens], root: Node) -> bool:
    """Whether a definition's own rule keeps the value at the place, or above it."""
    return any(
        says_unchangeable(node.type.validations, detail_of(message)) and any(_is_touched(own, path) for path in patched)
        for own, node in _way(place, root)
    )


def _way(place: Tokens, root: Node) -> Iterator[tuple[Tokens, Node]]:
    """The nodes on the way to a place, itself included, each with its own place."""
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
    """Whether a patch at the path touches what stands at the place."""
    return all(map(_is_same, place, path)) and (bool(place) or path[:1] != ("metadata",))


def _is_same(one: str, other: str) -> bool:
    """Also any two members of a list, and the names of one value and of several: ``clusterIP`` and ``clusterIPs``."""
    if _is_index(one) and _is_index(other):
        return True
    return other in (one, f"{one}s") or one == f"{other}s"


def _is_index(token: str) -> bool:
    return token == "-" or token.isdecimal()


def _is_exempt(message: str, place: Tokens, path: Tokens) -> bool:
    """Whether the refusal says of the path that it may change: then it is about what somebody else changed."""
    found = _EXEMPT.search(message)
    for name in _NAME.findall(found[1]) if found else ():
        tokens = field_tokens(name)
        below = path[: len(place)] + tokens if tokens[: len(place)] != place else tokens
        if len(below) <= len(path) and all(a in {"*", b} for a, b in zip(below, path, strict=False)):
            return True
    return False
