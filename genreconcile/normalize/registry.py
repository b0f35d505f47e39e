"""The registry of normalization rules: the shipped ones, and the user's in front of them.

Invariant: the rules of a Registry never change; ``extend`` makes a new one. An invalid rule is refused before there is
a registry with it.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib import resources
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final, Self

from genreconcile.arguments import refused, require_flag, shown
from genreconcile.errors import LoadError, RuleError
from genreconcile.kinds.types import Type
from genreconcile.manifests.parse import documents
from genreconcile.normalize.annotations import ANNOTATED, ANNOTATIONS, PREFIX, annotated
from genreconcile.normalize.compiled import Compiler, Node, keep
from genreconcile.normalize.rule import KEEP_OTHERS, Rule, parse_rules
from genreconcile.objects import GVK, Object, annotations_of, labels_of, name_of, namespace_of
from genreconcile.readiness import UserRule, parse_readiness

_SHIPPED: Final = 100
_USER: Final = 10
TOOLS: Final = "tools.yaml"
_ADVICE: Final = "give gr.Registry.builtin().extend(path)"
_OF_OBJECT: Final = frozenset({"namespace", "name", "labels"})


class Registry:
    """Rules in layers, user rules before shipped ones; of the rules for one field the first wins."""

    def __init__(self, rules: Iterable[Rule], readiness: Iterable[UserRule] = ()) -> None:
        self.rules = _rules(rules)
        self.readiness = tuple(readiness)
        """The users' rules about readiness, in the order in which they are asked."""
        self._hash = hash(tuple(rule.id for rule in self.rules))
        self._root_rules = tuple(rule for rule in self.rules if rule.root)
        self._type_rules = tuple(rule for rule in self.rules if not rule.root)
        self._by_type: dict[str, tuple[Rule, ...]] = {}
        self._compiler = Compiler(
            self._rules_of,
            frozenset().union(*(rule.reads for rule in self.rules)),
            tuple(rule for rule in self._type_rules if rule.action == "sensitive"),
        )

    @classmethod
    def empty(cls) -> Self:
        """A registry without any rule: every live-only value is drift."""
        return cls(())

    @classmethod
    def builtin(cls, *, tool_marks: bool = True) -> Self:
        """The shipped rules; with ``tool_marks=False`` without those that leave the marks of other tools alone.

        Each of the two registries is made once in a process.
        """
        require_flag("tool_marks", tool_marks)
        return cls._shipped(tool_marks)

    @classmethod
    @functools.cache
    def _shipped(cls, tool_marks: bool) -> Self:
        folder = resources.files("genreconcile.normalize") / "rules"
        names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
        chosen = [name for name in names if tool_marks or name != TOOLS]
        return cls(rule for name in chosen for rule in _read((folder / name).read_text("utf-8"), name, _SHIPPED))

    def extend(self, *sources: str | Path | Mapping[str, Any]) -> Registry:
        """A registry with the rules of these YAML files, or parsed documents, in front. Raises RuleError."""
        _require_sources(sources)
        found: list[tuple[Any, str]] = []
        for number, source in enumerate(sources):
            if isinstance(source, Mapping):
                found.append((source, f"rules #{number + 1}"))
            else:
                found += _documents(_text(Path(source)), str(source))
        rules = [rule for document, source in found for rule in _layered(parse_rules(document, source), _USER)]
        readiness = [
            rule for document, source in found for rule in parse_readiness(document.get("readiness") or [], source)
        ]
        return Registry((*rules, *self.rules), (*readiness, *self.readiness))

    def __repr__(self) -> str:
        own = sum(rule.layer < _SHIPPED for rule in self.rules)
        return f"<Registry {len(self.rules)} rules, {own + len(self.readiness)} of the user>"

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Registry) and _contents(self) == _contents(other))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.rules, self.readiness)  # A copy compiles its nodes anew.

    @functools.cached_property
    def version(self) -> str:
        """A digest of all rules: under another version the same two objects may compare differently."""
        return hashlib.sha256(repr([dataclasses.astuple(rule) for rule in self.rules]).encode()).hexdigest()[:16]

    def compile(self, gvk: GVK, kind: Type | None, obj: Object, *, has_status: bool) -> Node:
        """The root node of an object: its kind's type, with the rules that select it and those of its annotations.

        Objects with the same rules share one node. Raises InputError for the annotations.
        """
        annotated = self._annotated(obj)
        candidates, is_same_for_all = self._candidates(gvk, kind, has_status=has_status)
        if not is_same_for_all:
            candidates = tuple(rule for rule in candidates if _selects(rule, obj))
        rules = annotated + candidates
        made = self._compiler.made(kind)
        known: Node | None = made.get((self, rules))
        if known is None:
            known = self._compiler.root(kind, rules)
            keep(made, (self, rules), known)
        return known

    def is_uniform(self, gvk: GVK, kind: Type | None, *, has_status: bool) -> bool:
        """Whether the same rules select all objects of a kind; ``is_annotated`` ones have more."""
        return self._candidates(gvk, kind, has_status=has_status)[1]

    @staticmethod
    def is_annotated(obj: Object) -> bool:
        """Whether an object has rules in its annotations."""
        return not ANNOTATIONS.isdisjoint(annotations_of(obj))

    def _candidates(self, gvk: GVK, kind: Type | None, *, has_status: bool) -> tuple[tuple[Rule, ...], bool]:
        """The root rules that may apply to objects of a kind, and whether they apply to all of them."""
        made, place = self._compiler.made(kind), (self, gvk, has_status)
        known: tuple[tuple[Rule, ...], bool] | None = made.get(place)
        if known is None:
            rules = tuple(rule for rule in self._root_rules if _selects_kind(rule, gvk, kind, has_status=has_status))
            known = rules, not any(rule.selects.keys() & _OF_OBJECT for rule in rules)
            keep(made, place, known)
        return known

    def consulted(self, gvk: GVK, kind: Type | None) -> frozenset[GVK]:
        """The kinds whose objects the rules for this kind read."""
        names = kind.reachable if kind else frozenset[str]()
        return frozenset(
            GVK.parse(other)
            for rule in self.rules
            for other in rule.consults
            if (self.may_select(rule, gvk) if rule.root else any(_any_glob(rule.types, name) for name in names))
        )

    @functools.cached_property
    def has_sensitive(self) -> bool:
        """Whether there is a ``sensitive`` rule; those in annotations do not count."""
        return any(rule.action == "sensitive" for rule in self.rules)

    def needs_managers(self, gvk: GVK) -> bool:
        """Whether a rule for this kind names field managers, so that managedFields have to be read."""
        return any(rule.managers and self.may_select(rule, gvk) for rule in self._root_rules)

    def owned(self, gvk: GVK, kind: Type | None) -> tuple[Rule, ...]:
        """The rules for a kind that depend on the owner of a managed value, or of a member of a shared list."""
        names = kind.reachable if kind else frozenset[str]()
        return tuple(
            rule
            for rule in self.rules
            if (rule.by is not None or rule.argument == KEEP_OTHERS)
            and (self._may_begin(rule, gvk, kind) if rule.root else any(_any_glob(rule.types, name) for name in names))
        )

    def _may_begin(self, rule: Rule, gvk: GVK, kind: Type | None) -> bool:
        return self.may_select(rule, gvk) and _any_glob(rule.types, kind.name if kind else "")

    @staticmethod
    def may_select(rule: Rule, gvk: GVK) -> bool:
        """Whether a root rule may apply to objects of a kind, by its group and kind alone."""
        texts = {"group": gvk.group, "kind": gvk.kind}
        return all(key not in rule.selects or fnmatchcase(text, str(rule.selects[key])) for key, text in texts.items())

    def _annotated(self, obj: Object) -> tuple[Rule, ...]:
        """The rules in an object's annotations. A comparison reads those of expected; anybody may write live's."""
        annotations = annotations_of(obj)
        if not annotations:
            return ()
        texts = tuple(str(annotations.get(PREFIX + action) or "") for action in ANNOTATED)
        return annotated(texts) if any(texts) else ()

    def _rules_of(self, name: str) -> tuple[Rule, ...]:
        known = self._by_type.get(name)
        if known is None:
            known = self._by_type[name] = tuple(rule for rule in self._type_rules if _any_glob(rule.types, name))
        return known


