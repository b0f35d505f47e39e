"""Rights → the Roles and ClusterRoles that grant exactly these, and their bindings.

Invariant: pure; no rule has a wildcard, and a verb that can be granted by name is granted by name alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from genreconcile.access.right import Right
from genreconcile.data import Access, shipped
from genreconcile.objects import Object

_ORDER: Final = ("get", "list", "watch", "create", "update", "patch", "delete")

Rule = dict[str, Any]


class Subject(NamedTuple):
    """The subject of a binding: ``kind`` is serviceaccount, user or group; ``namespace`` is a ServiceAccount's."""

    kind: str
    name: str
    namespace: str = ""

    def to_object(self) -> Object:
        """The subject as a member of a binding's ``subjects``."""
        place = {"namespace": self.namespace} if self.namespace else {}
        return shipped(Access).subjects[self.kind].to_object(name=self.name, **place)


def manifests(rights: Iterable[Right], name: str, subject: Subject | None = None) -> list[Object]:
    """A role called ``name`` for each namespace and one for the cluster, as far as they are needed; with ``subject``
    the bindings too.
    """
    every = frozenset(rights)
    least = [right for right in every if not right.namespace or right._replace(namespace="") not in every]
    made = []
    for namespace in sorted({right.namespace for right in least}):
        rules = _rules([right for right in least if right.namespace == namespace])
        made += _role(name, namespace, rules, subject)
    return made


def as_list(objects: Sequence[Object]) -> Object:
    """The objects as one list object, for JSON."""
    return shipped(Access).list_.to_object(items=list(objects))


def _role(name: str, namespace: str, rules: list[Rule], subject: Subject | None) -> list[Object]:
    shapes = shipped(Access).namespaced if namespace else shipped(Access).cluster
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    role = shapes.role.to_object(metadata=dict(metadata), rules=rules)
    if subject is None:
        return [role]
    reference = {
        "apiGroup": role["apiVersion"].partition("/")[0],
        "kind": role["kind"],
        "name": name,
    }
    binding = shapes.binding.to_object(metadata=dict(metadata), roleRef=reference, subjects=[subject.to_object()])
    return [role, binding]


def _rules(rights: Sequence[Right]) -> list[Rule]:
    """The rules for any name, resources with the same verbs in one rule; then the rules with names."""
    verbs: dict[tuple[str, str], set[str]] = {}
    named: dict[tuple[str, str, str], set[str]] = {}
    for right in rights:
        if not right.name:
            verbs.setdefault((right.group, right.plural), set()).add(right.verb)
    for right in rights:
        if right.name and right.verb not in verbs.get((right.group, right.plural), ()):
            named.setdefault((right.group, right.plural, right.name), set()).add(right.verb)
    return [*_of_any_name(verbs), *_by_name(named)]


def _of_any_name(verbs: Mapping[tuple[str, str], set[str]]) -> list[Rule]:
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, plural), found in sorted(verbs.items()):
        alike.setdefault((group, _in_order(found)), []).append(plural)
    return [_rule(group, plurals, found) for (group, found), plurals in alike.items()]


def _by_name(named: Mapping[tuple[str, str, str], set[str]]) -> list[Rule]:
    alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (group, plural, name), found in sorted(named.items()):
        alike.setdefault((group, plural, _in_order(found)), []).append(name)
    return [
        {**_rule(group, [plural], found), "resourceNames": names} for (group, plural, found), names in alike.items()
    ]


def _rule(group: str, plurals: list[str], verbs: tuple[str, ...]) -> Rule:
    return {"apiGroups": [group], "resources": plurals, "verbs": list(verbs)}


def _in_order(verbs: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(verbs, key=_ORDER.index))
