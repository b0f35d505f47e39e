"""The kinds of a cluster: how they are served, the types of their objects, and the rules for them.

Invariant: a kind that is known costs no request, so that a reconcile with nothing to do sends none.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import threading
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

from cachetools import LRUCache

from genreconcile.arguments import refused
from genreconcile.cache import Interest, Question
from genreconcile.cluster import Cluster
from genreconcile.errors import ClusterError, InputError, LoadError
from genreconcile.gojson import loads
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.kinds.openapi import OpenAPIDocuments
from genreconcile.kinds.served import Served
from genreconcile.kinds.storage import Asked, Versions
from genreconcile.kinds.types import Document, Type, TypeGraph, document_path
from genreconcile.kinds.versions import Stored
from genreconcile.mask import Fields
from genreconcile.normalize import Registry
from genreconcile.normalize.compiled import Node
from genreconcile.normalize.rule import Rule
from genreconcile.normalize.sensitive import sensitive_fields
from genreconcile.normalize.tables import tables
from genreconcile.objects import GVK, Object
from genreconcile.readiness import Status, schema_tells, status_of


class Schema(TypeGraph):
    """The types of a cluster's kinds, for ``diff``: from the cluster, or from saved OpenAPI v3 documents.

    Of a custom kind, the defaults of other versions are known as well: of those in which objects may be stored, or,
    without the definition of the kind, of all versions that have documents.
    """

    def __init__(self, documents: Mapping[str, Document] | OpenAPIDocuments) -> None:
        data = tables()
        self._source = documents.server if isinstance(documents, OpenAPIDocuments) else f"{len(documents)} documents"
        self._given = documents
        find = documents.document if isinstance(documents, OpenAPIDocuments) else documents.get
        super().__init__(find, field_table=data.field_table, free_form=data.free_form, unions=data.unions)
        self.versions = Versions(functools.partial(_siblings, documents), self.schema_of)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Schema) and self._content() == other._content())

    def __hash__(self) -> int:
        return hash(Schema)  # Dicts have no hash.

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._content(),)

    def _content(self) -> Mapping[str, Document]:
        """All documents; those of a cluster are read from it. Raises ClusterError."""
        source = self._given
        if isinstance(source, OpenAPIDocuments):
            found = {path: source.document(path) for path in source.hashes()}
            return {path: document for path, document in found.items() if document is not None}
        return source

    def __repr__(self) -> str:
        return f"<Schema of {self._source}>"

    @classmethod
    def from_cluster(cls, cluster: Cluster) -> Self:
        """The types that this cluster serves, fetched as they are needed and cached on disk. Raises ClusterError."""
        if not callable(getattr(cluster, "request", None)):
            raise refused("cluster", cluster, "is no cluster; give what gr.connect() returns")
        schema = cls(OpenAPIDocuments(cluster))
        schema.versions.lookup = Asked(cluster, Discovery(cluster)).definition
        return schema

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The types in saved answers of ``/openapi/v3/<path>``: a file, or a folder of ``*.json``. Raises LoadError."""
        if not isinstance(path, str | PathLike):
            raise refused("path", path, "is no path; give a file, or a folder of *.json")
        place = Path(path)
        files = sorted(place.glob("*.json")) if place.is_dir() else [place]
        return cls({name: document for file in files for name, document in _named(file)})

    def stored(self, gvk: GVK) -> Stored:
        """The other versions in which objects of a custom kind may be stored, as ``versions`` knows them."""
        return self.versions.of(gvk)


def _siblings(documents: Mapping[str, Document] | OpenAPIDocuments, gvk: GVK) -> Iterator[GVK]:
    """The kind in the other versions of its group that have documents."""
    prefix = document_path(gvk.group, "")
    for path in documents.hashes() if isinstance(documents, OpenAPIDocuments) else documents:
        version = path.removeprefix(prefix)
        if path.startswith(prefix) and version != gvk.version and "/" not in version:
            yield gvk._replace(version=version)


def _named(file: Path) -> list[tuple[str, Document]]:
    try:
        document = loads(file.read_bytes())
        schemas = document["components"]["schemas"].values()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoadError(
            f"{file}: is no OpenAPI v3 document: {error}; save the answer of /openapi/v3/…", code="GR218"
        ) from error
    gvks = [gvk for schema in schemas for gvk in schema.get("x-kubernetes-group-version-kind") or ()]
    # Option types (DeleteOptions and the like) name every group; a document's own kinds have one.
    paths = {document_path(gvk["group"], gvk["version"]) for gvk in gvks if len(gvks) < 2 or _is_path(document, gvk)}
    return [(name, document) for name in paths]


def _is_path(document: Mapping[str, Any], gvk: Mapping[str, str]) -> bool:
    prefix = "/" + document_path(gvk["group"], gvk["version"]) + "/"
    return any(path.startswith(prefix) for path in document.get("paths") or {})


