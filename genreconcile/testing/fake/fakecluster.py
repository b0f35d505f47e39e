"""A cluster in memory, for the tests of those who use genreconcile.

Invariant: what it answers is what the real API server answers, or an error that says that it cannot. The contract tests
of genreconcile hold it against a real one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from genreconcile.cluster import Cluster
from genreconcile.errors import InputError
from genreconcile.gojson import dumps
from genreconcile.objects import GVK
from genreconcile.testing.fake.api import Api
from genreconcile.testing.fake.clock import VirtualClock
from genreconcile.testing.fake.cluster import MemoryCluster
from genreconcile.testing.fake.copying import copied
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.patching import JSON_PATCH
from genreconcile.testing.fake.places import DEFINITIONS, NAMESPACES
from genreconcile.testing.fake.store import Key
from genreconcile.testing.fake.wire import Request

if TYPE_CHECKING:
    from genreconcile.controllers.controller import Controller
    from genreconcile.controllers.sets import ExpectedSet
    from genreconcile.testing.fake.fakerun import FakeRun

_NAMESPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")
_QUESTIONS: Final = "/apis/authorization.k8s.io/"
_SETUP: Final = "setup"


class FakeCluster(MemoryCluster):
    """An API server in this process, without a network: hand it to ``Reconciler``, ``Cache`` and controllers.

    ``objects`` are there from the beginning, with their status; definitions of custom kinds among them are established
    at once, and a namespace that is missing is made. They are not changed. ``documents`` is a folder of OpenAPI v3
    documents as for ``Schema.load``, for built-in kinds beyond those of Kubernetes 1.37 that are shipped. ``seed``
    decides the uids. ``clock`` gives the times, and stands until ``clock.advance``.

    The garbage collector and the namespace controller work at once, after each write. Not modelled: other controllers,
    webhooks, most rules in CEL, authorization. Raises InputError for an object that the server refuses.
    """

    def __init__(
        self,
        objects: Iterable[Mapping[str, Any]] = (),
        *,
        documents: str | PathLike[str] | None = None,
        seed: int = 0,
        namespace: str = "default",
    ) -> None:
        self.clock = VirtualClock()
        self.api = Api(
            seed,
            now=self.clock.now,
            finishes_namespaces=True,
            documents=None if documents is None else Path(documents),
        )
        super().__init__(self.api, server="https://fake", namespace=namespace)
        for name in _NAMESPACES:
            self._add_namespace(name)
        self._add(list(objects))

    @property
    def unsupported(self) -> Sequence[str]:
        """The requests that were refused because FakeCluster cannot answer them as a real server would."""
        return tuple(self.api.unsupported)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all watches."""
        self.api.close()

    def recording(self, note: Callable[[str, str, Any], object]) -> Cluster:
        """The same cluster, which calls ``note(method, path, body)`` for each write that it has carried out."""
        return _Recording(self, note)

    def run(self, *sources: Controller | ExpectedSet) -> FakeRun:
        """Run controllers and sets on this cluster step by step, with its clock; see ``FakeRun``."""
        from genreconcile.testing.fake.fakerun import FakeRun  # Who needs no controllers imports none.

        return FakeRun(self.recording, self.clock, self.api.store, *sources)

    def forget_history(self) -> None:
        """Compact, as etcd does every five minutes: watches and pages from before are refused with 410."""
        self.api.store.compact()

    def get(self, kind: str, name: str, *, namespace: str | None = None) -> dict[str, Any]:
        """An object of a kind such as ``apps/v1/Deployment``. ``namespace`` is that of the cluster unless given.

        Raises NotFound, InputError for a kind that is not served.
        """
        found: dict[str, Any] = json.loads(self.request("GET", self._path(kind, name, namespace)))
        return found

    def find(self, kind: str, *, namespace: str = "") -> list[dict[str, Any]]:
        """The objects of a kind, in one namespace or in all."""
        served = self._kind(kind)
        found = self.api.store.list(served.place, namespace)
        return [copied(self.api.documents.shown(served, obj)) for _, obj in found]

    def create(self, obj: Mapping[str, Any], *, manager: str = "somebody") -> dict[str, Any]:
        """Create an object, as somebody else; returns it. Raises ClusterError."""
        kind = self._kind_of(obj)
        path = _path(kind, _namespace_of(obj, kind, self.namespace))
        found: dict[str, Any] = json.loads(self.request("POST", path, query={"fieldManager": manager}, body=dumps(obj)))
        return found

    def patch(
        self, kind: str, name: str, *operations: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        namespace: str | None = None, subresource: str = "", manager: str = "somebody",
    ) -> dict[str, Any]:  # fmt: skip
        """Change an object by operations of a JSON patch, or by one as a list, as somebody else; returns the object.

        Raises ClusterError.
        """
        path = self._path(kind, name, namespace) + (f"/{subresource}" if subresource else "")
        query = {"fieldManager": manager}
        data = self.request("PATCH", path, query=query, body=dumps(_flat(operations)), content_type=JSON_PATCH)
        found: dict[str, Any] = json.loads(data)
        return found

    def set_status(
        self, kind: str, name: str, status: Mapping[str, Any], *, namespace: str | None = None
    ) -> dict[str, Any]:
        """Write the status of an object, as its controller would; returns the object. Raises ClusterError."""
        operation = {"op": "add", "path": "/status", "value": status}
        return self.patch(kind, name, operation, namespace=namespace, subresource="status", manager="controller")

    def delete(self, kind: str, name: str, *, namespace: str | None = None, propagation: str = "Background") -> None:
        """Delete an object, as somebody else. Raises ClusterError."""
        body = dumps({"propagationPolicy": propagation})
        self.request("DELETE", self._path(kind, name, namespace), body=body)

    def _add(self, objects: list[Mapping[str, Any]]) -> None:
        ready = [obj for obj in objects if self._is_at(obj, DEFINITIONS)]
        ready += [obj for obj in objects if self._is_at(obj, NAMESPACES)]
        ready += [obj for obj in objects if not any(obj is other for other in ready)]
        for obj in ready:
            kind = self._kind_of(obj)
            namespace = _namespace_of(obj, kind, self.namespace)
            if namespace and self.api.store.get(Key(*NAMESPACES, "", namespace)) is None:
                self._add_namespace(namespace)
            made = self._asked("POST", _path(kind, namespace), obj)
            if kind.has_status and "status" in obj and not self._is_at(obj, DEFINITIONS):
                body = {**made, "status": obj["status"]}
                self._asked("PUT", f"{_path(kind, namespace)}/{made['metadata']['name']}/status", body)

    def _add_namespace(self, name: str) -> None:
        kind = self.api.documents.stored(Key(*NAMESPACES, "", name))
        self._asked("POST", _path(kind, ""), {"metadata": {"name": name}})

    def _asked(self, method: str, path: str, obj: Mapping[str, Any]) -> Any:
        answer = self.api.answer(Request(method, path, {"fieldManager": _SETUP}, {}, dumps(obj)))
        found = answer.json()
        if answer.status >= 400:
            raise InputError(f"FakeCluster: {method} {path}: {found['message']}", code="GR954")
        return found

    def _is_at(self, obj: Mapping[str, Any], place: tuple[str, str]) -> bool:
        kind = self.api.documents.named(obj.get("apiVersion", ""), obj.get("kind", ""))
        return kind is not None and kind.place == place

    def _kind_of(self, obj: Mapping[str, Any]) -> Kind:
        gvk = GVK.of(obj)
        return self._kind(f"{gvk.api_version}/{gvk.kind}")

    def _kind(self, text: str) -> Kind:
        api_version, _, kind = text.rpartition("/")
        found = self.api.documents.named(api_version, kind)
        if found is None:
            raise InputError(
                f"FakeCluster: {text}: no such kind is served; give its definition among the objects", code="GR954"
            )
        return found

    def _path(self, kind: str, name: str, namespace: str | None) -> str:
        served = self._kind(kind)
        return f"{_path(served, self.namespace if namespace is None else namespace)}/{name}"


class _Recording(MemoryCluster):
    """Notes the writes that come through it; dry runs and questions about rights are none."""

    def __init__(self, fake: FakeCluster, note: Callable[[str, str, Any], object]) -> None:
        super().__init__(fake.backend, server=fake.server, namespace=fake.namespace)
        self._note = note

    def request(self, method: str, path: str, **request: Any) -> bytes:
        """See ``Cluster``."""
        answer = super().request(method, path, **request)
        is_write = method != "GET" and "dryRun" not in (request.get("query") or {})
        if is_write and not path.startswith(_QUESTIONS):
            body = request.get("body")
            self._note(method, path, json.loads(body) if body else None)
        return answer


def _namespace_of(obj: Mapping[str, Any], kind: Kind, default: str) -> str:
    return ((obj.get("metadata") or {}).get("namespace") or default) if kind.namespaced else ""


def _path(kind: Kind, namespace: str) -> str:
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/{namespace}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"


def _flat(operations: Iterable[Mapping[str, Any] | Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for one in operations:
        found += [one] if isinstance(one, Mapping) else one
    return found
