"""One normalization rule, and its parser for YAML documents.

Invariant: a parsed Rule is valid; a fault in a file is a RuleError that names file, rule and key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from genreconcile.conditions import Condition
from genreconcile.errors import RuleError
from genreconcile.normalize.covering import COVERING
from genreconcile.normalize.functions import FUNCTIONS
from genreconcile.normalize.path import Pattern, parse_path
from genreconcile.normalize.scalars import CANONICAL
from genreconcile.normalize.shown import named, shown
from genreconcile.objects import GVK
from genreconcile.pointer import split_pointer

API_VERSION: Final = "genreconcile.dev/v1alpha1"

EXPLAINS: Final = ("system", "ignore", "adopt", "managed", "default", "copy", "function", "refer")
"""Actions that say which value may stand at a path; the first such rule that applies wins."""
KEY: Final = "$key"
"""A token of a relative path: stands for the key at which the rule applies."""
ACTIONS: Final = (
    *EXPLAINS,
    "alias",
    "fold",
    "list",
    "keep",
    "distinct",
    "canonical",
    "sensitive",
    "subset",
    "limit",
    "covered",
)
_CONDITIONAL: Final = (*EXPLAINS, "keep", "covered")
SELECTORS: Final = ("type", "path", "root", "object", "managers")
_FLAGS: Final = ("system", "ignore", "adopt", "managed", "distinct", "sensitive", "subset")
_CONDITIONS: Final = ("at", "live", "in", "notIn", "present", "only", "targetedBy")
_WHERE: Final = ("at", "live")
_OBJECT: Final = ("group", "kind", "namespace", "name", "labels", "statusSubresource")
_WRITERS: Final = ("allocated", "by", "fixed")
"""The keys of a ``managed`` rule that say who may write the value."""
_KEYS: Final = ("id", *SELECTORS, "when", "why", *_WRITERS, *ACTIONS)
KEEP_OTHERS: Final = "others"
"""The argument of ``keep`` for lists in which the members that other writers have added stay."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """``action`` is one of ACTIONS, ``argument`` its value in the file; a rule of a lower ``layer`` wins.

    ``types`` are globs over schema type names; ``tokens`` the path from there; ``root`` limits the rule to the root of
    an object; ``selects`` to objects of a group, kind, namespace, name or with labels; ``managers`` (globs) to fields
    that these field managers own at the path and below it. ``by`` are globs of the field managers that may own a
    managed value: () where the API server allots it, None for any. ``fixed``: the server refuses to change it back.
    """

    id: str
    types: tuple[str, ...]
    tokens: Pattern
    action: str
    argument: Any
    root: bool = False
    selects: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    source: str = ""
    layer: int = 0
    managers: tuple[str, ...] = ()
    by: tuple[str, ...] | None = None
    fixed: bool = False

    def __str__(self) -> str:
        return self.id

    @property
    def reads(self) -> frozenset[str]:
        """The keys of expected that conditions and the action read, at whatever depth."""
        paths = [condition.at for condition in self.conditions if not condition.of_live]
        if self.action in {"copy", "function"}:
            paths += self.argument.values() if isinstance(self.argument, Mapping) else [self.argument, "image"]
        own = self.tokens[-1:] if any(condition.targeted_by for condition in self.conditions) else ()
        return frozenset((*own, *(token for path in paths for token in split_pointer("/" + str(path)))))

    @property
    def counts_keys(self) -> bool:
        """Whether a condition depends on which keys expected has at all."""
        return any(condition.only is not None or KEY in condition.at for condition in self.conditions)

    @property
    def consults(self) -> tuple[str, ...]:
        """The kinds (``group/version/Kind``) whose objects this rule reads."""
        targeting = tuple(condition.targeted_by[0] for condition in self.conditions if condition.targeted_by)
        return (*targeting, str(self.argument["kind"])) if self.action == "refer" else targeting


def parse_rules(document: Any, source: str) -> tuple[Rule, ...]:
    """The rules of one parsed YAML document, which ``source`` names in messages. Raises RuleError."""
    if not isinstance(document, Mapping) or document.get("kind") != "RuleSet":
        raise RuleError(
            f"{source}: no rules: the document's kind is not RuleSet; begin it with kind: RuleSet", code="GR302"
        )
    if document.get("apiVersion") != API_VERSION:
        raise RuleError(f"{source}: cannot be read: apiVersion is not {API_VERSION}; write that", code="GR302")
    _only_keys(document, ("apiVersion", "kind", "rules", "readiness"), source)
    entries = document.get("rules") or []
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise RuleError(f"{source}: key rules: is no list; write one entry per rule", code="GR302")
    rules = tuple(
        parse_rule(entry, f"{source}: rule {_name(entry, index)}", source) for index, entry in enumerate(entries)
    )
    _unique_ids(rules, source)
    return rules


def parse_rule(entry: Any, where: str, source: str) -> Rule:
    """The rule of one entry of ``rules``. Raises RuleError with a message that begins with ``where``."""
    if not isinstance(entry, Mapping):
        raise RuleError(f"{where}: is no mapping", code="GR302")
    _only_keys(entry, _KEYS, where)
    actions = [key for key in ACTIONS if key in entry]
    if len(actions) != 1:
        named = ", ".join(actions) or "none"
        raise RuleError(
            f"{where}: has {len(actions)} actions ({named}); give exactly one of {', '.join(ACTIONS)}", code="GR303"
        )
    action = actions[0]
    _check_argument(action, entry[action], where)
    if "when" in entry and action not in _CONDITIONAL:
        raise RuleError(f"{where}: key when: does not go with {action}, which always holds; leave it out", code="GR303")
    root = _flag(entry, "root", where) or "object" in entry
    return Rule(
        id=_text(entry, "id", where),
        types=_types(entry, where, root=root),
        tokens=_path(entry, where),
        action=action,
        argument=entry[action],
        root=root,
        selects=_object(entry.get("object", {}), where),
        conditions=_conditions(entry.get("when", []), where),
        source=source,
        managers=_managers(entry, where, root=root),
        by=_by(entry, where),
        fixed=_flag(entry, "fixed", where),
    )


def _by(entry: Mapping[str, Any], where: str) -> tuple[str, ...] | None:
    for key in _WRITERS:
        if key in entry and "managed" not in entry:
            raise RuleError(f"{where}: key {key}: goes with managed; add that, or leave it out", code="GR303")
    if "fixed" in entry and "allocated" not in entry:
        raise RuleError(f"{where}: key fixed: goes with allocated; add that, or leave it out", code="GR303")
    if _flag(entry, "allocated", where):
        if "by" in entry:
            raise RuleError(
                f"{where}: key by: what the API server allots is written by nobody else; leave it out", code="GR303"
            )
        return ()
    return _names(entry, "by", where) if "by" in entry else None


def _names(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    names = entry.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise RuleError(
            f"{where}: key {key}: must be a list of names of field managers, not {shown(names)}", code="GR304"
        )
    return tuple(names)


def _managers(entry: Mapping[str, Any], where: str, *, root: bool) -> tuple[str, ...]:
    names = _names(entry, "managers", where)
    if names and not (root and "ignore" in entry):
        raise RuleError(f"{where}: key managers: goes with ignore, and with root or object; add them", code="GR303")
    return names


def _name(entry: Any, index: int) -> str:
    return named(entry["id"]) if isinstance(entry, Mapping) and "id" in entry else f"#{index + 1}"


def _only_keys(entry: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in entry:
        if key not in known:
            raise RuleError(f"{where}: key {named(key)}: is not known; use one of {', '.join(known)}", code="GR303")


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise RuleError(f"{where}: key {key}: must be a text that is not empty, not {shown(value)}", code="GR304")
    return value


def _flag(entry: Mapping[str, Any], key: str, where: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise RuleError(f"{where}: key {key}: must be true or false, not {shown(value)}", code="GR304")
    return value


def _types(entry: Mapping[str, Any], where: str, *, root: bool) -> tuple[str, ...]:
    value = entry.get("type", "*" if root else None)
    types = (value,) if isinstance(value, str) else value
    if not isinstance(types, Sequence) or not types or not all(isinstance(name, str) and name for name in types):
        raise RuleError(f"{where}: key type: must be a schema type or a list of them, not {shown(value)}", code="GR304")
    return tuple(types)


def _path(entry: Mapping[str, Any], where: str) -> Pattern:
    try:
        return parse_path(_text(entry, "path", where))
    except ValueError as error:
        raise RuleError(f"{where}: key path: {error}", code="GR304") from None


def _object(selects: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(selects, Mapping):
        raise RuleError(f"{where}: key object: must be a mapping of {', '.join(_OBJECT)}", code="GR304")
    _only_keys(selects, _OBJECT, f"{where}: key object")
    return dict(selects)


def _conditions(when: Any, where: str) -> tuple[Condition, ...]:
    entries = [when] if isinstance(when, Mapping) else when
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise RuleError(f"{where}: key when: must be a condition or a list of them, not {shown(when)}", code="GR304")
    return tuple(_condition(entry, f"{where}: key when") for entry in entries)


def _condition(entry: Any, where: str) -> Condition:
    if not isinstance(entry, Mapping):
        raise RuleError(f"{where}: must be a mapping of {', '.join(_CONDITIONS)}, not {shown(entry)}", code="GR304")
    _only_keys(entry, _CONDITIONS, where)
    tests = [key for key in _CONDITIONS if key not in _WHERE and key in entry]
    places = [key for key in _WHERE if key in entry]
    if len(tests) != 1 or len(places) != (tests[0] not in {"only", "targetedBy"}):
        raise RuleError(f"{where}: give at or live with in, notIn or present; or only; or targetedBy", code="GR304")
    for key in ("in", "notIn", "only"):
        if key in entry and not isinstance(entry[key], list):
            raise RuleError(f"{where}: {key} must be a list, not {shown(entry[key])}", code="GR304")
    return Condition(
        at=_text(entry, places[0], where) if places else "",
        of_live=places == ["live"],
        values=tuple(entry["in"]) if "in" in entry else None,
        not_values=tuple(entry["notIn"]) if "notIn" in entry else None,
        present=_flag(entry, "present", where) if "present" in entry else None,
        only=tuple(entry["only"]) if "only" in entry else None,
        targeted_by=_targeted_by(entry["targetedBy"], where) if "targetedBy" in entry else None,
    )


def _targeted_by(value: Any, where: str) -> tuple[str, str]:
    if not isinstance(value, Mapping) or set(value) != {"kind", "at"}:
        raise RuleError(f"{where}: targetedBy must be a mapping of kind and at, not {shown(value)}", code="GR304")
    try:
        GVK.parse(str(value["kind"]))
    except ValueError as error:
        raise RuleError(f"{where}: targetedBy: {error}", code="GR304") from None
    return str(value["kind"]), str(value["at"])


def _check_argument(action: str, argument: Any, where: str) -> None:
    problem = ""
    if action in _FLAGS and argument is not True:
        problem = "must be true"
    elif action in {"copy", "alias"} and not (isinstance(argument, str) and argument):
        problem = "must be the path of the other field"
    elif action in _PROBLEMS:
        problem = _PROBLEMS[action](argument)
    elif action == "list":
        problem = "" if _is_list_argument(argument) else "must be ordered, unordered or a list of keys"
    elif action == "keep" and not (argument in ("all", KEEP_OTHERS) or isinstance(argument, list)):
        problem = "must be all or a list of members, or others"
    elif action == "canonical" and argument not in list(CANONICAL):
        problem = f"must be one of {', '.join(sorted(CANONICAL))}"
    elif action == "fold" and not (isinstance(argument, Mapping) and set(argument) == {"into", "encode"}):
        problem = "must be a mapping of into and encode"
    if problem:
        raise RuleError(f"{where}: key {action}: {problem}, not {shown(argument)}", code="GR304")


def _is_list_argument(argument: Any) -> bool:
    if isinstance(argument, list):
        return bool(argument) and all(isinstance(key, str) for key in argument)
    return argument in ("ordered", "unordered")


def _limit_problem(argument: Any) -> str:
    if not isinstance(argument, Mapping) or not {"bytes"} <= set(argument) <= {"bytes", "with", "keys"}:
        return "must be a mapping of bytes, with and keys"
    count, others = argument["bytes"], argument.get("with", [])
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        return "bytes must be a number above 0"
    if not isinstance(others, list) or not all(isinstance(key, str) for key in others):
        return "with must be a list of keys"
    return "" if isinstance(argument.get("keys", False), bool) else "keys must be true or false"


def _reference_problem(argument: Any) -> str:
    if not isinstance(argument, Mapping) or set(argument) != {"kind", "at", "in", "take"}:
        return "must be a mapping of kind, at, in and take"
    if not isinstance(argument["in"], list):
        return "in must be a list"
    if not all(isinstance(argument[key], str) and argument[key].startswith("/") for key in ("at", "take")):
        return "at and take must be JSON pointers"
    try:
        GVK.parse(str(argument["kind"]))
    except ValueError as error:
        return str(error)
    return ""


def _function_problem(argument: Any) -> str:
    name = argument.get("name") if isinstance(argument, Mapping) else argument
    return "" if name in list(FUNCTIONS) else f"must name one of {', '.join(sorted(FUNCTIONS))}"


def _covered_problem(argument: Any) -> str:
    return "" if argument in list(COVERING) else f"must be one of {', '.join(sorted(COVERING))}"


_PROBLEMS: Final = {
    "refer": _reference_problem,
    "function": _function_problem,
    "limit": _limit_problem,
    "covered": _covered_problem,
}


def _unique_ids(rules: Sequence[Rule], source: str) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError(f"{source}: rule {rule.id}: key id: is used twice; give each rule its own", code="GR305")
        seen.add(rule.id)
