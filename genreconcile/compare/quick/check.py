"""The checks that a node is compiled to, each made once and then shared.

Invariant: DRIFT wherever ``compare`` may find a difference or an error. Loops are flat and look-ups few, for a
reconcile with nothing to do spends its time here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from genreconcile.compare.quick.same import is_amount, is_foldable, is_identical, is_part, stays
from genreconcile.compare.quick.state import Chain, State, Step, place_of
from genreconcile.compare.values import canonical, default_of, function_of
from genreconcile.kinds.types import MISSING
from genreconcile.normalize.compiled import OTHERS, Child, Node
from genreconcile.normalize.place import Others
from genreconcile.normalize.prepare import fold, is_zero, share_aliases
from genreconcile.normalize.rule import EXPLAINS, KEEP_OTHERS, Rule
from genreconcile.normalize.scalars import PYTHON_TYPES

_MISSING: Final = MISSING  # Compiled code finds a Final of its own module faster than an imported name.
_NOTHING: Final[dict[str, Any]] = {}
_UNSEEN: Final = frozenset({"system", "ignore"})
_OVERRIDES: Final = _UNSEEN | {"adopt"}
_ALLOWS: Final = _OVERRIDES | {"managed"}
_ANY: Final = frozenset({str, int, float, bool})
_KEEPS_ALL: Final = ("all", KEEP_OTHERS)
_NO_TYPES: Final[frozenset[type]] = frozenset()
_TEXTS: Final[frozenset[type]] = frozenset({str})
_TYPES: Final = {name: frozenset(types) for name, types in PYTHON_TYPES.items() if name != "quantity"}

_MOST_KEYS: Final = 1024
"""The most keys of one map of which the entry is known; objects may bring ever new ones."""

DRIFT: Final = -1
"""The result of a check, in place of a count of values, where there may be drift."""


class _Object:
    """The check of one object or map type, with its entries by key."""

    __slots__ = ("_entries", "_holds_texts", "_named", "_node", "_others")

    def __init__(self, node: Node) -> None:
        self._node = node
        self._entries: dict[str, _Entry] = {}
        fields = node.type.fields if node.type.shape == "object" else ()
        # A map may have any number of keys: entries are kept for those that the type or a rule names, and one for all
        # others that patterns do not tell apart.
        self._named = {*fields, *node.named}
        self._others: _Entry | None = None
        if node.type.shape == "map" and node.is_open:
            for key in self._named:
                self.entry(key)
            self._others = self.entry(OTHERS)
        # A map of strings without rules, such as the labels of a selector.
        self._holds_texts = self._others is not None and self._others.types == _TEXTS and not node.active

    def entry(self, key: str) -> _Entry | None:
        """The entry of a key, made at the first look; None where the schema does not allow the key."""
        if not self._node.knows(key):
            return None
        place = key if key in self._named else self._node.place_of(key)
        found = self._entries.get(place)
        if found is None:
            found = self._entries[place] = _Entry(self._node.child(key), in_map=self._node.type.shape == "map")
        if self._others is None and len(self._entries) < _MOST_KEYS:
            self._entries[key] = found  # Which rules match it is looked up once.
        return found

    def check(  # noqa: C901 - flat, for a call costs as much as a comparison
        self, expected: dict[str, Any], live: dict[str, Any], outer: Chain | None, state: State
    ) -> int:
        """DRIFT where there may be drift, else the number of expected's values that stay when it is prepared."""
        if self._holds_texts and expected == live and set(map(type, expected.values())) == _TEXTS:
            return len(expected)
        entries = self._entries
        in_both = kept = 0
        for key, there in live.items():
            entry = entries.get(key) or self._others or self.entry(key)
            if entry is None:
                return DRIFT
            here = expected.get(key, _MISSING)
            kind = type(there)
            if here is _MISSING:
                if entry.is_system or (there == entry.default and kind is type(entry.default)):
                    continue
            else:
                in_both += 1
                if (
                    type(here) is kind
                    and (kind is entry.usual or kind in entry.types)
                    and here == there
                    and (here or not entry.zero)
                    and (entry.guard is None or entry.guard(here))
                ):
                    kept += 1
                    continue
                if entry.is_plain and here and type(here) is kind:
                    if kind is dict:
                        within = (entry.object or entry.inside()).check(
                            here, there, (expected, key, outer, live), state
                        )
                        # A container without a value, once it is prepared, may itself be missing then.
                        if within == DRIFT or (within == 0 and entry.zero):
                            return DRIFT
                    elif not entry.value(here, there, (expected, key, outer, live), state):
                        return DRIFT
                    kept += 1
                    continue
            within = entry.check(here, there, (expected, key, outer, live), state)
            if within == DRIFT:
                return DRIFT
            kept += within
        return DRIFT if in_both != len(expected) and not self._absent(expected, live, outer, state) else kept

    def is_flat(self, expected: dict[str, Any]) -> bool:
        """Whether expected holds only strings at known fields, which preparing does not change: equal is the same."""
        entries = self._entries
        for key, text in expected.items():
            entry = entries.get(key)
            if entry is None or type(text) is not str or not text or str not in entry.types or entry.overrides:
                return False
            if entry.guard is not None:
                return False
        return True

    def _absent(self, expected: dict[str, Any], live: dict[str, Any], outer: Chain | None, state: State) -> bool:
        """Whether all values that live lacks are dropped when expected is prepared."""
        for key, here in expected.items():
            if key not in live:
                entry = self.entry(key)
                if entry is None or entry.check(here, _MISSING, (expected, key, outer, live), state) == DRIFT:
                    return False
        return True


