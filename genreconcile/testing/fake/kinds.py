"""The kinds that a scripted server serves: built-in ones from recorded OpenAPI documents, custom ones from their CRDs.

Invariant: no kind is known by name but the one that defines others.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from genreconcile.testing.fake.places import Place, data, place_of, places_of, shared

_RECORDED = Path(__file__).parent / "data" / "openapi"
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_PATH = re.compile(
    r"/apis?/(?:(?P<group>[^/]+)/)?(?P<version>[^/]+)(?P<namespaced>/namespaces/\{namespace\})?"
    r"/(?P<plural>[a-z]+)/\{name\}(?P<status>/status)?"
)


class Scale(NamedTuple):
    """Where a kind has its replicas, as dotted paths such as ``.spec.replicas``; ``selector`` may be ""."""

    spec: str
    status: str
    selector: str = ""


class Names(NamedTuple):
    """The further names of a kind."""

    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    singular: str = ""


NO_NAMES: Final = Names()


@dataclass(frozen=True, slots=True)
class Kind:
    """One version of a kind. ``defines`` is the name of the definition that it comes from, "" for built-in ones;
    ``storage`` the version in which its objects are stored; ``scale`` its scale subresource, None without one.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    has_status: bool
    defines: str = ""
    storage: str = ""
    scale: Scale | None = None
    names: Names = NO_NAMES

    @property
    def place(self) -> Place:
        """Where its objects are stored."""
        found = self.group, self.plural
        return shared()[found].place if found in shared() else found

    @property
    def renamed(self) -> Mapping[str, str]:
        """The names under which some of its fields are stored."""
        found = shared().get((self.group, self.plural))
        return found.fields if found is not None else {}

    @property
    def api_version(self) -> str:
        """``version`` or ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def verbs(self) -> tuple[str, ...]:
        """What can be done to its objects."""
        return tuple(verb for verb in _VERBS if verb != "deletecollection" or self.place not in _one_by_one())


@functools.cache
def recorded(folder: Path = _RECORDED) -> Mapping[str, Mapping[str, Any]]:
    """The recorded documents of built-in kinds by their path, such as ``apis/apps/v1``."""
    return {file.stem.replace("_", "/"): json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))}


def described(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[Kind]:
    """The kinds that documents describe."""
    for document in documents.values():
        yield from _described(document.get("paths") or {})


@functools.cache
def built_in() -> Sequence[Kind]:
    """The built-in kinds that are shipped."""
    return tuple(described(recorded()))


def _described(paths: Mapping[str, Any]) -> Iterator[Kind]:
    for path, operations in paths.items():
        match = _PATH.fullmatch(path)
        if match is None or match["status"] or "/watch/" in path:
            continue
        name = next(iter(operations.values()))["x-kubernetes-group-version-kind"]["kind"]
        group, version, plural = match["group"] or "", match["version"], match["plural"]
        yield Kind(
            group,
            version,
            name,
            plural,
            bool(match["namespaced"]),
            f"{path}/status" in paths,
            storage=version,
            scale=_scales().get((group, plural)),
            names=_names().get((group, plural), NO_NAMES),
        )


def defined_by(definition: Mapping[str, Any]) -> list[Kind]:
    """The kinds that a CustomResourceDefinition brings, one for each served version."""
    spec = definition["spec"]
    names, name = spec["names"], definition["metadata"]["name"]
    further = Names(
        tuple(names.get("shortNames") or ()), tuple(names.get("categories") or ()), names.get("singular") or ""
    )
    storage = next(version["name"] for version in spec["versions"] if version.get("storage"))
    return [
        Kind(
            spec["group"],
            version["name"],
            names["kind"],
            names["plural"],
            spec["scope"] == "Namespaced",
            "status" in (version.get("subresources") or {}),
            name,
            storage,
            _scale_of(version),
            further,
        )
        for version in spec["versions"]
        if version.get("served")
    ]


def _scale_of(version: Mapping[str, Any]) -> Scale | None:
    found = (version.get("subresources") or {}).get("scale")
    if found is None:
        return None
    return Scale(found["specReplicasPath"], found["statusReplicasPath"], found.get("labelSelectorPath") or "")


@functools.cache
def _scales() -> Mapping[Place, Scale]:
    return {
        (entry["group"], entry["plural"]): Scale(entry["spec"], entry["status"], entry["selector"])
        for entry in data("scale")
    }


@functools.cache
def _names() -> Mapping[Place, Names]:
    found = data("discovery")
    short = {place_of(name): tuple(names) for name, names in found["short"].items()}
    categories: dict[Place, tuple[str, ...]] = {}
    for category, names in found["categories"].items():
        for place in places_of(names):
            categories[place] = (*categories.get(place, ()), category)
    return {place: Names(short.get(place, ()), categories.get(place, ())) for place in {**short, **categories}}


@functools.cache
def _one_by_one() -> frozenset[Place]:
    return frozenset(places_of(data("deletion")["one_by_one"]))


@functools.cache
def _selectable() -> Mapping[Place, frozenset[str]]:
    return {place_of(name): frozenset(fields) for name, fields in data("selectable").items()}


def selectable(kind: Kind) -> frozenset[str]:
    """The fields that a field selector may name."""
    common = {"metadata.name"} | ({"metadata.namespace"} if kind.namespaced else set())
    return _selectable().get((kind.group, kind.plural), frozenset()) | common


def schema_of(definition: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    """The structural schema of one version of a definition."""
    found = next(one for one in definition["spec"]["versions"] if one["name"] == version)
    schema: Mapping[str, Any] = (found.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"}
    return schema
