"""Rules compiled onto a type graph: for each field, the rules whose path ends there and those whose path leads on.

Invariant: a Node is a pure function of (type, active rules), made once and then shared; a look-up costs a dict access,
however many rules there are. Nodes live as long as their type: a registry outlives the schemas of a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, NamedTuple

from genreconcile.kinds.types import Field, Type, untyped
from genreconcile.normalize.place import Place
from genreconcile.normalize.rule import EXPLAINS, KEEP_OTHERS, Rule
from genreconcile.normalize.scalars import PYTHON_TYPES
from genreconcile.pointer import glob_pattern, token_matches

ANY = untyped()
"""The type of values that no schema describes."""
ANY_FIELD = Field(ANY, "pointer")
RAW_FIELD = Field(untyped(raw=True), "pointer")
"""The field of a value inside of a raw type (``Type.is_raw``)."""

OTHERS = "\0"
"""The memo key for all keys that neither the type nor a rule names."""

_MOST = 4096
"""The most entries of a memo."""

Active = tuple[tuple[Rule, int], ...]
"""Rules whose path leads into a node, each with the number of tokens matched so far; in order of precedence."""


def keep(made: dict[Any, Any], key: Hashable, value: Any) -> None:
    """Enter a value into a memo; a full memo is emptied, for the annotations of objects may bring ever new rules."""
    if len(made) >= _MOST:
        made.clear()
    made[key] = value


_NO_TYPES: Final[frozenset[type]] = frozenset()
# Preparing looks at each float (respelled), quantity (parsed) and time (may be zero), whatever its Python type.
_PLAIN: Final = {
    name: frozenset(types) - {float}
    for name, types in PYTHON_TYPES.items()
    if name not in {"quantity", "time", "date-time"}
}


class Child(NamedTuple):
    """The field of a key or of a list's members, the rules whose path ends there, and the node below.

    ``plain`` are the Python types of which each value that is not zero is prepared already.
    """

    field: Field
    rules: tuple[Rule, ...]
    node: Node
    plain: frozenset[type] = _NO_TYPES

    def explaining(self, place: Place) -> Rule | None:
        """The first rule with an action of EXPLAINS and no ``managers`` whose conditions hold."""
        for rule in self.rules:
            if rule.action in EXPLAINS and not rule.managers and place.holds(rule.conditions):
                return rule
        return None

    def first(self, action: str) -> Rule | None:
        """The first rule with this action, whether or not its conditions hold."""
        return next((rule for rule in self.rules if rule.action == action), None)

    def keeping(self, place: Place | None) -> Rule | None:
        """The first ``keep`` rule for the list here whose conditions hold."""
        return self.holding("keep", place)

    def holding(self, action: str, place: Place | None) -> Rule | None:
        """The first rule with this action whose conditions hold; without a place, only a rule that has none."""
        for rule in self.rules:
            if rule.action == action and (not rule.conditions or (place and place.holds(rule.conditions))):
                return rule
        return None


class Node:
    """A type with the rules whose path leads into it."""

    def __init__(self, kind: Type, active: Active, compiler: Compiler) -> None:
        self.type = kind
        self.active = active
        self._compiler = compiler
        self._children: dict[str, Child] = {}
        self._one_for_all: Child | None = None
        self._entries: dict[str, Child] = {}
        tokens = {rule.tokens[matched] for rule, matched in active}
        globs = {token for token in tokens if "*" in token or "?" in token}
        self.named = frozenset(tokens - globs)
        """The keys that rules name here without a glob."""
        self._globs = sorted(globs - {"*"})
        self._fits = re.compile("|".join(map(glob_pattern, self._globs)))
        self.is_open = not self._globs
        """Whether all keys but the named ones have the same rules."""
        # The compiled checks of ``compare.quick``, for a mapping and for the members of a list here.
        self.check: Any = None
        self.member_check: Any = None
        self.aliases = self._ending("alias")
        self.folds = self._ending("fold")
        self.limits = self._ending("limit")
        self.is_completed = bool(self.aliases or self.folds or self.limits)
        self._shared_lists = tuple(
            rule
            for rule, matched in active
            if not matched and rule.root and rule.action == "keep" and rule.argument == KEEP_OTHERS
        )

    def _ending(self, action: str) -> tuple[Rule, ...]:
        """The rules of an action whose path ends at a key of this node."""
        return tuple(r for r, matched in self.active if r.action == action and matched + 1 == len(r.tokens))

    @property
    def reads(self) -> frozenset[str]:
        """The keys of expected that any rule of the registry reads, as in ``Rule.reads``."""
        return self._compiler.reads

    @property
    def scattered(self) -> tuple[Rule, ...]:
        """The ``sensitive`` rules that begin at a type, not at the root."""
        return self._compiler.scattered

    @property
    def foreign(self) -> tuple[Rule, ...]:
        """Of the root node: the rules that leave fields of other field managers alone."""
        return tuple(rule for rule, matched in self.active if rule.managers and not matched)

    @property
    def shared(self) -> tuple[Rule, ...]:
        """Of the root node: the ``keep: others`` rules, for lists in which the members of other writers stay."""
        return self._shared_lists

    def knows(self, key: str) -> bool:
        """Whether the schema allows this key here."""
        kind = self.type
        return kind.shape != "object" or kind.preserve or key in kind.fields

    def find(self, key: str) -> Child | None:
        """The child of a key, None where the schema does not allow the key here."""
        known = self._children.get(key)
        if known is not None:
            return known
        return self.child(key) if self.knows(key) else None

    def child(self, key: str) -> Child:
        """The child of a key of an object or map."""
        if self.type.shape == "object" and key in self.type.fields:
            known = self._children.get(key)
            if known is None:
                known = self._children[key] = self._step(key, self.type.fields[key])
            return known
        field = self.type.values if self.type.shape == "map" else self._free
        if not self.active:
            return self._shared(field)
        # A map may have any number of keys: one child is kept for all that rules do not tell apart.
        place = self.place_of(key)
        known = self._entries.get(place)
        if known is None:
            known = self._step(OTHERS if place == OTHERS else key, field)
            keep(self._entries, place, known)
        return known

    def place_of(self, key: str) -> str:
        """The memo key shared by all keys with the same rules as this one: the key itself where a rule names it."""
        if key in self.named:
            return key
        if self.is_open or self._fits.match(key) is None:
            return OTHERS
        return OTHERS.join((OTHERS, *(glob for glob in self._globs if token_matches(glob, key))))

    def member(self) -> Child:
        """The child of a list's members."""
        return self._shared(self.type.items if self.type.shape == "list" else self._free)

    @property
    def _free(self) -> Field:
        return RAW_FIELD if self.type.is_raw else ANY_FIELD

    def alternative(self) -> Node:
        """For shape ``any``: the node of a mapping here, with ``Type.alternative`` where there is one."""
        kind = self.type.alternative if self.type is not ANY else None
        return self._compiler.node(kind, self.active) if kind else self

    def _shared(self, field: Field) -> Child:
        if self._one_for_all is None:
            self._one_for_all = self._step("*", field)
        return self._one_for_all

    def _step(self, key: str, field: Field) -> Child:
        ending: list[Rule] = []
        onward: list[tuple[Rule, int]] = []
        for rule, matched in self.active:
            if not token_matches(rule.tokens[matched], key):
                continue
            if matched + 1 == len(rule.tokens):
                ending.append(rule)
            else:
                onward.append((rule, matched + 1))
        plain = _NO_TYPES if ending else _PLAIN.get(field.type.scalar, _NO_TYPES)
        return Child(field, tuple(ending), self._compiler.node(field.type, tuple(onward)), plain)


