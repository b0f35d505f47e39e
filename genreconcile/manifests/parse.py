"""YAML and JSON text → documents.

Invariant: memory and depth are bounded by the length of the text, whatever it holds, and no message quotes a value.
Scalars, and keys, mean what they mean to kubectl (sigs.k8s.io/yaml, YAML 1.1 with exceptions): ``yes`` and ``y`` are
true, ``0644`` is 420, ``1e3`` is a number, ``12:30`` and dates are strings. Tags other than those of JSON's types are
refused, and so are keys and anchors that come twice: kubectl passes over all of them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from genreconcile.errors import LoadError
from genreconcile.manifests.scalars import key_text, resolve

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]  # the same interface, only slower

# PyYAML's C composer is recursive without a limit: nested deeply enough, a text ends the process.
_MAX_DEPTH = 500
# The most nodes of one document, half a kilobyte each while it is read, and of one text: more would take minutes.
_MAX_NODES = 1_000_000
_MAX_NODES_OF_TEXT = 4_000_000
# The most nodes that aliases may add to one document (CVE-2019-11253, "billion laughs").
_MAX_ALIASED_NODES = 100_000

_LONGEST_KEY = 80
# A quotation of three characters or more; a shorter one is a character that the scanner expected or found.
_QUOTED = re.compile(r"\s*('[^']{3,}.*|\"[^\"]{3,}.*)", re.DOTALL)

_TAG = "tag:yaml.org,2002:"
_TAGS = {bool: _TAG + "bool", int: _TAG + "int", float: _TAG + "float", type(None): _TAG + "null", str: _TAG + "str"}
_MERGE = _TAG + "merge"


class _RefusedError(yaml.MarkedYAMLError):
    """YAML that this package refuses; its text is our own, and quotes no value."""


class _Loader(_SafeLoader):
    """Builds JSON types alone and refuses a key that comes twice in one mapping."""

    # None is the key of the constructor that refuses unknown tags.
    yaml_constructors = {  # noqa: RUF012 -- PyYAML declares it on the class
        tag: constructor
        for tag, constructor in _SafeLoader.yaml_constructors.items()
        if tag is None or tag.removeprefix(_TAG) in ("str", "seq", "map")
    }

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.entries: dict[yaml.MappingNode, dict[str, yaml.Node]] = {}

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """The tag of a node that has none. Only a scalar without quotes may be other than a string."""
        if kind is not yaml.ScalarNode:
            return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]  # PyYAML's stubs lack it
        if not implicit[0]:
            return _TAGS[str]
        return _MERGE if value == "<<" else _TAGS[resolve(value).__class__]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, all its keys as texts."""
        return {key: self.construct_object(value, deep=deep) for key, value in self.entries_of(node).items()}

    def entries_of(self, node: yaml.MappingNode) -> dict[str, yaml.Node]:
        """The values by key, merged mappings included: as in kubectl, the later entry wins."""
        if (known := self.entries.get(node)) is not None:
            return known
        seen: set[tuple[str, bool]] = set()
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            is_merge = key_node.tag == _MERGE
            key = "<<" if is_merge else self.key_of(key_node)
            if (key, is_merge) in seen:
                raise _refused(f"the key {key[:_LONGEST_KEY]!r} comes twice in one mapping", key_node)
            seen.add((key, is_merge))
            found |= self.merged(value) if is_merge else {key: value}
        self.entries[node] = found
        return found

    def key_of(self, node: yaml.Node) -> str:
        """The text of a key. Raises _RefusedError for a key that is no text to kubectl."""
        if not isinstance(node, yaml.ScalarNode):
            raise _refused("found unhashable key", node)
        key = self.construct_object(node)
        text = None if key is None else key_text(key)
        if text is None:
            raise _refused("a key is no string; quote it", node)
        return text

    def merged(self, node: yaml.Node) -> dict[str, yaml.Node]:
        """The entries that ``<<`` merges: the first of several mappings wins."""
        found: dict[str, yaml.Node] = {}
        for part in reversed(node.value) if isinstance(node, yaml.SequenceNode) else (node,):
            if not isinstance(part, yaml.MappingNode):
                raise _refused("expected a mapping or list of mappings for merging", part)
            found |= self.entries_of(part)
        return found

    def construct_scalar_of(self, node: yaml.ScalarNode) -> Any:
        """The null, boolean or number of a scalar; a tag may ask for one in quotes as well."""
        value: Any = resolve(str(node.value))
        if node.tag == _TAGS[float] and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if _TAGS[value.__class__] != node.tag:
            raise ValueError("not of the type of its tag")
        return value


def _refused(problem: str, node: yaml.Node) -> _RefusedError:
    return _RefusedError(problem=problem, problem_mark=node.start_mark)


_Loader.yaml_constructors |= {_TAGS[kind]: _Loader.construct_scalar_of for kind in _TAGS if kind is not str}
# ``<<`` as a value, not a key, is a string.
_Loader.yaml_constructors[_MERGE] = _Loader.construct_yaml_str