class _RespelledObject(_Object):
    """The check of a type with a field of two names, or with one that is folded into another."""

    __slots__ = ("_names",)

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        names = [name for rule in node.aliases for name in (rule.argument, rule.tokens[-1])]
        names += [name for rule in node.folds for name in (rule.tokens[-1], rule.argument["into"])]
        self._names = frozenset(names)

    def is_flat(self, expected: dict[str, Any]) -> bool:
        """Whether the object is flat as any other, and has no field of two names and none that is folded."""
        return self._names.isdisjoint(expected) and super().is_flat(expected)

    def check(self, expected: dict[str, Any], live: dict[str, Any], outer: Chain | None, state: State) -> int:
        """The check of expected as the server reads it: aliases shared, write-only maps folded."""
        if self._names.isdisjoint(expected):
            return super().check(expected, live, outer, state)
        if not all(is_foldable(expected.get(rule.tokens[-1])) for rule in self._node.folds):
            return DRIFT
        for name in self._names:
            state.drop(name)
        respelled = {key: value for key, value in expected.items() if value is not None}
        share_aliases(respelled, self._node)
        fold(respelled, self._node)
        return super().check(respelled, live, outer, state)


class _Entry:
    """The check of the value of one key, or of a list's member."""

    __slots__ = (
        "_also",
        "_calls",
        "_child",
        "_first",
        "_is_amount",
        "_keeps_all",
        "_null_is_missing",
        "_shape",
        "_steps",
        "_suspect",
        "custom",
        "default",
        "guard",
        "is_plain",
        "is_system",
        "object",
        "overrides",
        "types",
        "usual",
        "zero",
    )

    def __init__(self, child: Child, *, in_map: bool = False) -> None:
        kind = child.field.type
        self._child = child
        self._also = child.field.also
        self.object: _Object | None = None
        self._null_is_missing = not kind.custom and not in_map
        keep, order = child.first("keep"), child.first("list")
        self._is_amount = kind.scalar == "quantity"
        keeps = keep is not None and not keep.conditions and keep.argument in _KEEPS_ALL
        self._keeps_all = keeps and order is None and kind.list_type != "atomic"
        self.custom = kind.custom
        self.zero = child.field.zero == "value" and not kind.custom and kind.shape != "any"
        scalars = _TYPES.get(kind.scalar, _NO_TYPES) if kind.shape == "scalar" else _NO_TYPES
        self.types = _ANY if kind.shape == "any" else scalars
        # Equal texts are equal quantities only if they are quantities at all; zero in its spellings is checked below.
        self.guard = is_amount if kind.scalar == "quantity" and not self.zero else None
        if self.guard is not None:
            self.types = _TEXTS
        self.usual: type | None = next(iter(self.types)) if len(self.types) == 1 else None
        explaining = [rule for rule in child.rules if rule.action in EXPLAINS and not rule.managers]
        self._steps: list[Step] = [Step.of(rule) for rule in explaining]
        self._calls = {id(rule): function_of(rule) for rule in explaining if rule.action == "function"}
        self.overrides = any(rule.action in _OVERRIDES for rule in explaining)
        self._first = first = explaining[0] if explaining and not explaining[0].conditions else None
        self.is_system = first is not None and first.action in _UNSEEN
        default = first.argument if first is not None and first.action == "default" else _MISSING
        self.default = default if type(default) in _ANY else _MISSING
        self._suspect = child.first("subset") is not None
        self._shape = kind.shape
        # Two containers with members are compared member by member, whatever other rules they have as a whole.
        self.is_plain = kind.shape in {"object", "map", "list"} and not self._suspect and not self.overrides

    def check(self, here: Any, there: Any, chain: Chain, state: State) -> int:
        """DRIFT where there may be drift, else the number of expected's values that stay when prepared: 0 or 1."""
        if there is None and not self.custom:
            there = _MISSING
        rule = self._rule(chain, state) if self.overrides else None
        if rule is not None and rule.action in _UNSEEN:
            if here is not _MISSING:
                state.drop(chain[1])
            return 0
        if self._suspect or (here is None and not self._null_is_missing):
            return DRIFT
        if here is None or (here is not _MISSING and self.zero and is_zero(here, self._child.field)):
            state.drop(chain[1])
            here = _MISSING
        if here is _MISSING:
            return 0 if there is _MISSING or self._live_only(there, chain, state) else DRIFT
        if there is _MISSING:
            return DRIFT
        is_adopted = rule is not None and rule.action == "adopt" and type(here) in self.types and not self._is_amount
        return 1 if is_adopted or self.value(here, there, chain, state) else DRIFT

    def _rule(self, chain: Chain, state: State) -> Rule | None:
        """The same rule as ``Child.explaining`` gives."""
        if self._first is not None:
            return self._first
        for step in self._steps:
            if not step.rule.conditions or step.holds(chain, state):
                return step.rule
        return None

    def _live_only(self, there: Any, chain: Chain, state: State) -> bool:
        rule = self._rule(chain, state) if self._steps else None
        if state.subset or (rule is not None and rule.action in _ALLOWS):
            # Where a rule names who may write a value, its owner may be somebody else.
            return state.subset or rule is None or rule.by is None or state.is_unowned(chain)
        default = self._default(rule, chain, state)
        is_schemas = default is self._child.field.default
        if default is not _MISSING or (self._also and is_schemas):
            gained = self._also if is_schemas else ()
            return (default is not _MISSING and self._is_default(default, there, chain, state)) or any(
                self._is_default(other, there, chain, state) for other in gained
            )
        if rule is not None and rule.action == "refer":  # Its default is not known, so any value is right.
            return True
        if not self.zero:
            return False
        if type(there) is dict:
            return not there or self.value(_NOTHING, there, chain, state)
        return (self._keeps_all and state.owned is None) or is_zero(there, self._child.field)

    def _is_default(self, default: Any, there: Any, chain: Chain, state: State) -> bool:
        # A part of an identical default may be somebody's, whom a rule does not let write it.
        is_plain = state.owned is None or type(there) in _ANY
        return (is_plain and is_identical(default, there)) or (
            (self.custom or stays(default, self._child)) and self.value(default, there, chain, state)
        )

    def _default(self, rule: Rule | None, chain: Chain, state: State) -> Any:
        if rule is None:
            return self._child.field.default
        if rule.action == "default":
            return rule.argument
        state.consulted = True
        if rule.action == "function":
            function, arguments = self._calls[id(rule)]
            return function(chain[0], arguments)
        return default_of(self._child, rule, place_of(chain, state.others))[0]

    def inside(self) -> _Object:
        """The check of the object or map under this key, made once."""
        node = self._child.node
        self.object = found = object_check(node.alternative() if self._shape == "any" else node)
        return found

    def value(self, here: Any, there: Any, chain: Chain, state: State) -> bool:
        """Whether two values, neither of which is MISSING, surely are the same."""
        kind, shape = type(here), self._shape
        if kind is dict:
            if type(there) is not dict or shape in {"list", "scalar"}:
                return False
            kept = (self.object or self.inside()).check(here, there, chain, state)
            return kept != DRIFT and (kept > 0 or not here or not self.zero)
        if kind is list:
            return type(there) is list and shape in {"list", "any"} and self._members(here, there, chain, state)
        if type(there) not in _ANY or not (is_amount(here) if self._is_amount else kind in self.types):
            return False
        if kind is str and here == there:
            return True
        return bool(canonical(here, self._child) == canonical(there, self._child))

    def _members(self, here: list[Any], there: list[Any], chain: Chain, state: State) -> bool:
        """Whether two lists surely are the same: member by member, whatever the list type."""
        if len(here) != len(there):
            # With owners, a member that only live has may be our own, and is drift then.
            return self._keeps_all and state.owned is None and is_part(here, there)
        member = member_check(self._child.node)
        within = (member.object or member.inside()) if member.is_plain else None
        for index, one in enumerate(here):
            other = there[index]
            kind = type(one)
            if kind is type(other):
                if within is not None and kind is dict:
                    if one == other and within.is_flat(one):
                        continue
                    if within.check(one, other, chain, state) == DRIFT:
                        return False
                    continue
                if (
                    (kind is member.usual or kind in member.types)
                    and one == other
                    and (member.guard is None or member.guard(one))
                ):
                    continue
            if not member.value(one, other, chain, state):
                return False
        return True


def is_clean(
    expected: Mapping[str, Any],
    live: Mapping[str, Any],
    node: Node,
    *,
    subset: bool = False,
    others: Others | None = None,
) -> bool:
    """Whether live surely has no drift; neither object is changed. ``subset`` and ``others`` as in ``Policy``."""
    if type(expected) is not dict or type(live) is not dict:
        return False
    metadata = live.get("metadata")
    has_managers = type(metadata) is dict and "managedFields" in metadata  # Drift may depend on the owners of fields.
    state = State(node, others, subset=subset, owned=live if has_managers else None)
    return object_check(node).check(expected, live, None, state) != DRIFT and state.is_sound


def object_check(node: Node) -> _Object:
    """The check of a node, made once."""
    if node.check is None:
        node.check = (_RespelledObject if node.aliases or node.folds else _Object)(node)
    return node.check  # type: ignore[no-any-return]  # the node keeps the check untyped


def member_check(node: Node) -> _Entry:
    """The check of a list's members, made once."""
    if node.member_check is None:
        node.member_check = _Entry(node.member())
    return node.member_check  # type: ignore[no-any-return]  # as above