def _question(rule: Rule, field_manager: str) -> Question | None:
    """The question of a rule about the owners of its field, None without one; ``field_manager`` is our own."""
    name = next((token for token in reversed(rule.tokens) if "*" not in token), "")
    if not name:
        return None
    if rule.by is None:
        return Question(name, (field_manager,), only=True)
    if not rule.by and not rule.fixed:  # Another program may write under our name, too.
        return Question(name, remembers=True)
    return Question(name, (*rule.by, field_manager))


class Catalog:
    """The kinds of one cluster under one registry; thread-safe."""

    def __init__(self, cluster: Cluster, rules: Registry, discovery: Discovery | None = None) -> None:
        self.rules = rules
        self.discovery = discovery or Discovery(cluster)
        documents = OpenAPIDocuments(cluster)
        self._schema = Schema(documents)
        self.served = Served(self.discovery, documents, self._schema, Asked(cluster, self.discovery))
        """The source of the kinds and the types, for the Follower of their changes."""
        self._consulted: LRUCache[tuple[GVK, Type | None], frozenset[GVK]] = LRUCache(1024)
        self._interests: LRUCache[tuple[GVK, Type | None, str], Interest] = LRUCache(1024)
        self._lock = threading.Lock()

    @property
    def generation(self) -> int:
        """Grows whenever kinds or their schemas may have changed."""
        return self.served.generation

    def resource(self, gvk: GVK) -> Resource:
        """How a kind is served. Raises InputError, with the nearest known kind, where it is not; ClusterError."""
        found = self.discovery.get(gvk)
        if found is None:
            nearest = self.discovery.nearest(gvk)
            hint = f"did you mean {nearest}?" if nearest else "install its CustomResourceDefinition"
            raise InputError(f"{gvk}: no such kind on the server; {hint}", "/kind", code="GR211")
        return found

    def kind_named(self, group: str, plural: str) -> tuple[str, str] | None:
        """The (group, kind) of a resource's name, None where the server has none. Raises ClusterError."""
        known = self.discovery.resources()
        found = (other.gvk for other in known if (other.gvk.group, other.plural) == (group, plural))
        return next(((gvk.group, gvk.kind) for gvk in found), None)

    @property
    def versions(self) -> Versions:
        """The versions in which objects of custom kinds are stored, as far as they are known."""
        return self._schema.versions

    def node(self, resource: Resource, obj: Object) -> tuple[Node, bool]:
        """The rules for an object of this kind, and whether a schema describes it. Raises ClusterError."""
        kind = self._schema.root(resource.gvk)
        has_status = "status" in resource.subresources
        return self.rules.compile(resource.gvk, kind, obj, has_status=has_status), kind is not None

    def kind_type(self, resource: Resource) -> Type | None:
        """The type of a kind's objects, None where no schema describes it. Raises ClusterError."""
        return self._schema.root(resource.gvk)

    def is_custom(self, resource: Resource) -> bool | None:
        """Whether a kind has a definition, None where no document describes the kind. Raises ClusterError."""
        return self._schema.is_custom(resource.gvk)

    def status(self, live: Mapping[str, Any], now: dt.datetime) -> Status:
        """How a live object is at this time, under the rules of the users and the shipped ones."""
        return status_of(live, now, rules=self.rules.readiness, tells=lambda: self._tells(GVK.of(live)))

    def _tells(self, gvk: GVK) -> bool:
        """Whether the schema of a custom kind says that its controller tells how an object is."""
        try:
            return schema_tells(self._schema, gvk)
        except ClusterError:  # Nobody can say; the grace ends.
            return True

    def consulted(self, resource: Resource) -> list[Resource]:
        """The resources that rules for this kind consult, as far as the server has them. Raises ClusterError."""
        kind = self._schema.root(resource.gvk)
        key = (resource.gvk, kind)
        with self._lock:
            if key not in self._consulted:
                self._consulted[key] = self.rules.consulted(resource.gvk, kind)
            consulted = self._consulted[key]
        found = (self.discovery.get(gvk) for gvk in consulted)
        return [other for other in found if other is not None]

    def interest(self, resource: Resource, field_manager: str) -> Interest:
        """What a writer with this field manager has to know of the owners of fields in a kind. Raises ClusterError."""
        kind = self._schema.root(resource.gvk)
        key = (resource.gvk, kind, field_manager)
        with self._lock:
            if key not in self._interests:
                owned = self.rules.owned(resource.gvk, kind)
                self._interests[key] = Interest(filter(None, (_question(rule, field_manager) for rule in owned)))
            return self._interests[key]

    def sensitive(self, gvk: GVK, *objects: Mapping[str, Any] | None) -> Fields:
        """The fields of an object that rules or its annotations call sensitive; sends no request for their sake."""
        kind: Type | None = None
        with contextlib.suppress(ClusterError):
            kind = self._schema.root(gvk) if self.rules.has_sensitive else None
        return sensitive_fields(self.rules, gvk, kind, *objects)
