"""The other versions in which objects of custom kinds may lie in etcd, as far as definitions can be read.

Invariant: an unreadable definition is not taken for none: then objects may be stored in each version that is served.
Equal schemas are the same object, so that types made from them live on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from genreconcile.cluster import Cluster
from genreconcile.errors import ClusterError, Forbidden, NotFound
from genreconcile.gojson import loads
from genreconcile.kinds.discovery import Discovery
from genreconcile.kinds.order import definition_name, is_definer, stored_schemas
from genreconcile.kinds.versions import HERE_ALONE, JSONSchema, Stored
from genreconcile.objects import GVK, Object


class Definition(NamedTuple):
    """The definition of a kind: ``token`` is the same object as long as the definition is unchanged."""

    token: Any
    decode: Callable[[], Object]


UNREADABLE: Final = Definition(None, dict)
"""Stands for a definition that cannot be read, if there is one."""

Lookup = Callable[[GVK], Definition | None]
"""Returns the definition of a kind; None where there is none, or where it has not been read yet."""


class Versions:
    """``siblings`` returns the other served versions of a kind, ``schema_of`` the schema of one of them."""

    def __init__(
        self,
        siblings: Callable[[GVK], Iterable[GVK]],
        schema_of: Callable[[GVK], JSONSchema | None],
        lookup: Lookup = lambda _: UNREADABLE,
    ) -> None:
        self._siblings = siblings
        self._schema_of = schema_of
        self.lookup = lookup
        self._known: dict[GVK, tuple[Any, Stored]] = {}

    def of(self, gvk: GVK) -> Stored:
        """The other versions in which objects of a kind may be stored: the same object as long as it is equal."""
        definition = self.lookup(gvk)
        if definition is None:
            return HERE_ALONE
        token, known = self._known.get(gvk, (None, HERE_ALONE))
        if definition is UNREADABLE:
            served = (self._schema_of(other) for other in self._siblings(gvk))
            schemas = tuple(schema for schema in served if schema is not None)
            found = Stored(schemas, is_converted=bool(schemas))
        elif token is definition.token:
            return known
        else:
            found = stored_schemas(definition.decode(), gvk.version)
        if found == known:
            found = known
        self._known[gvk] = definition.token, found
        return found


class Asked:
    """Definitions that are read by their names, each once."""

    def __init__(self, cluster: Cluster, discovery: Discovery) -> None:
        self._cluster = cluster
        self._discovery = discovery
        self._known: dict[GVK, Definition | None] = {}

    def definition(self, gvk: GVK) -> Definition | None:
        """The definition of a kind, None where there is none; UNREADABLE where that cannot be told."""
        known = self._known  # A ``forget`` during a request forgets its answer, too.
        if gvk not in known:
            try:
                known[gvk] = self._ask(gvk)
            except Forbidden:
                known[gvk] = UNREADABLE
            except ClusterError:
                return UNREADABLE
        return known[gvk]

    def forget(self) -> None:
        """Forget all definitions: they may have changed."""
        self._known = {}

    def _ask(self, gvk: GVK) -> Definition | None:
        resource = self._discovery.get(gvk)
        for definer in self._discovery.resources() if resource is not None else ():
            if resource is not None and is_definer(definer.gvk):
                try:
                    data = self._cluster.request("GET", definer.path(name=definition_name(resource)))
                except NotFound:
                    continue
                return Definition(data, functools.partial(loads, data))
        return None
