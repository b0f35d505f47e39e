"""In which order objects are written and deleted, and which objects define kinds: read from ``order.yaml``.

Invariant: knowledge of kinds is data; this module only reads it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from jsonpointer import resolve_pointer

from genreconcile.data import shipped
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.versions import Stored
from genreconcile.objects import GVK, Object

_WRITABLE: Final = frozenset({"create", "delete", "get", "list", "patch", "update", "watch"})

Member = TypeVar("Member")


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = shipped("order.yaml")
    return data


@functools.cache
def _places() -> Mapping[str, int]:
    return {name: number for number, wave in enumerate(_data()["waves"]) for name in wave}


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
    return kind_name(gvk.group, gvk.kind) in _data()["defines"]


def is_definer(gvk: GVK) -> bool:
    """Whether objects of this kind say which kind they define."""
    return "kind" in _data()["defines"].get(kind_name(gvk.group, gvk.kind), {})


def group_behind(group: str, kind: str, name: str) -> str:
    """The API group that an object brings which does not say its kinds; "" where it brings none, or says them."""
    entry = _data()["defines"].get(kind_name(group, kind), {})
    return name.partition(".")[2] if entry.get("named") == "version.group" else ""


def changes_writes(gvk: GVK) -> bool:
    """Whether objects of this kind say what the server changes in others when they are written."""
    return kind_name(gvk.group, gvk.kind) in _data()["admits"]


def is_served(obj: Object) -> bool:
    """Whether an object that defines kinds says in its status that these are served."""
    gvk = GVK.of(obj)
    wanted = _data()["defines"][kind_name(gvk.group, gvk.kind)]["condition"]
    conditions: Sequence[Any] = resolve_pointer(obj, "/status/conditions", None) or ()
    return any(condition.get("type") == wanted and condition.get("status") == "True" for condition in conditions)


def defined_by(obj: Object) -> list[Resource]:
    """The resources that an expected object will define; none where it defines none or does not say."""
    gvk = GVK.of(obj)
    where = _data()["defines"].get(kind_name(gvk.group, gvk.kind))
    if where is None or "kind" not in where:
        return []
    group, kind, plural, scope, versions = (
        resolve_pointer(obj, where[key], None) for key in ("group", "kind", "plural", "scope", "versions")
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
    gvk = GVK.of(obj)
    where = _data()["defines"].get(kind_name(gvk.group, gvk.kind), {})
    if "kind" not in where:
        return "", ""
    return str(resolve_pointer(obj, where["group"], "")), str(resolve_pointer(obj, where["kind"], ""))


def definition_name(resource: Resource) -> str:
    """The name of the object that defines a kind: the API server demands that it is this one."""
    return f"{resource.plural}.{resource.gvk.group}"


def stored_versions(obj: Object) -> tuple[str, ...]:
    """The versions in which objects of the kind that is defined may lie in etcd; the one that is written first."""
    gvk = GVK.of(obj)
    where = _data()["defines"].get(kind_name(gvk.group, gvk.kind), {})
    if "stored" not in where:
        return ()
    versions = resolve_pointer(obj, where["versions"], None) or ()
    written = [version["name"] for version in versions if version.get("storage")]
    return tuple(dict.fromkeys([*written, *(resolve_pointer(obj, where["stored"], None) or ())]))


def stored_schemas(obj: Object, version: str) -> Stored:
    """The schemas of ``stored_versions``, but for that of ``version``; of some there may be none."""
    gvk = GVK.of(obj)
    where = _data()["defines"][kind_name(gvk.group, gvk.kind)]
    versions = {found["name"]: found for found in resolve_pointer(obj, where["versions"], None) or ()}
    schemas = {
        name: schema
        for name in stored_versions(obj)
        if isinstance(schema := resolve_pointer(versions.get(name, {}), where["schema"], None), Mapping)
    }
    written = next((found for name, found in versions.items() if found.get("storage") and name != version), None)
    others = tuple(schema for name, schema in schemas.items() if name != version)
    # What a webhook converts may stand elsewhere in the written version, so nothing is lost for sure.
    is_converted = bool(resolve_pointer(obj, where["webhook"], None)) and {*stored_versions(obj)} != {version}
    if written is None or is_converted:
        return Stored(others, is_converted=is_converted)
    return Stored(others, schemas.get(written["name"]))