def _rules(rules: Any) -> tuple[Rule, ...]:
    found = tuple(rules) if isinstance(rules, Iterable) and not isinstance(rules, str | bytes | Mapping) else (rules,)
    for rule in found:
        if not isinstance(rule, Rule):
            raise refused("rules", rule, f"is no rule; {_ADVICE}")
    return found


def _require_sources(sources: Sequence[Any]) -> None:
    for source in sources:
        if not isinstance(source, str | PathLike | Mapping):
            raise refused("sources", source, "is no path and no document; give each as an argument of its own")


def require_registry(rules: Any) -> None:
    """Raise InputError for an argument that is neither a Registry nor None."""
    if rules is not None and not isinstance(rules, Registry):
        source = shown(fspath(rules)) if isinstance(rules, str | PathLike) else "path"
        raise refused("rules", rules, f"is no Registry; give gr.Registry.builtin().extend({source})")


def _any_glob(globs: Sequence[str], name: str) -> bool:
    return any(fnmatchcase(name, glob) if "*" in glob else name == glob for glob in globs)


def _selects_kind(rule: Rule, gvk: GVK, kind: Type | None, *, has_status: bool) -> bool:
    """Whether a root rule may apply to objects of a kind, by type, status subresource, group and kind."""
    selects = rule.selects
    if not _any_glob(rule.types, kind.name if kind else ""):
        return False
    if selects.get("statusSubresource", has_status) != has_status:
        return False
    texts = {"group": gvk.group, "kind": gvk.kind}
    return all(key not in selects or fnmatchcase(text, str(selects[key])) for key, text in texts.items())


