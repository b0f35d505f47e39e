"""Events of a YAML parser → plain values.

Invariant: one pass, without recursion; what is built is bounded while it is built: in depth, in values, and in what
aliases add. Only JSON's types come out; every key is a text, and comes once in its mapping. No message quotes a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from genreconcile.manifests.scalars import key_text, resolve

_MAX_DEPTH: Final = 500
_MAX_NODES: Final = 1_000_000
_MAX_NODES_OF_TEXT: Final = 4_000_000
"""The most values of one document, and of one text: more would take minutes."""
_MAX_ALIASED_NODES: Final = 100_000
"""The most values that aliases may add to one document (CVE-2019-11253, "billion laughs")."""
_LONGEST_KEY: Final = 80

_TAG: Final = "tag:yaml.org,2002:"
_TEXT: Final = _TAG + "str"
_FLOAT: Final = _TAG + "float"
_MERGE: Final = _TAG + "merge"
_MERGE_KEY: Final = "<<"
_COLLECTIONS: Final = {_TAG + "map": "mapping", _TAG + "seq": "sequence"}
_TYPES: Final[dict[str, type]] = {_TAG + "bool": bool, _TAG + "int": int, _FLOAT: float, _TAG + "null": type(None)}


class RefusedError(ValueError):
    """YAML that this package refuses. ``problem`` is our own text, and quotes no value; ``line`` counts from 1."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


class _Open:
    """A mapping, or a list, whose end has not come."""

    def __init__(self, mapping: dict[str, Any], sequence: list[Any] | None, start: Any, before: int) -> None:
        self.mapping = mapping
        self.sequence = sequence
        """None for a mapping."""
        self.start = start
        self.before = before
        """The size of the document before it."""
        self.key: str | None = None
        """The key whose value comes next; None where a key does."""
        self.merge: Any = None
        """The event of that key, where it merges."""
        self.own: set[str] | None = None
        """The mapping's own keys, once it merges others."""


class Builder:
    """Builds the documents of one text; ``get_event`` gives the parser's next event.

    ``most`` is the largest number of values in one document, ``most_of_text`` that in all.
    """

    def __init__(
        self, get_event: Callable[[], Any], most: int = _MAX_NODES, most_of_text: int = _MAX_NODES_OF_TEXT
    ) -> None:
        self._get_event = get_event
        self._most = most
        self._most_of_text = most_of_text
        self._total = 0
        self._size = 0  # Of the document, what aliases stand for included.
        self._added = 0  # By aliases.
        self._open: list[_Open] = []
        self._anchors: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        self._keys: dict[str, str] = {}  # By their texts as plain scalars, so that equal keys are one str.

    def documents(self) -> Iterator[tuple[Any, int]]:
        """Each document with the number of its first line. Raises RefusedError, and whatever the parser raises."""
        while True:
            event = self._get_event()
            if event.__class__ is StreamEndEvent:
                return
            if event.__class__ is DocumentStartEvent:
                self._total += 1
                self._size, self._added, self._anchors, self._sizes = 0, 0, {}, {}
                event = self._get_event()
                yield self._built(event), event.start_mark.line + 1

    def _built(self, event: Any) -> Any:
        """The value that begins with an event."""
        here: _Open | None = None
        while True:
            kind = event.__class__
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                here = self._begin(event, is_mapping=kind is MappingStartEvent)
                event = self._get_event()
                continue
            if kind is ScalarEvent:
                self._count(event)
                is_key = here is not None and here.key is None and here.sequence is None
                value = self._key(event) if is_key else self._scalar(event)
            elif kind is AliasEvent:
                value = self._aliased(event)
            else:
                event, value = self._end()
                here = self._open[-1] if self._open else None
            if here is None:
                return value
            if here.sequence is not None:
                here.sequence.append(value)
            elif here.key is None:
                _expect(here, value, event)
            else:
                _enter(here, value)
            event = self._get_event()

    def _count(self, event: Any) -> None:
        self._size += 1
        self._total += 1
        if self._size - self._added > self._most or self._total > self._most_of_text:
            problem = f"more than {self._most} values in one document, or {self._most_of_text} in all; split it"
            raise _refused(problem, event)

    def _key(self, event: Any) -> str:
        is_plain = event.tag is None and event.anchor is None and event.implicit[0]
        if is_plain and (known := self._keys.get(event.value)) is not None:
            return known
        key = _key_text(self._scalar(event), event)
        if is_plain:
            self._keys[event.value] = key
        return key

    def _scalar(self, event: Any) -> Any:
        value: Any = event.value
        if event.tag is not None:
            value = _tagged(event)
        elif event.implicit[0]:  # Only a scalar without quotes may be other than a text.
            value = resolve(value)
        if event.anchor is not None:
            self._name(event, value)
            self._sizes[event.anchor] = 1
        return value

    def _begin(self, event: Any, is_mapping: bool) -> _Open:
        self._count(event)
        if len(self._open) == _MAX_DEPTH:
            raise _refused("nested too deeply", event)
        if event.tag is not None:
            _require_collection(event, "mapping" if is_mapping else "sequence")
        begun = _Open({}, None if is_mapping else [], event, self._size - 1)
        if event.anchor is not None:
            self._name(event, begun.mapping if is_mapping else begun.sequence)
        self._open.append(begun)
        return begun

    def _end(self) -> tuple[Any, Any]:
        """The collection that ends, with the event of its start."""
        ended = self._open.pop()
        if ended.start.anchor is not None:
            self._sizes[ended.start.anchor] = self._size - ended.before
        return ended.start, ended.mapping if ended.sequence is None else ended.sequence

    def _name(self, event: Any, value: Any) -> None:
        if event.anchor in self._anchors:
            raise _refused("an anchor comes twice", event)
        self._anchors[event.anchor] = value

    def _aliased(self, event: Any) -> Any:
        name = event.anchor
        if any(found.start.anchor == name for found in self._open):
            raise _refused("an alias is inside of what it stands for", event)
        if name not in self._anchors:
            raise _refused("found undefined alias", event)
        self._size += self._sizes[name]
        self._added += self._sizes[name]
        if self._added > _MAX_ALIASED_NODES:
            raise _refused("aliases repeat too much", event)
        return self._anchors[name]


