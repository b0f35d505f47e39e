"""The kinds of a server, what their schemas do, and objects in the versions of their kind.

Invariant: all of it follows the definitions in the store at once; a group version in ``stale`` is served as an
aggregated API that does not answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from genreconcile.testing.fake.kinds import Kind, defined_by, described, recorded, schema_of
from genreconcile.testing.fake.places import AGGREGATED, DEFINITIONS, Place
from genreconcile.testing.fake.semantics import BuiltIn, Custom, Semantics
from genreconcile.testing.fake.store import Key, Object, Store
from genreconcile.testing.fake.wire import NoSuchPath, Refusal, Unsupported

_MOST_SHOWN: Final = 100_000


class _Known:
    """The kinds under one state of the definitions, by how they are asked for."""

    def __init__(self, revision: int, kinds: Iterable[Kind]) -> None:
        self.revision = revision
        self.all = tuple(kinds)
        self.by_path = {(kind.group, kind.version, kind.plural): kind for kind in self.all}
        self.by_name = {(kind.api_version, kind.kind): kind for kind in self.all}
        self.by_place: dict[Place, Kind] = {}
        for kind in self.all:
            is_stored = kind.version == kind.storage and not kind.renamed
            if is_stored or kind.place not in self.by_place:
                self.by_place[kind.place] = kind
        self.semantics: dict[tuple[Kind, str], Semantics] = {}


class Documents:
    """The kinds of one store. Callers hold the store's lock, or do not mind a definition more or less."""

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self._store = store
        self.recorded = {**recorded(), **(recorded(folder) if folder is not None else {})}
        self._built_in = tuple(described(self.recorded))
        self._groups = frozenset(kind.group for kind in self._built_in)
        self._of_built_in: dict[Kind, Semantics] = {}
        self._state = _Known(-1, self._built_in)
        self._shown: dict[tuple[int, str], tuple[Object, Semantics, Mapping[str, Any]]] = {}
        self.stale: set[tuple[str, str]] = set()
        """(group, version) of APIs that do not answer: discovery knows none of their kinds."""

    def kinds(self) -> Sequence[Kind]:
        """All kinds, those of definitions included."""
        return self._known.all

    @property
    def _known(self) -> _Known:
        revision = self._store.revision_of(DEFINITIONS)
        if self._state.revision != revision:
            custom = [kind for definition in self.definitions() for kind in defined_by(definition)]
            self._state = _Known(revision, [*self._built_in, *custom])
        return self._state

    def definitions(self) -> Sequence[Mapping[str, Any]]:
        """The definitions of custom kinds."""
        return [obj for _, obj in self._store.list(DEFINITIONS, "")]

    def definition_of(self, place: Place) -> Key | None:
        """Where the definition of a custom kind is, None for a built-in one."""
        kind = self._known.by_place.get(place)
        return Key(*DEFINITIONS, "", kind.defines) if kind is not None and kind.defines else None

    def find(self, group: str, version: str, plural: str) -> Kind:
        """The kind that a path names. Raises Refusal: 404, or 503 for an API that does not answer."""
        if not plural:
            raise NoSuchPath
        if (group, version) in self.stale:
            raise Refusal(503, "the server is currently unable to handle the request")
        if kind := self._known.by_path.get((group, version, plural)):
            return kind
        if self._is_aggregated(group, version):
            raise Unsupported(f"aggregated APIs such as {group}/{version}")
        if group in self._groups:
            raise Refusal(404, "the server could not find the requested resource")
        raise NoSuchPath

    def _is_aggregated(self, group: str, version: str) -> bool:
        service = self._store.get(Key(*AGGREGATED, "", f"{version}.{group}")) or {}
        return bool((service.get("spec") or {}).get("service"))

    def named(self, api_version: str, kind: str) -> Kind | None:
        """The kind that an object or a reference names, None where it is not served."""
        return self._known.by_name.get((api_version, kind))

    def stored(self, key: Key) -> Kind:
        """The version in which an object is stored; any of a kind that is served no more."""
        return self._known.by_place[key[:2]]

    def semantics(self, kind: Kind, version: str = "") -> Semantics:
        """What the schema of a kind does, of one ``version`` of it."""
        if not kind.defines:
            return self._semantics_of_built_in(kind)
        known = self._known.semantics
        place = (kind, version or kind.version)
        if place not in known:
            definition = self._store.get(Key(*DEFINITIONS, "", kind.defines)) or {}
            known[place] = Custom(kind, schema_of(definition, place[1]))
        return known[place]

    def _semantics_of_built_in(self, kind: Kind) -> Semantics:
        if kind not in self._of_built_in:
            path = f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"
            self._of_built_in[kind] = BuiltIn(kind, self.recorded[path]["components"]["schemas"])
        return self._of_built_in[kind]

    def shown(self, kind: Kind, live: Object) -> Mapping[str, Any]:
        """A stored object in a version of its kind: what is stored gets the defaults of the version it is stored in."""
        if live.get("apiVersion") == kind.api_version and not kind.defines:
            return live
        if not kind.defines:
            own = {stored: name for name, stored in kind.renamed.items()}
            return {**{own.get(name, name): value for name, value in live.items()}, "apiVersion": kind.api_version}
        place, stored = (id(live), kind.version), self.semantics(kind, kind.storage)
        known = self._shown.get(place)
        if known is None or known[0] is not live or known[1] is not stored:
            if len(self._shown) > _MOST_SHOWN:
                self._shown.clear()
            known = self._shown[place] = (live, stored, self._completed(kind, live, stored))
        return known[2]

    def _completed(self, kind: Kind, live: Object, stored: Semantics) -> Mapping[str, Any]:
        found = stored.defaulted(stored.decoded(live)[0])
        if kind.version != kind.storage:
            found, _ = self.semantics(kind).decoded(found)
        found["apiVersion"] = kind.api_version
        return live if found == live else found

    def to_store(self, kind: Kind, obj: dict[str, Any]) -> dict[str, Any]:
        """An object as it is stored."""
        if kind.renamed:
            found = {kind.renamed.get(name, name): value for name, value in obj.items()}
            return {**found, "apiVersion": self._known.by_place[kind.place].api_version}
        if not kind.defines or kind.version == kind.storage:
            return obj
        found, _ = self.semantics(kind, kind.storage).decoded(obj)
        return {**found, "apiVersion": f"{kind.group}/{kind.storage}"}
