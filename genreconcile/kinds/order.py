"""The order in which objects are written and deleted, and the objects that define kinds: read from ``order.yaml``.

Invariant: knowledge of kinds is data; this module only reads it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from jsonpointer import resolve_pointer

from genreconcile.data import Order, shipped
from genreconcile.data.shapes import Says
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.versions import Stored
from genreconcile.objects import GVK, Object

_WRITABLE: Final = frozenset({"create", "delete", "get", "list", "patch", "update", "watch"})

Member = TypeVar("Member")


@functools.cache
def _places() -> Mapping[str, int]:
    return {name: number for number, wave in enumerate(shipped(Order).waves) for name in wave}


def kind_name(group: str, kind: str) -> str:
    """``Kind.group``, or ``Kind`` for the core group."""
    return f"{kind}.{group}" if group else kind


def wave_of(group: str, kind: str) -> int:
    """The number of the wave in which objects of a kind are written."""
    places = _places()
    return places.get(kind_name(group, kind), places["*"])


def waves(members: Iterable[tuple[tuple[str, str], Member]], *, reverse: bool = False) -> list[list[Member]]:
    """Group members, each given with (group, kind), into waves; empty ones are left out."""
    found: dict[int, list[Member]] = {}
    for (group, kind), member in members:
        found.setdefault(wave_of(group, kind), []).append(member)
    return [found[number] for number in sorted(found, reverse=reverse)]


def defines_kinds(gvk: GVK) -> bool:
    """Whether objects of this kind define other kinds."""
    return kind_name(gvk.group, gvk.kind) in shipped(Order).defines


def is_definer(gvk: GVK) -> bool:
    """Whether objects of this kind are definitions that name the kind which they define."""
    return _says(gvk) is not None


def group_behind(group: str, kind: str, name: str) -> str:
    """The API group that an object brings without naming its kinds; "" where it brings none, or names them."""
    definer = shipped(Order).defines.get(kind_name(group, kind))
    return name.partition(".")[2] if definer and definer.named == "version.group" else ""


def changes_writes(gvk: GVK) -> bool:
    """Whether objects of this kind configure what admission changes in other objects."""
    return kind_name(gvk.group, gvk.kind) in shipped(Order).admits


def _says(gvk: GVK) -> Says | None:
    """The pointers at which objects of this kind describe the kind that they define, None where they do not."""
    definer = shipped(Order).defines.get(kind_name(gvk.group, gvk.kind))
    return definer.says if definer else None


def is_served(obj: Object) -> bool:
    """Whether the status of an object that defines kinds says that these are served."""
    gvk = GVK.of(obj)
    wanted = shipped(Order).defines[kind_name(gvk.group, gvk.kind)].condition
    conditions: Sequence[Any] = resolve_pointer(obj, "/status/conditions", None) or ()
    return any(condition.get("type") == wanted and condition.get("status") == "True" for condition in conditions)


def defined_by(obj: Object) -> list[Resource]:
    """The resources that an expected object defines; none where it defines none, or does not name them."""
    says = _says(GVK.of(obj))
    if says is None:
        return []
    group, kind, plural, scope, versions = (
        resolve_pointer(obj, pointer, None)
        for pointer in (says.group, says.kind, says.plural, says.scope, says.versions)
    )
    served = [version for version in versions or () if isinstance(version, Mapping) and version.get("served")]
    return [
        Resource(
            GVK(group, version["name"], kind),
            plural,
            namespaced=scope == "Namespaced",
            verbs=_WRITABLE,
            subresources=frozenset(version.get("subresources") or ()),
        )
        for version in served
        if group and kind and plural and "name" in version
    ]


def defined_kind(obj: Object) -> tuple[str, str]:
    """The (group, kind) that an object defines, also where no version of it is served; ("", "") without one."""
    says = _says(GVK.of(obj))
    if says is None:
        return "", ""
    return str(resolve_pointer(obj, says.group, "")), str(resolve_pointer(obj, says.kind, ""))


def definition_name(resource: Resource) -> str:
    """The name of a kind's definition, as the API server demands it."""
    return f"{resource.plural}.{resource.gvk.group}"


def stored_versions(obj: Object) -> tuple[str, ...]:
    """The versions in which objects of the defined kind may lie in etcd; first the one in which they are written."""
    says = _says(GVK.of(obj))
    if says is None:
        return ()
    versions = resolve_pointer(obj, says.versions, None) or ()
    written = [version["name"] for version in versions if version.get("storage")]
    return tuple(dict.fromkeys([*written, *(resolve_pointer(obj, says.stored, None) or ())]))


def stored_schemas(obj: Object, version: str) -> Stored:
    """The schemas of ``stored_versions``, but for that of ``version``; a version may have none."""
    says = _says(GVK.of(obj))
    if says is None:
        return Stored()
    versions = {found["name"]: found for found in resolve_pointer(obj, says.versions, None) or ()}
    schemas = {
        name: schema
        for name in stored_versions(obj)
        if isinstance(schema := resolve_pointer(versions.get(name, {}), says.schema, None), Mapping)
    }
    written = next((found for name, found in versions.items() if found.get("storage") and name != version), None)
    others = tuple(schema for name, schema in schemas.items() if name != version)
    # A webhook may move a value elsewhere in the written version, so that no value is lost for sure.
    is_converted = bool(resolve_pointer(obj, says.webhook, None)) and {*stored_versions(obj)} != {version}
    if written is None or is_converted:
        return Stored(others, is_converted=is_converted)
    return Stored(others, schemas.get(written["name"]))