def _refused(problem: str, event: Any) -> RefusedError:
    return RefusedError(problem, event.start_mark.line + 1)


def _expect(here: _Open, value: Any, event: Any) -> None:
    """Note that the value of this key comes next."""
    key = _key_text(value, event)
    if key == _MERGE_KEY and _merges(event):
        is_twice = here.own is not None
        here.own = set(here.mapping)
        here.merge = event
    elif here.own is None:
        is_twice = key in here.mapping
    else:  # What was merged may come again.
        is_twice = key in here.own
        here.own.add(key)
    if is_twice:
        is_read_as = getattr(event, "value", key) != key
        why = f", for {event.value[:_LONGEST_KEY]} without quotes is {key}" if is_read_as else ""
        raise _refused(f"the key {key[:_LONGEST_KEY]!r} comes twice in one mapping{why}", event)
    here.key = key


def _merges(event: Any) -> bool:
    if event.__class__ is not ScalarEvent:
        return False
    return bool(event.implicit[0] if event.tag is None else event.tag == _MERGE)


def _enter(here: _Open, value: Any) -> None:
    """Enter the value of the key that was noted: as in kubectl, the later entry wins."""
    if here.merge is None:
        here.mapping[here.key] = value  # type: ignore[index]  # a value comes after its key
    else:
        here.mapping.update(_merged(value, here.merge))
        here.merge = None
    here.key = None


def _merged(value: Any, event: Any) -> dict[str, Any]:
    """The entries that ``<<`` merges: the first of several mappings wins."""
    found: dict[str, Any] = {}
    for part in reversed(value) if isinstance(value, list) else (value,):
        if not isinstance(part, dict):
            raise _refused("expected a mapping or list of mappings for merging", event)
        found.update(part)
    return found


def _key_text(value: Any, event: Any) -> str:
    """The text of a key. Raises RefusedError for a key that is no text to kubectl."""
    if value.__class__ is str:
        return value
    if isinstance(value, dict | list):
        raise _refused("found unhashable key", event)
    text = None if value is None else key_text(value)
    if text is None:
        raise _refused("a key is no string; quote it", event)
    return text


def _tagged(event: Any) -> Any:
    """The value of a scalar with a tag, which may ask for a null, boolean or number in quotes as well."""
    tag, text = event.tag, event.value
    if tag in (_TEXT, _MERGE):  # ``<<`` as a value, not a key, is a string.
        return text
    if tag == "!":
        raise _refused("the tag ! says nothing; quote the value", event)
    if tag in _COLLECTIONS:
        raise _refused(f"expected a {_COLLECTIONS[tag]} node, but found scalar", event)
    if tag not in _TYPES:
        raise _refused("could not determine a constructor for the tag", event)
    value: Any = resolve(text)
    if tag == _FLOAT and value.__class__ is int:
        return float(value)
    if value.__class__ is not _TYPES[tag]:
        raise _refused("a value does not fit its type", event)
    return value


def _require_collection(event: Any, kind: str) -> None:
    """Refuse a mapping or a list whose tag says that it is something else."""
    if event.tag == "!" or _COLLECTIONS.get(event.tag) == kind:
        return
    if event.tag not in (_TEXT, _MERGE) and event.tag not in _COLLECTIONS and event.tag not in _TYPES:
        raise _refused("could not determine a constructor for the tag", event)
    raise _refused(f"expected a {_COLLECTIONS.get(event.tag, 'scalar')} node, but found {kind}", event)
