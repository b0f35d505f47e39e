"""What a new object gets before anybody looks at it: its name, its uid, its time, and what its kind begins with.

Invariant: nothing is stored here, and the same dice give the same names and uids.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from genreconcile.testing.fake import body as bodies
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.places import ACCOUNTS, DEFINITIONS, NAMESPACES, PODS
from genreconcile.testing.fake.refusals import invalid
from genreconcile.testing.fake.store import Key, Store
from genreconcile.testing.fake.structural import Cause
from genreconcile.testing.fake.wire import Refusal

_SERVERS: Final = frozenset({
    "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion",
    "managedFields", "selfLink", "namespace",
})  # fmt: skip
_CHARACTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
_LONGEST_PREFIX: Final = 58
_MOST_TRIES: Final = 8


class Creation:
    """Of the objects of one store. ``now`` gives the time as it is written."""

    def __init__(self, store: Store, dice: random.Random, now: Callable[[], str]) -> None:
        self._store = store
        self._dice = dice
        self._now = now

    def begun(self, obj: dict[str, Any], kind: Kind, namespace: str) -> dict[str, Any]:
        """An object as a client sent it, with what the server gives it. Raises Refusal."""
        given = obj["metadata"]
        definition = self._store.get(Key(*DEFINITIONS, "", kind.defines)) if kind.defines else None
        if definition is not None and "deletionTimestamp" in definition["metadata"]:
            raise Refusal(405, "create not allowed while custom resource definition is terminating")
        bodies.require_namespace(given, namespace if kind.namespaced else given.get("namespace") or "")
        name = given.get("name") or self._generated(kind, namespace, given)
        self._require_namespace(kind, namespace, name)
        if given.get("resourceVersion"):
            raise Refusal(500, "resourceVersion should not be set on objects to be created", reason="")
        metadata = {key: value for key, value in given.items() if key not in _SERVERS}
        metadata |= {"name": name, "uid": self._uid(), "creationTimestamp": self._now()}
        metadata |= {"namespace": namespace} if kind.namespaced else {}
        return {**obj, "metadata": metadata}

    def finished(self, obj: dict[str, Any], kind: Kind) -> dict[str, Any]:
        """An object with its defaults, and with what the server does to it at once: a definition is established.

        Raises Refusal (403) for a Pod whose account is not there; that of all namespaces is taken to be there.
        """
        account = (obj.get("spec") or {}).get("serviceAccountName") if kind.place == PODS else None
        if account not in {None, "", "default"}:
            self._require_account(obj["metadata"], account)
        return {**obj, "status": _established(obj, self._now())} if kind.place == DEFINITIONS else obj

    def _require_account(self, metadata: Mapping[str, Any], account: str) -> None:
        namespace = metadata["namespace"]
        if self._store.get(Key(*ACCOUNTS, namespace, account)) is None:
            name = metadata["name"]
            text = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
            details = {"name": name, "kind": PODS[1]}
            raise Refusal(403, f'{PODS[1]} "{name}" is forbidden: {text}', details=details)

    def _require_namespace(self, kind: Kind, namespace: str, name: str) -> None:
        if not kind.namespaced:
            return
        found = self._store.get(Key(*NAMESPACES, "", namespace))
        if found is None:
            raise Refusal(404, f'namespaces "{namespace}" not found', details={"name": namespace, "kind": "namespaces"})
        if "deletionTimestamp" in found["metadata"]:
            told = f"namespace {namespace} is being terminated"
            causes = [{"reason": "NamespaceTerminating", "message": told, "field": "metadata.namespace"}]
            plural = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
            text = f"unable to create new content in namespace {namespace} because it is being terminated"
            details = {"name": name, "group": kind.group, "kind": kind.plural, "causes": causes}
            given = {key: value for key, value in details.items() if value}
            raise Refusal(403, f'{plural} "{name}" is forbidden: {text}', details=given)

    def _generated(self, kind: Kind, namespace: str, metadata: Mapping[str, Any]) -> str:
        prefix = metadata.get("generateName")
        if not prefix:
            cause = Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
            raise invalid(kind, "", [cause])
        for _ in range(_MOST_TRIES):
            name = prefix[:_LONGEST_PREFIX] + "".join(self._dice.choice(_CHARACTERS) for _ in range(5))
            if self._store.get(Key(*kind.place, namespace if kind.namespaced else "", name)) is None:
                return str(name)
        raise Refusal(409, f"no name beginning with {prefix} is free", reason="AlreadyExists")

    def _uid(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))


def _established(definition: Mapping[str, Any], now: str) -> dict[str, Any]:
    spec = definition.get("spec") or {}
    stored = [version["name"] for version in spec.get("versions") or () if version.get("storage")]
    conditions = [
        {"type": name, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now}
        for name, reason, message in (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        )
    ]
    return {"conditions": conditions, "acceptedNames": spec.get("names") or {}, "storedVersions": stored}
