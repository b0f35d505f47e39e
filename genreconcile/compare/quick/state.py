"""The state of one quick comparison, and places that are made only when a rule needs them.

Invariant: rules read expected as it was written. Where preparing may change a key that a rule has read, the comparison
is not sound.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from genreconcile.conditions import Condition, fulfils
from genreconcile.managers import Owners
from genreconcile.normalize.compiled import Node
from genreconcile.normalize.place import Others, Place
from genreconcile.normalize.rule import Rule

Chain = tuple[dict[str, Any], str, Any, dict[str, Any]]
"""The parts of a Place that is not made yet: holder, key, the outer chain, and live at the holder's place."""


class Step(NamedTuple):
    """A rule with an action of EXPLAINS. ``counts``: its conditions depend on which keys expected has. ``siblings`` are
    its conditions with the key that each reads, where all read keys of the holder; else None.
    """

    rule: Rule
    counts: bool
    siblings: tuple[tuple[str, Condition], ...] | None

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """The step of a rule."""
        is_simple = all(_is_sibling(condition) for condition in rule.conditions)
        siblings = tuple((condition.at, condition) for condition in rule.conditions) if is_simple else None
        return cls(rule, rule.counts_keys, siblings)

    def holds(self, chain: Chain, state: State) -> bool:
        """Whether the rule's conditions hold, as by ``Place.holds``; ``state`` notes that they were read."""
        state.ask(self)
        if self.siblings is None:
            return place_of(chain, state.others).holds(self.rule.conditions)
        holder = chain[0]
        return all(fulfils(holder.get(key), condition) for key, condition in self.siblings)


def _is_sibling(condition: Condition) -> bool:
    plain = condition.only is None and condition.targeted_by is None and not condition.of_live
    return plain and bool(condition.at) and not {"/", "~", "$", "."} & set(condition.at)


class State:
    """What one comparison has read and dropped. No rule may read a key of expected that preparing changes.

    ``owned`` is live where it has managedFields, else None.
    """

    __slots__ = ("_owners", "altered", "consulted", "counted", "others", "owned", "reads", "subset", "touched")

    def __init__(self, node: Node, others: Others | None, *, subset: bool, owned: dict[str, Any] | None = None) -> None:
        self.subset = subset
        self.owned = owned
        self._owners: Owners | None = None
        self.others = others
        self.reads = node.reads
        self.altered = self.touched = self.consulted = self.counted = False

    def drop(self, key: str) -> None:
        """Note that preparing leaves this key of expected out, or changes its value."""
        self.touched = True
        self.altered = self.altered or key in self.reads

    def ask(self, step: Step) -> None:
        """Note that the conditions of a rule read expected."""
        self.consulted = True
        self.counted = self.counted or step.counts

    def is_unowned(self, chain: Chain) -> bool:
        """Whether surely nobody owns the live value under a key."""
        if self.owned is None:
            return True
        path = path_of(chain)
        if path is None:
            return False
        if self._owners is None:
            self._owners = Owners(self.owned)
        return not self._owners.of(path)

    @property
    def is_sound(self) -> bool:
        """Whether no rule has read a key that preparing changes."""
        return not ((self.altered and self.consulted) or (self.touched and self.counted))


def path_of(chain: Chain) -> list[str | int] | None:
    """The path of a chain; None where that leads through a list, for no chain knows indexes."""
    path: list[str | int] = [chain[1]]
    outer: Chain | None = chain[2]
    while outer is not None:
        _, key, further, live = outer
        if type(live.get(key)) is list:
            return None
        path.append(key)
        outer = further
    path.reverse()
    return path


def place_of(chain: Chain, others: Others | None) -> Place:
    """The Place of a chain."""
    holder, key, outer, live = chain
    if outer is None:
        return Place(holder, key, None, others, live)
    return Place(holder, key, place_of(outer, others), None, live)