def _selects(rule: Rule, obj: Object) -> bool:
    """Whether a rule for this object's kind selects this object, by namespace, name and labels."""
    selects = rule.selects
    texts = {"namespace": namespace_of(obj), "name": name_of(obj)}
    if any(key in selects and not fnmatchcase(text, str(selects[key])) for key, text in texts.items()):
        return False
    labels = labels_of(obj)
    return all(labels.get(key) == value for key, value in selects.get("labels", {}).items())


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise RuleError(f"{file}: cannot be read: {error.strerror}; check the path", code="GR301") from error
    except ValueError:  # A UnicodeDecodeError holds the whole text, and must not be chained.
        pass
    raise RuleError(f"{file}: cannot be read: it is not UTF-8; save it as UTF-8", code="GR301")


def _read(text: str, source: str, layer: int) -> tuple[Rule, ...]:
    return tuple(
        rule for document, _ in _documents(text, source) for rule in _layered(parse_rules(document, source), layer)
    )


def _documents(text: str, source: str) -> list[tuple[Any, str]]:
    """The documents of a file, each with the name of the file."""
    try:
        return [(document, source) for document, _ in documents(text, source)]
    except LoadError as error:
        raise RuleError(str(error), code="GR301") from None


def _layered(rules: Iterable[Rule], layer: int) -> tuple[Rule, ...]:
    return tuple(dataclasses.replace(rule, layer=layer) for rule in rules)


def _contents(registry: Registry) -> list[Any]:
    """The rules by value; Rule itself compares by identity, which is fast."""
    return [*(dataclasses.astuple(rule) for rule in registry.rules), registry.readiness]
