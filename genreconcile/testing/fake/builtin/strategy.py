"""What the endpoints of a kind keep, count and refuse, as ``data/strategy.yaml`` has it.

Invariant: an object is never changed: what is returned is another one. Of what cannot change, the refusal of a Go
struct shows its JSON as clients see it, and none shows the server's diff.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from genreconcile.testing.fake.builtin.causes import Cause, require
from genreconcile.testing.fake.builtin.defaults import with_empties
from genreconcile.testing.fake.builtin.tables import name_of, table
from genreconcile.testing.fake.builtin.types import root_of
from genreconcile.testing.fake.builtin.validation import problems
from genreconcile.testing.fake.kinds import Kind

Object = Mapping[str, Any]


def prepared(obj: Object, kind: Kind) -> dict[str, Any]:
    """A new object before defaults: without the status that its sender gave it, in its first generation."""
    found = dict(obj)
    if kind.has_status:
        found.pop("status", None)
        root = root_of(kind)
        if root is not None and root.fields["status"].empty == {}:
            found["status"] = with_empties({}, root.fields["status"].type)
    metadata = {name: value for name, value in found["metadata"].items() if name != "generation"}
    if has_generation(kind):
        metadata["generation"] = 1
    return {**found, "metadata": metadata}


def has_generation(kind: Kind) -> bool:
    """Whether objects of a kind count their changes; those of custom kinds do."""
    return bool(kind.defines) or name_of(kind) in table()["generation"]


def updated(obj: Object, live: Object, kind: Kind, subresource: str = "") -> dict[str, Any]:
    """The new state of an object: what this endpoint does not write stays as it is, and the generation is counted up.

    Call it before and after ``defaulted``: before, so that what is kept is no default; after, so that what is filled in
    does not count as a change.
    """
    found = _kept_apart(obj, live, kind, subresource)
    metadata = {name: value for name, value in found["metadata"].items() if name != "generation"}
    found["metadata"] = metadata
    _keep(found, live, kind)
    _count(found, live, kind)
    if (before := live["metadata"].get("generation")) is not None:
        metadata["generation"] = before + is_counted(found, live, kind)
    return found


def _kept_apart(obj: Object, live: Object, kind: Kind, subresource: str) -> dict[str, Any]:
    if subresource == "status":
        before = live.get("status") or {}
        own = {name: before[name] for name in table()["statuses"].get(name_of(kind), ()) if name in before}
        status = {**own, **(obj.get("status") or {})} if own else obj.get("status")
        return {**live, "status": status, "metadata": dict(live["metadata"])}
    found = dict(obj)
    if kind.has_status:
        found.pop("status", None)
        found |= {"status": live["status"]} if "status" in live else {}
    return found


def is_counted(obj: Object, live: Object, kind: Kind) -> bool:
    """Whether the difference of two states is one that counts the generation up."""
    own = table()["generation"].get(name_of(kind))
    if own is None:
        own = [name for name in {**obj, **live} if name not in {"apiVersion", "kind", "metadata", "status"}]
    return any(at(obj, path) != at(live, path) for path in own)


def _keep(obj: dict[str, Any], live: Object, kind: Kind) -> None:
    """What was allotted stays, where it is not stated."""
    rule = table()["kept"].get(name_of(kind))
    spec, before = obj.get("spec"), live.get("spec") or {}
    if rule is None or not isinstance(spec, dict):
        return
    if not {spec.get("type"), before.get("type")} & set(rule["unless"]):
        obj["spec"] = {**{name: before[name] for name in rule["fields"] if before.get(name)}, **spec}


def _count(obj: dict[str, Any], live: Object, kind: Kind) -> None:
    """An annotation that counts is the server's own."""
    rule = table()["counted"].get(name_of(kind))
    if rule is not None:
        before = int((live["metadata"].get("annotations") or {}).get(rule["annotation"], 0))
        number = before + (at(obj, rule["field"]) != at(live, rule["field"]))
        annotations = {**(obj["metadata"].get("annotations") or {}), rule["annotation"]: str(number)}
        obj["metadata"]["annotations"] = annotations


def grace_seconds(obj: Object, kind: Kind, wanted: int | None = None) -> int:
    """The seconds that a deletion leaves an object; ``wanted`` are those of the request."""
    rule = table()["grace"].get(name_of(kind))
    if rule is None or not at(obj, rule["node"]):
        return 0
    return int(at(obj, rule["seconds"]) or 0) if wanted is None else wanted


def check_new(obj: Object, kind: Kind) -> None:
    """Raises Refusal (422) for a new object that is not valid; see ``validation`` for what is looked at."""
    require(name_of(kind), obj, problems(obj, kind, table()["names"].get(name_of(kind), "subdomain")))


def check_update(obj: Object, live: Object, kind: Kind) -> None:
    """Raises Refusal (422) for a new state that is not valid, or changes what cannot be changed."""
    rules = table()["immutable"].get(name_of(kind), ())
    frozen = [cause for rule in rules if (cause := _frozen(rule, obj, live)) is not None]
    found = problems(obj, kind, table()["names"].get(name_of(kind), "subdomain"))
    require(name_of(kind), obj, [*frozen, *found])


def _frozen(rule: Mapping[str, Any], obj: Object, live: Object) -> Cause | None:
    before, after = at(live, rule["path"]), at(obj, rule["path"])
    if any(at(live, path) != value for path, value in rule.get("when", {}).items()):
        return None
    if any(at(one, path) in values for path, values in rule.get("unless", {}).items() for one in (obj, live)):
        return None
    if all(at(live, path) in values for path, values in rule.get("where", {}).items()):
        before, after = (_without(value, rule.get("but", ())) for value in (before, after))
    if before == after:
        return None
    path = rule.get("as", rule["path"])
    if "forbidden" in rule:
        return Cause(path, "FieldValueForbidden", f"Forbidden: {rule['forbidden']}")
    shown = at(obj, rule["of"]) if rule.get("of") else None if "of" in rule else after
    if "go" in rule:
        shown = {name: (shown or {}).get(own, "") for name, own in rule["go"].items()}
    return Cause.invalid(path, shown, rule.get("text", "field is immutable"))


def _without(value: Any, paths: Sequence[str]) -> Any:
    """A copy without what stands at these paths, in each member of lists on the way."""
    found = copy.deepcopy(value)
    for path in paths:
        _drop(found, path.split("."))
    return found


def _drop(value: Any, path: Sequence[str]) -> None:
    if isinstance(value, list):
        for entry in value:
            _drop(entry, path)
    elif isinstance(value, dict) and len(path) == 1:
        value.pop(path[0], None)
    elif isinstance(value, dict):
        _drop(value.get(path[0]), path[1:])


def at(obj: Any, path: str) -> Any:
    """What stands at a path such as ``spec.type``, None where nothing does."""
    for name in path.split("."):
        obj = obj.get(name) if isinstance(obj, Mapping) else None
    return obj
