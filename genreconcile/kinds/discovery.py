"""The kinds that the server has, by aggregated discovery (KEP-3352), or group by group where a server lacks that.

Invariants: a kind that is known costs no request, however old the knowledge; a group whose API does not answer is
never taken for one that has no kinds.
"""

from __future__ import annotations

import difflib
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cachetools import TTLCache

from genreconcile.cluster import Cluster
from genreconcile.cluster.answer import readable
from genreconcile.errors import ClusterError, InputError, Unauthorized, Unreachable
from genreconcile.gojson import loads
from genreconcile.objects import GVK

_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"  # Before Kubernetes 1.30.
    "application/json"
)
_MIN_INTERVAL = 2.0

Resources = dict[GVK, "Resource"]
GroupVersion = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the server serves it; ``plural`` is its name in paths."""

    gvk: GVK
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()
    subresources: frozenset[str] = frozenset()

    def path(self, namespace: str = "", name: str = "") -> str:
        """The encoded path of an object; without ``name``, of its collection, in all namespaces without ``namespace``.

        Raises InputError for a name that is no single path segment, and where namespace and scope do not fit.
        """
        if namespace and not self.namespaced:
            raise InputError(
                f"{self.gvk} {name}: has a namespace: the kind has none; remove it", "/metadata/namespace", code="GR212"
            )
        if name and self.namespaced and not namespace:
            raise InputError(
                f"{self.gvk} {name}: has no namespace: the kind needs one; add it", "/metadata/namespace", code="GR212"
            )
        parts = [_prefix(self.gvk.group, self.gvk.version)]
        if namespace:
            parts += ["namespaces", _segment(namespace, "/metadata/namespace")]
        parts.append(self.plural)
        if name:
            parts.append(_segment(name, "/metadata/name"))
        return "/".join(parts)

    def __str__(self) -> str:
        return str(self.gvk)


class Discovery:
    """The kinds of one server; thread-safe.

    They are read again when an unknown kind is asked for, and after ``invalidate``: when a definition was written, and
    once when the watch of a kind ends in 404. An unknown kind is taken as unknown for ``ttl`` seconds.
    """

    def __init__(self, cluster: Cluster, *, ttl: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster = cluster
        self._clock = clock
        self._lock = threading.RLock()
        self._resources: Resources = {}
        self._unavailable: frozenset[GroupVersion] = frozenset()
        self._misses: TTLCache[GVK, bool] = TTLCache(1024, ttl, timer=clock)
        self._loaded_at = float("-inf")
        self._wishes = itertools.count(1)
        self._wanted, self._loaded = 0, -1

    def get_or_none(self, gvk: GVK) -> Resource | None:
        """As ``get``, None also where the API of its group does not answer. Raises Unauthorized and Unreachable."""
        try:
            return self.get(gvk)
        except (Unauthorized, Unreachable):
            raise
        except ClusterError:
            return None

    def get(self, gvk: GVK, *, refresh: bool = False) -> Resource | None:
        """The resource of a kind, None where the server has no such kind. ``refresh=True`` asks the server first.

        Raises ClusterError where that cannot be told: the server does not answer, or the API of that group.
        """
        if not refresh and (known := self.known(gvk)) is not None:
            return known
        with self._lock:
            if refresh or self._stale or (gvk not in self._resources and self._may_ask_for(gvk)):
                self.refresh()
            found = self._resources.get(gvk)
            if found is None:
                self._require_available(gvk)
                self._misses.setdefault(gvk, True)  # Another question must not prolong the miss.
            return found

    def knows(self, gvk: GVK) -> bool:
        """Whether the server had this kind when it was last asked; sends no request."""
        return gvk in self._resources

    def known(self, gvk: GVK) -> Resource | None:
        """The resource of a kind, None where that is not known or may be another one by now; sends no request."""
        return None if self._stale else self._resources.get(gvk)

    def find(self, gvk: GVK) -> Resource | None:
        """The resource of a kind that was known once, if need be in another version; an unknown kind sends no request.

        None where the server does not have the kind any more. Raises ClusterError where that cannot be told.
        """
        with self._lock:
            if self._stale:
                self.refresh()
            found = self._resources.get(gvk) or self._in_any_version(gvk)
            if found is None and any(group == gvk.group for group, _ in self._unavailable):
                raise _unavailable(gvk)
            return found

    def find_now(self, gvk: GVK) -> Resource | None:
        """The resource that ``find`` returns; where that is None, all kinds are read first. Raises ClusterError."""
        with self._lock:
            if self.find(gvk) is None:
                self.refresh()
            return self.find(gvk)

    def _in_any_version(self, gvk: GVK) -> Resource | None:
        others = self._resources.values()  # Of one group, the server names the preferred version first.
        same = (other for other in others if (other.gvk.group, other.gvk.kind) == (gvk.group, gvk.kind))
        return next(same, None)

    def resources(self) -> tuple[Resource, ...]:
        """All kinds, sorted. Raises ClusterError where they have never been read and cannot be."""
        with self._lock:
            if self._stale:
                self.refresh()
            return tuple(self._resources[gvk] for gvk in sorted(self._resources))

    @property
    def unavailable(self) -> frozenset[GroupVersion]:
        """Each (group, version) whose API did not answer when the kinds were last read; its kinds are unknown."""
        return self._unavailable

    def refresh(self) -> None:
        """Read all kinds now. Raises ClusterError, and then keeps what was known."""
        with self._lock:
            wanted = self._wanted
            with readable(f"GET {self._cluster.server}/apis"):
                resources, unavailable = _read(self._cluster)
            kept = {gvk: old for gvk, old in self._resources.items() if (gvk.group, gvk.version) in unavailable}
            self._resources = {**kept, **resources}
            self._unavailable = unavailable
            self._loaded_at = self._clock()
            self._loaded = wanted  # An ``invalidate`` during the reading stays in force.

    def invalidate(self) -> None:
        """Have all kinds read before the next answer. Does not wait, not even for a reading in progress."""
        self._wanted = next(self._wishes)

    @property
    def _stale(self) -> bool:
        return self._loaded != self._wanted

    def nearest(self, gvk: GVK) -> str:
        """The known kind that ``gvk`` was most likely meant to be, as ``group/version/Kind``; "" where none is near."""
        known = self._resources
        same = [str(other) for other in known if other.kind.lower() == gvk.kind.lower()]
        near = difflib.get_close_matches(str(gvk), same or [str(other) for other in known], 1, 0.0 if same else 0.8)
        return near[0] if near else ""

    def _may_ask_for(self, gvk: GVK) -> bool:
        return gvk not in self._misses and self._clock() - self._loaded_at >= _MIN_INTERVAL

    def _require_available(self, gvk: GVK) -> None:
        if (gvk.group, gvk.version) in self._unavailable:
            raise _unavailable(gvk)


def _unavailable(gvk: GVK) -> ClusterError:
    return ClusterError(
        f"{gvk}: cannot be looked up: the API {gvk.api_version} does not answer; see its APIService's status",
        status=503,
        reason="ServiceUnavailable",
        code="GR503",
    )


def _prefix(group: str, version: str) -> str:
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def _segment(text: str, pointer: str) -> str:
    if text in {".", ".."} or "/" in text:
        raise InputError(
            f"{text!r}: cannot be part of a path: it is or holds a dot segment or a slash", pointer, code="GR216"
        )
    return quote(text, safe="")


def _read(cluster: Cluster) -> tuple[Resources, frozenset[GroupVersion]]:
    resources: Resources = {}
    unavailable: set[GroupVersion] = set()
    for path in ("/api", "/apis"):
        answer = loads(cluster.request("GET", path, accept=_AGGREGATED))
        read = _aggregated(answer) if _is_aggregated(answer) else _group_by_group(cluster, answer)
        for group_version, found in read:
            if found is None:
                unavailable.add(group_version)
            for resource in found or ():
                resources.setdefault(resource.gvk, resource)
    return resources, frozenset(unavailable)


def _is_aggregated(answer: Mapping[str, Any]) -> bool:
    return str(answer.get("apiVersion")).startswith("apidiscovery.k8s.io/")


def _aggregated(answer: Mapping[str, Any]) -> Iterator[tuple[GroupVersion, list[Resource] | None]]:
    """Each (group, version) with its resources; a stale one with those of last time, if any, and again with None."""
    for group in answer.get("items") or ():
        name = (group.get("metadata") or {}).get("name") or ""
        for version in group.get("versions") or ():
            group_version = (name, version["version"])
            yield group_version, list(_aggregated_resources(group_version, version.get("resources") or ()))
            if version.get("freshness") == "Stale":
                yield group_version, None


def _aggregated_resources(group_version: GroupVersion, entries: Iterable[Mapping[str, Any]]) -> Iterator[Resource]:
    for entry in entries:
        kind = entry.get("responseKind") or {}
        if not kind.get("kind"):  # Only subresources are served, as of an aggregated API.
            continue
        yield Resource(
            GVK(*group_version, kind["kind"]),
            entry["resource"],
            entry.get("scope") == "Namespaced",
            frozenset(entry.get("verbs") or ()),
            frozenset(sub["subresource"] for sub in entry.get("subresources") or ()),
        )


def _group_by_group(
    cluster: Cluster, answer: Mapping[str, Any]
) -> Iterator[tuple[GroupVersion, list[Resource] | None]]:
    """Each version in an APIVersions (``versions``) or APIGroupList (``groups``), with None where its API is away."""
    is_core = "versions" in answer
    versions = [("", version) for version in answer["versions"] or ()] if is_core else []
    for group in () if is_core else answer["groups"] or ():
        versions += [(group["name"], version["version"]) for version in group["versions"]]
    for group_version in versions:
        try:
            listed = loads(cluster.request("GET", _prefix(*group_version)))
        except ClusterError as error:
            if error.status not in {404, 503}:
                raise
            yield group_version, None
        else:
            yield group_version, list(_listed_resources(group_version, listed.get("resources") or ()))


def _listed_resources(group_version: GroupVersion, entries: Sequence[Mapping[str, Any]]) -> Iterator[Resource]:
    subresources: dict[str, set[str]] = {}
    for entry in entries:
        plural, _, subresource = entry["name"].partition("/")
        if subresource:
            subresources.setdefault(plural, set()).add(subresource)
    for entry in entries:
        if "/" not in entry["name"]:
            gvk = GVK(*group_version, entry["kind"])
            below = frozenset(subresources.get(entry["name"], ()))
            yield Resource(gvk, entry["name"], bool(entry["namespaced"]), frozenset(entry.get("verbs") or ()), below)