def documents(text: str, name: str, *, strict_json: bool = False) -> Iterator[tuple[Any, int]]:
    """Each document with the number of its first line; empty ones are left out. Raises LoadError.

    A text that begins with a brace is read as JSON, and where that fails and ``strict_json`` is not set, as YAML.
    """
    if strict_json or text.lstrip().startswith("{"):
        found, problem = _json_or_problem(text, name)
        if not problem:
            return iter(found)
        if strict_json:
            raise LoadError(problem)
    return _yaml(text, name)


def _json_or_problem(text: str, name: str) -> tuple[list[tuple[Any, int]], str]:
    """The documents and "", or none and the problem of a text that is no JSON at all. Raises LoadError for a text that
    YAML cannot read either. The problem is not raised here, for the JSONDecodeError holds the text, and would be
    chained.
    """
    try:
        return list(_json(text, name)), ""
    except json.JSONDecodeError as error:
        return [], f"{name}:{error.lineno}: not readable: {error.msg}; correct the JSON"


def _json(text: str, name: str) -> Iterator[tuple[Any, int]]:
    if text.count("{") + text.count("[") > _MAX_NODES_OF_TEXT:
        raise LoadError(f"{name}: not readable: more than {_MAX_NODES_OF_TEXT} objects and lists; split it")
    start = _skip_space(text, 0)
    while start < len(text):
        line = text.count("\n", 0, start) + 1
        problem = ""
        try:
            value, end = _JSON.raw_decode(text, start)
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:
            problem = _json_problem(error)
        if problem:
            raise LoadError(f"{name}:{line}: not readable: {problem}; correct the JSON")
        yield value, line
        start = _skip_space(text, end)


def _skip_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


class _BadJSONError(ValueError):
    """JSON that Python reads, and that must not reach Kubernetes."""


def _json_problem(error: Exception) -> str:
    if isinstance(error, _BadJSONError):
        return str(error)
    return "nested too deeply" if isinstance(error, RecursionError) else "a number is too long"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise _BadJSONError(f"the key {twice[:_LONGEST_KEY]!r} comes twice in one mapping")
    return result


def _no_constant(name: str) -> None:
    raise _BadJSONError(f"{name} is no JSON")


_SPACE = re.compile(r"[ \t\n\r]*")
_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _yaml(text: str, name: str) -> Iterator[tuple[Any, int]]:
    line, problem = 1, ""
    try:
        _refuse_unbounded(text)
        loader = _Loader(text)
        try:
            while loader.check_node() and (node := loader.get_node()):
                line = node.start_mark.line + 1
                value = loader.construct_document(node)
                loader.entries.clear()
                if value is not None:
                    yield value, line
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        line, problem = _line(error, line), _yaml_problem(error)
    # A scalar that is not of the type of its tag; the error's own text would quote it.
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        problem = "a value does not fit its type"
    if problem:  # Not in a handler: these errors hold the text, and must not be chained.
        raise LoadError(f"{name}:{line}: not readable: {problem}; correct the YAML")


def _line(error: yaml.YAMLError, default: int) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else default


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f"{error.reason} at position {error.position}"
    problem: str = getattr(error, "problem", None) or "no YAML"
    # libyaml's own bound may be lower than ours.
    if "nesting depth" in problem:
        return "nested too deeply"
    # PyYAML quotes tags and aliases: a password may begin with ! or *.
    return problem if isinstance(error, _RefusedError) else _QUOTED.sub("", problem)


def _refuse_unbounded(text: str) -> None:
    """Refuse a text by its events, without recursion, for its depth and the nodes that aliases will add."""
    bounds = _Bounds()
    for event in yaml.parse(text, _SafeLoader):
        problem = bounds.see(event)
        if isinstance(event, yaml.ScalarEvent) and event.tag == "!":
            problem = "the tag ! says nothing; quote the value"
        if problem:
            mark: Any = event.start_mark  # C's Mark, which has the same attributes
            raise _RefusedError(problem=problem, problem_mark=mark)


class _Bounds:
    """Depth, and the number of nodes with aliases expanded, of the document whose events it sees."""

    def __init__(self) -> None:
        self._size = 0
        self._added = 0
        self._sizes: dict[str | None, int] = {}  # by anchor
        self._open: list[tuple[str | None, int]] = []  # anchor, size before it
        self._total = 0

    def see(self, event: yaml.Event) -> str:
        """Count one event; returns the bound that is broken, in words, "" for none."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._size, self._added, self._sizes = 0, 0, {}
            self._total += 1
        elif isinstance(event, yaml.AliasEvent):
            # PyYAML would build a mapping that holds itself.
            if any(anchor == event.anchor for anchor, _ in self._open):
                return "an alias is inside of what it stands for"
            self._added += self._sizes.get(event.anchor, 0)
            self._size += self._sizes.get(event.anchor, 0)
        elif isinstance(event, yaml.ScalarEvent):
            self._size += 1
            self._sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, self._size))
            self._size += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self._open.pop()
            self._sizes[anchor] = self._size - before
        if len(self._open) > _MAX_DEPTH:
            return "nested too deeply"
        self._total += isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        if self._size - self._added > _MAX_NODES or self._total > _MAX_NODES_OF_TEXT:
            return f"more than {_MAX_NODES} values in one document, or {_MAX_NODES_OF_TEXT} in all; split it"
        return "aliases repeat too much" if self._added > _MAX_ALIASED_NODES else ""
