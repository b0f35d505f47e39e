"""Validation rules of custom resources that make a value immutable, as against those that only restrict a change.

Invariant: pure. A rule counts only if it compares one value with its old value: a rule that also looks at another
field, or at a certain value, refuses only for now, and a new object would evade it.

Source: https://kubernetes.io/docs/reference/using-api/cel/, transition rules.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<path>(?:self|oldSelf)\b(?:\s*\.\s*[A-Za-z_]\w*(?!\w*\s*\())*)|(?P<nothing>''|""|\b0\b|\bnull\b)"""
    r"""|(?P<word>\b(?:has|size|true|false)\b)|(?P<sign>&&|\|\||==|!=|[()!?:]))"""
)
_SPACE: Final = re.compile(r"\s+")


@functools.lru_cache(maxsize=1024)
def keeps_value(rule: str) -> bool:
    """Whether a CEL rule says that a value, once set, stays as it is."""
    about_change = [part for part in _conjuncts(rule) if re.search(r"\boldSelf\b", part)]
    return bool(about_change) and all(map(_is_about_one_value, about_change))


def says_unchangeable(rules: list[Mapping[str, Any]], said: str) -> bool:
    """Whether ``said`` is the message of a rule that keeps a value, and of no other rule.

    ``said`` may have ``***`` in the place of values.
    """
    speaking = [rule for rule in rules if _may_say(rule, said)]
    return bool(speaking) and all(keeps_value(str(rule.get("rule"))) for rule in speaking)


def _may_say(rule: Mapping[str, Any], said: str) -> bool:
    """Whether a rule's message may read so; a rule that computes its message may say anything."""
    if rule.get("messageExpression"):
        return True
    words = str(rule.get("message") or "").strip() or f"failed rule: {str(rule.get('rule')).strip()}"
    pattern = re.escape(said).replace(re.escape("***"), ".*")
    return re.fullmatch(pattern, words, re.DOTALL) is not None


def _conjuncts(rule: str) -> Iterator[str]:
    """The operands of a rule's ``&&`` at the top; the whole rule under ``||`` or ``?``, which bind less tightly."""
    rule = _bare(rule.strip())
    signs = list(_top_signs(rule))
    if not signs or any(sign != "&&" for _, sign in signs):
        yield rule
        return
    places = [-2, *(place for place, _ in signs), len(rule)]
    for start, end in itertools.pairwise(places):
        yield from _conjuncts(rule[start + 2 : end])


def _top_signs(rule: str) -> Iterator[tuple[int, str]]:
    """The places of ``&&``, ``||`` and ``?`` outside of brackets and string literals, each with its sign."""
    depth, quote = 0, ""
    for place, character in enumerate(rule):
        if quote:
            quote = "" if character == quote and rule[place - 1] != "\\" else quote
        elif character in "'\"":
            quote = character
        elif character in "([{)]}":
            depth += 1 if character in "([{" else -1
        elif not depth and (character == "?" or rule[place : place + 2] in {"&&", "||"}):
            yield place, "?" if character == "?" else rule[place : place + 2]


def _bare(rule: str) -> str:
    """A rule without brackets around all of it."""
    while rule.startswith("(") and rule.endswith(")") and _closes_last(rule):
        rule = rule[1:-1].strip()
    return rule


def _closes_last(rule: str) -> bool:
    depth = 0
    for place, character in enumerate(rule):
        depth += (character == "(") - (character == ")")
        if not depth:
            return place == len(rule) - 1
    return False


def _is_about_one_value(part: str) -> bool:
    """Whether a part compares one value with its old value, and otherwise only with being absent or empty."""
    paths, names, place = set(), set(), 0
    part = part.strip()
    while place < len(part):
        token = _TOKEN.match(part, place)
        if token is None:
            return False
        if token["path"]:
            name, _, path = _SPACE.sub("", token["path"]).partition(".")
            names.add(name)
            paths.add(path)
        place = token.end()
    return len(paths) == 1 and names == {"self", "oldSelf"}
