"""Every edit of an object that its schema allows, each a JSON patch with alternatives, one leaf at a time."""

import copy
from dataclasses import dataclass

from genreconcile.pointer import join_pointer
from kind.conformance.values import MOST, TABLE, candidates, others

METADATA = ("labels", "annotations", "finalizers", "ownerReferences")
KEPT = {("metadata", "finalizers"), ("metadata", "ownerReferences")}
NESTED = 2


@dataclass(frozen=True)
class Edit:
    """``attempts`` are values or patches to try. ``wanted``: it is to be found (a reordering may mean nothing).
    ``place`` is the type and field, wherever it stands."""

    path: tuple
    what: str
    attempts: tuple
    wanted: bool = True
    place: tuple = ()


def edits(live, root, with_status):
    """All edits of an object."""
    for key in sorted(root.type.fields):
        if key in {"apiVersion", "kind"} or (key == "status" and with_status):
            continue
        if key == "metadata":
            child = root.child(key)
            for name in METADATA:
                yield from below(live["metadata"], name, child.node, (key,), ())
        else:
            yield from below(live, key, root, (), (root.type.name,))


def below(holder, key, node, path, types):
    """What may be done to one key of an object or map."""
    child, here = node.child(key), (*path, key)
    if key == "managedFields":
        return
    owner = node.type.name
    if key not in holder:
        if types.count(child.field.type.name) < NESTED or not child.field.type.name:
            values = candidates(child.field, key, owner)
            yield Edit(here, "add", tuple(put(here, value) for value in values), place=(owner, key))
        return
    value = holder[key]
    yield Edit(here, "remove", ([{"op": "remove", "path": join_pointer(here)}],))
    yield from inside(value, child, key, owner, here, types)


def inside(value, child, name, owner, path, types):  # noqa: PLR0917 - where the walk stands
    """What may be done to a value that is there."""
    kind, node = child.field.type, child.node
    if kind.name:
        if types.count(kind.name) >= NESTED:
            return
        types = (*types, kind.name)
    if isinstance(value, list):
        yield from members(value, child, name, owner, path, types)
    elif isinstance(value, dict):
        if kind.shape == "any":
            node = node.alternative()
        if node.type.shape == "object":
            for key in sorted({*node.type.fields, *value}):
                yield from below(value, key, node, path, types)
        else:
            yield from entries(value, node, name, owner, path, types)
    else:
        yield Edit(
            path,
            "change",
            tuple(put(path, other, "replace") for other in others(value, child.field, name, owner)),
            place=(owner, name),
        )


def entries(value, node, name, owner, path, types):  # noqa: PLR0917 - where the walk stands
    """What may be done to a map: rules may name keys of it, these are tried as well."""
    for key in sorted(value):
        yield from below(value, key, node, path, types)
    named = {rule.tokens[matched] for rule, matched in node.active}
    new = [key for key in TABLE["keys"] if key not in value]
    for keys in [new, *([key] for key in sorted(named - set(value)) if "*" not in key)]:
        attempts = []
        for key in keys:
            values = candidates(node.child(key).field, name, owner) if node.type.shape == "map" else ["x"]
            # The table may speak of the whole map.
            values = [
                entry
                for one in values
                for entry in (
                    one.values()
                    if isinstance(one, dict) and node.type.shape == "map" and node.type.values.type.shape == "scalar"
                    else [one]
                )
            ]
            attempts += [put((*path, key), entry) for entry in values]
        if attempts:
            yield Edit((*path, keys[0]), "entry", tuple(attempts[:MOST]))


def members(value, child, name, owner, path, types):  # noqa: PLR0917 - where the walk stands
    """What may be done to a list."""
    member = child.node.member()
    for index, one in enumerate(value):
        here = (*path, index)
        yield Edit(here, "remove", ([{"op": "remove", "path": join_pointer(here)}],))
        yield from inside(one, member, name, owner, here, types)
    yield Edit((*path, "-"), "append", tuple(put((*path, "-"), new) for new in news(value, child, name, owner)))
    if len(value) > 1 and value[0] != value[1]:
        swap = {"op": "move", "from": join_pointer((*path, 0)), "path": join_pointer((*path, 1))}
        yield Edit((*path, 0), "swap", ([swap],), wanted=in_order(value, child))


def in_order(value, child):
    """Whether the order of a list means something: by its type, unless a rule says otherwise, and by duplicate keys."""
    rule = child.first("list")
    if rule is not None:
        return rule.argument == "ordered"
    kind = child.field.type
    keys = [tuple(str(one.get(key)) for key in kind.list_keys) for one in value if isinstance(one, dict)]
    return kind.list_type == "atomic" or (kind.list_type == "map" and len(set(keys)) < len(keys))


def news(value, child, name, owner):
    """New members: copies of those that are there with another key, then what the schema offers."""
    found = []
    for one in value[:2]:
        if isinstance(one, dict):
            keys = child.field.type.list_keys or [
                key for key in ("name", "key", "mountPath", "uid", "ip") if key in one
            ]
            changed = copy.deepcopy(one)
            for key in keys:
                old = changed.get(key)
                changed[key] = old + 1 if isinstance(old, int) else f"{old or ''}x"
            found.append(changed)
        elif isinstance(one, str):
            found += [one + "x", one[:-1] + "7"]
        elif isinstance(one, int):
            found.append(one + 1)
    values = candidates(child.field, name, owner)
    found += [one for some in values for one in (some if isinstance(some, list) else [some])]
    return [one for index, one in enumerate(found) if one not in value and one not in found[:index]][:MOST]


def put(path, value, op="add"):
    return [{"op": op, "path": join_pointer(path), "value": value}]
