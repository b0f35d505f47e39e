"""The missing rights of an account, by as few reviews as prove them.

Invariant: a right counts as granted only where that is proved, and as missing only where that is proved. A granted
right is not asked for again, so that a reconcile with nothing to do sends no request; a right without an answer is not
missing, for the requests themselves will tell.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Final

from genreconcile.access.asking import Asker
from genreconcile.access.right import Right
from genreconcile.access.rules import ALL, Rules
from genreconcile.cluster import Cluster
from genreconcile.wording import first_of

_NAMES = 3
_FEW: Final = 4
"""Up to this number of reviews, rights are asked for one by one; beyond it, a review of many rights pays."""
_EVERYTHING: Final = Right(ALL, ALL, ALL)
_NOWHERE: Final = "-"
"""No namespace can have this name, so that no binding is in it: the rules there are those of the whole cluster."""


class Access:
    """The rights of this account, as far as they are known; thread-safe."""

    def __init__(self, cluster: Cluster) -> None:
        self._asker = Asker(cluster)
        self._granted: set[Right] = set()
        self._lock = threading.Lock()

    def missing(self, rights: Iterable[Right]) -> frozenset[Right]:
        """The rights among these that are missing. Raises Unauthorized and Unreachable."""
        return _Search(self._asker, self).missing(frozenset(rights))

    def note(self, granted: Iterable[Right]) -> None:
        """Note that these rights are granted."""
        with self._lock:
            self._granted.update(granted)

    def forget(self) -> None:
        """Take no right for granted any more: somebody has taken one away."""
        with self._lock:
            self._granted.clear()

    def without_known(self, rights: Iterable[Right]) -> set[Right]:
        """The rights among these that are not known to be granted."""
        with self._lock:
            if _EVERYTHING in self._granted:
                return set()
            return {right for right in rights if self._granted.isdisjoint(_wider(right))}


def _wider(right: Right) -> tuple[Right, ...]:
    """The right itself, and the wider ones that include it: to any object, and in any namespace."""
    nameless = right._replace(name="")
    return right, nameless, right._replace(namespace=""), nameless._replace(namespace="")


class _Search:
    """One search for missing rights. A refusal counts for this search alone: the right may be granted any time."""

    def __init__(self, asker: Asker, access: Access) -> None:
        self._asker = asker
        self._access = access
        self._refused: set[Right] = set()
        self._missing: set[Right] = set()
        self._rules: dict[str, Rules | None] = {}

    def missing(self, rights: frozenset[Right]) -> frozenset[Right]:
        """The rights among these that are missing."""
        if self._are_many(self._open(rights)):
            self._in_the_cluster(self._open(rights))
            if not self._refused and not any(self._rules.values()):  # An account that may not ask learns nothing.
                return frozenset()
            self._in_namespaces(self._open(rights))
        self._one_by_one(self._open(rights))
        return frozenset(self._missing)

    def _open(self, rights: Iterable[Right]) -> set[Right]:
        """The rights among these that are not decided yet."""
        return self._access.without_known(rights) - self._missing

    @staticmethod
    def _are_many(rights: set[Right]) -> bool:
        return len(rights) + len(_nameless(rights)) > _FEW

    def _in_the_cluster(self, rights: set[Right]) -> None:
        """Find the rights that hold in all namespaces."""
        if self._are_many({right for right in rights if not right.namespace}):
            if not self._bound_to_the_cluster(rights).is_complete:
                self._ask({_EVERYTHING})
            return
        self._ask({_EVERYTHING})
        if open_ := self._open(rights):
            self._from_the_first(open_)

    def _from_the_first(self, rights: set[Right]) -> None:
        """Review one namespace: rights that do not hold there do not hold in all. Of those that do, ask for one in all
        namespaces, which tells whether a review of the cluster's rules pays.
        """
        places = Counter(right.namespace for right in rights if right.namespace)
        first = min(places, key=lambda name: (-places[name], name))
        rules = self._review({first})[first]
        self._settle(first, rules, rights)
        kinds = {right for right in _anywhere(self._open(rights)) if rules.grants(right)}
        if kinds and rules.is_complete:
            self._ask({min(kinds)})
            if not self._refused & kinds:
                self._bound_to_the_cluster(rights)

    def _bound_to_the_cluster(self, rights: set[Right]) -> Rules:
        """Note the rights of the whole cluster: the rules of a namespace that cannot exist are just the cluster's."""
        rules = self._review({_NOWHERE})[_NOWHERE]
        granted = (right for right in {_EVERYTHING, *rights} if rules.grants(right))
        self._access.note(_as_wide(right, rules)._replace(namespace="") for right in granted)
        self._missing |= {right for right in rights if not right.namespace and rules.excludes(right)}
        return rules

    def _in_namespaces(self, rights: set[Right]) -> None:
        """Find the rights that hold in each namespace. Where rights stay open in several namespaces, ask for them once
        in the whole cluster.
        """
        for namespace, rules in self._review({right.namespace for right in rights} - {""}).items():
            self._settle(namespace, rules, rights)
        places: dict[Right, set[str]] = {}
        for right in (found for found in self._open(rights) if found.namespace):
            places.setdefault(right._replace(name="", namespace=""), set()).add(right.namespace)
        self._ask({kind for kind, names in places.items() if len(names) > 1})

    def _review(self, namespaces: set[str]) -> dict[str, Rules]:
        """The rules of these namespaces, each asked for once; after one was not answered, no other is asked for."""
        open_ = namespaces - self._rules.keys()
        is_answered = None not in {rules for name, rules in self._rules.items() if name != _NOWHERE}
        self._rules |= self._asker.rules(open_) if is_answered else dict.fromkeys(open_)
        return {name: self._rules[name] or Rules() for name in namespaces}

    def _settle(self, namespace: str, rules: Rules, rights: Iterable[Right]) -> None:
        """Note the rights that the rules of a namespace prove to be granted there, or missing."""
        there = {right for right in rights if right.namespace == namespace}
        self._access.note(_as_wide(right, rules) for right in there if rules.grants(right))
        self._missing |= {right for right in there if rules.excludes(right)}

    def _one_by_one(self, rights: set[Right]) -> None:
        """Ask for each right to any object, and where that is refused, to the named one."""
        self._ask(_nameless(rights))
        refused = {right for right in self._open(rights) if right._replace(name="") in self._refused}
        self._ask({right for right in refused if right.name})
        self._missing |= {right for right in refused if right in self._refused}

    def _ask(self, rights: set[Right]) -> None:
        answers = self._asker.allowed(rights - self._refused)
        self._access.note(right for right, allowed in answers.items() if allowed)
        self._refused |= {right for right, allowed in answers.items() if allowed is False}


def _nameless(rights: Iterable[Right]) -> set[Right]:
    return {right._replace(name="") for right in rights}


def _anywhere(rights: Iterable[Right]) -> set[Right]:
    return {right._replace(name="", namespace="") for right in rights}


def _as_wide(right: Right, rules: Rules) -> Right:
    """The right to any object, where the rules grant that; else the right itself."""
    nameless = right._replace(name="")
    return nameless if rules.grants(nameless) else right


def told(missing: Iterable[Right]) -> str:
    """The missing rights in words: ``list, watch secrets in shop; patch deployments.apps web, api in shop``."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for right in sorted(missing):
        names.setdefault((right.namespace, right.resource, right.verb), []).append(right.name)
    verbs: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (namespace, resource, verb), found in names.items():
        verbs.setdefault((namespace, resource, tuple(found)), []).append(verb)
    return "; ".join(
        f"{', '.join(found)} {resource}{_listed(of)} in {namespace or 'the cluster'}"
        for (namespace, resource, of), found in verbs.items()
    )


def _listed(names: tuple[str, ...]) -> str:
    shown = [name for name in names if name]
    return f" {first_of(shown, _NAMES)}" if shown else ""
