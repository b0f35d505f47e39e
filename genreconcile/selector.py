"""Label selectors: kubectl's strings, plain mappings and ``LabelSelector`` mappings.

Invariant: ``parse(str(selector)) == selector``, and the API server reads ``str(selector)`` the same way.
Grammar and meaning follow k8s.io/apimachinery/pkg/labels.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from genreconcile.arguments import shown
from genreconcile.errors import LoadError

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
# No other white space: a text that the server reads as a label must not be an empty selector here, which is everything.
_TOKEN = re.compile(r"[ \t\r\n]*(?:(?P<symbol>!=|==|[=!(),<>])|(?P<word>[^ \t\r\n=!(),<>]+))")
_SHOWN = 100
_LONGEST = 100_000
_EXPRESSION_KEYS = {"key", "operator", "values"}


@dataclass(frozen=True, slots=True, order=True)
class Requirement:
    """One condition; ``operator`` is In, NotIn, Exists or DoesNotExist, ``values`` is sorted and has no duplicates."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, Any]) -> bool:
        """Whether labels meet the condition; NotIn holds also where the label is missing."""
        if self.operator == "In":
            return self.key in labels and labels[self.key] in self.values
        if self.operator == "NotIn":
            return self.key not in labels or labels[self.key] not in self.values
        return (self.key in labels) == (self.operator == "Exists")

    def __str__(self) -> str:
        if not self.values:
            return self.key if self.operator == "Exists" else f"!{self.key}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == 'In' else '!='}{self.values[0]}"
        return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class ParsedSelector:
    """Conditions that must all hold; a selector without any matches everything."""

    requirements: tuple[Requirement, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether the selector matches every object, which is dangerous where objects are deleted."""
        return not self.requirements

    def matches(self, labels: Mapping[str, Any]) -> bool:
        """Whether an object with these labels is selected."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


def parse(spec: str | Mapping[str, Any] | ParsedSelector) -> ParsedSelector:
    """Read a selector; LoadError names the place that is wrong.

    A string is kubectl's (``a=b,c!=d,e,!f,g in (x,y),h notin (z)``), a mapping with ``matchLabels`` or
    ``matchExpressions`` is a ``LabelSelector``, any other mapping is equality. "" and {} match everything.
    """
    if isinstance(spec, ParsedSelector):
        return spec
    if isinstance(spec, str):
        if len(spec) > _LONGEST:
            raise LoadError(f"label selector: not readable: more than {_LONGEST} characters; shorten it", code="GR112")
        found = _Parser(spec).requirements()
    elif isinstance(spec, Mapping):
        found = _from_mapping(spec)
    else:
        raise LoadError(
            f"label selector: not readable: {type(spec).__name__}; give a string or a mapping", code="GR112"
        )
    return ParsedSelector(tuple(sorted(set(found))))


def _from_mapping(spec: Mapping[str, Any]) -> Iterator[Requirement]:
    if not {"matchLabels", "matchExpressions"} & set(spec):
        yield from _equalities(spec, "")
        return
    if extra := set(spec) - {"matchLabels", "matchExpressions"}:
        raise LoadError(
            f"label selector: unknown keys: {', '.join(sorted(map(str, extra)))}; "
            "beside matchLabels and matchExpressions nothing else is allowed",
            code="GR112",
        )
    yield from _equalities(spec.get("matchLabels") or {}, "matchLabels")
    expressions = spec.get("matchExpressions") or []
    if not isinstance(expressions, list | tuple):
        raise LoadError("label selector: matchExpressions: not a list; give [{key, operator, values}, …]", code="GR112")
    for index, expression in enumerate(expressions):
        yield _expression(expression, f"matchExpressions[{index}]")


def _equalities(labels: Any, place: str) -> Iterator[Requirement]:
    if not isinstance(labels, Mapping):
        raise LoadError(f"label selector: {place}: not a mapping; give {{label: value}}", code="GR112")
    for key, value in labels.items():
        yield _requirement(key, "In", [value], f"{place}[{shown(key)}]" if place else shown(key))


def _expression(expression: Any, place: str) -> Requirement:
    if not isinstance(expression, Mapping) or set(expression) - _EXPRESSION_KEYS:
        raise LoadError(
            f"label selector: {place}: no expression; give a mapping of key, operator and values", code="GR112"
        )
    operator, values = expression.get("operator"), expression.get("values") or []
    if operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
        raise LoadError(
            f"label selector: {place}.operator: unknown: {shown(operator)}; use In, NotIn, Exists or DoesNotExist",
            code="GR112",
        )
    needs_values = operator in ("In", "NotIn")
    if not isinstance(values, list | tuple) or bool(values) != needs_values:
        needed = "needs a list of at least one value" if needs_values else "takes no values"
        raise LoadError(f"label selector: {place}.values: {operator} {needed}", code="GR112")
    return _requirement(expression.get("key"), operator, values, place)


def _requirement(key: Any, operator: str, values: Any, place: str) -> Requirement:
    if not is_label_key(key):
        raise LoadError(
            f"label selector: {place}: invalid label key: {shown(key)}; a key is [prefix/]name, the name at most 63 "
            "of A-Z a-z 0-9 - _ . with a letter or digit at both ends",
            code="GR112",
        )
    for value in values:
        if not is_label_value(value):
            raise LoadError(
                f"label selector: {place}: invalid label value: {shown(value)}; a value is a string of at most 63 of "
                "A-Z a-z 0-9 - _ . with a letter or digit at both ends, or empty",
                code="GR112",
            )
    return Requirement(key, operator, tuple(sorted(set(values))))


def is_label_key(key: Any) -> bool:
    """Whether a value is a qualified name: ``name`` or ``dns.prefix/name``."""
    if not isinstance(key, str):
        return False
    prefix, slash, name = key.rpartition("/")
    if slash and not (len(prefix) <= 253 and _PREFIX.fullmatch(prefix)):
        return False
    return len(name) <= 63 and _NAME.fullmatch(name) is not None


def is_label_value(value: Any) -> bool:
    """Whether a value is "" or has the form of a qualified name's ``name``."""
    return value == "" or (isinstance(value, str) and len(value) <= 63 and _NAME.fullmatch(value) is not None)


class _Token(NamedTuple):
    text: str  # "" at the end
    position: int
    is_word: bool


def _scan(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        group = match.lastgroup or ""
        yield _Token(match[group], match.start(group), group == "word")
    yield _Token("", len(text), is_word=False)


class _Parser:
    """Recursive descent with one token of lookahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = deque(_scan(text))

    def requirements(self) -> Iterator[Requirement]:
        if self._next.text == "":
            return
        yield self._requirement()
        while self._next.text:
            self._expect(",")
            yield self._requirement()

    def _requirement(self) -> Requirement:
        if self._next.text == "!":
            self._take()
            return self._build(self._word("a label"), "DoesNotExist", [])
        key = self._word("a label")
        sign = self._next.text
        if sign in ("", ","):
            return self._build(key, "Exists", [])
        if sign not in ("=", "==", "!=", "in", "notin"):
            raise self._error("=, ==, !=, in or notin")
        self._take()
        if sign in ("in", "notin"):
            return self._build(key, "In" if sign == "in" else "NotIn", self._values())
        # A missing word before the comma or the end is the empty value.
        value = "" if self._next.text in ("", ",") else self._word("a value")
        return self._build(key, "NotIn" if sign == "!=" else "In", [value])

    def _values(self) -> list[str]:
        self._expect("(")
        values = []
        while True:
            # As in apimachinery, () and (a,) hold the empty value.
            values.append("" if self._next.text in (",", ")") else self._word("a value"))
            if self._next.text == ")":
                self._take()
                return values
            self._expect(",")

    def _build(self, key: str, operator: str, values: list[str]) -> Requirement:
        return _requirement(key, operator, values, shown(self._text))

    @property
    def _next(self) -> _Token:
        return self._tokens[0]

    def _take(self) -> str:
        return self._tokens.popleft().text

    def _word(self, wanted: str) -> str:
        if not self._next.is_word:
            raise self._error(wanted)
        return self._take()

    def _expect(self, symbol: str) -> None:
        if self._next.text != symbol:
            raise self._error(symbol)
        self._take()

    def _error(self, wanted: str) -> LoadError:
        return LoadError(
            f"label selector {shown(self._text)}: not readable at character {self._next.position + 1}: "
            f"found {self._next.text[:_SHOWN] or 'the end'}; expected {wanted}",
            code="GR112",
        )