class Compiler:
    """Makes the node of each (type, rules) once. ``rules_of`` gives the rules that begin at a type, by the type's name;
    ``reads`` and ``scattered`` are as in Node.
    """

    def __init__(
        self,
        rules_of: Callable[[str], Sequence[Rule]],
        reads: frozenset[str] = frozenset(),
        scattered: tuple[Rule, ...] = (),
    ) -> None:
        self._rules_of = rules_of
        self.reads = reads
        self.scattered = scattered
        self._untyped: dict[Any, Any] = {}
        self._raw: dict[Any, Any] = {}

    def root(self, kind: Type | None, rules: Sequence[Rule]) -> Node:
        """The root node of an object, with the given root rules; ``kind`` is None where no schema describes it."""
        return self.node(kind or ANY, tuple((rule, 0) for rule in rules))

    def node(self, kind: Type, onward: Active) -> Node:
        """The node of a type, with the rules ``onward`` that lead into it and those that begin at it."""
        own = tuple((rule, 0) for rule in self._rules_of(kind.name)) if kind.name else ()
        # Within a layer a rule that begins further up wins, being more specific: one for a Pod beats one for any spec.
        active = tuple(sorted(onward + own, key=lambda pair: pair[0].layer))
        made = self.made(kind)
        known: Node | None = made.get((self, active))
        if known is None:
            known = Node(kind, active, self)
            keep(made, (self, active), known)
        return known

    def made(self, kind: Type | None) -> dict[Any, Any]:
        """The memo of a type; values without a type have a memo of this compiler."""
        if kind is RAW_FIELD.type:
            return self._raw
        return self._untyped if kind is None or kind is ANY else kind.made
