"""What a kind's schema does to its objects: what is unknown, filled in, refused; and what counts as a new generation.

Invariant: pure; one object for each version of a kind, made of its definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from genreconcile.testing.fake import definitions, scaling, sizes, structural
from genreconcile.testing.fake.body import twice
from genreconcile.testing.fake.builtin import decode, defaults, strategy
from genreconcile.testing.fake.builtin.decode import decoded_metadata
from genreconcile.testing.fake.builtin.types import METADATA
from genreconcile.testing.fake.copying import is_same
from genreconcile.testing.fake.kinds import Kind, recorded
from genreconcile.testing.fake.places import DEFINITIONS
from genreconcile.testing.fake.shape import Shape
from genreconcile.testing.fake.structural import Cause
from genreconcile.testing.fake.wire import Refusal, Unsupported

_UNCHECKED = Cause(
    "FieldValueInvalid",
    'Invalid value: "null": some validation rules were not checked because the object was invalid; '
    "correct the existing errors to complete validation",
    "<nil>",
)
_WRONG_TYPE = "FieldValueTypeInvalid"
_TAKEN = ('"null"', "integer,string", 'type integer: "number"')
"""In the messages of types that an apply takes at first."""
_SYSTEM = frozenset({"apiVersion", "kind", "metadata"})


class Semantics(Protocol):
    """One version of a kind."""

    shape: Shape

    def decoded(self, obj: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """A copy without unknown fields, and the server's sentences about these and about fields that stand twice.

        Its metadata is an object. Raises Refusal (400).
        """

    def prepared(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """A new object before defaults: without a status of its sender, in its first generation."""

    def defaulted(self, obj: Mapping[str, Any], *, is_new: bool = False) -> dict[str, Any]:
        """A copy with defaults, and of a new object with what the server adds once."""

    def problems(self, obj: Mapping[str, Any], old: Mapping[str, Any] | None, found: list[Cause]) -> list[Cause]:
        """What is refused in an object, or in what became of ``old``, after what was ``found`` in its metadata."""

    def updated(self, obj: Mapping[str, Any], old: Mapping[str, Any], subresource: str) -> dict[str, Any]:
        """The new state of an object: of ``obj`` what an endpoint writes, with the generation counted.

        To be called before and after ``defaulted``: what is kept is no default, and what is filled in does not count.
        """

    def mistyped(self, config: Mapping[str, Any]) -> str:
        """Why an applied configuration is not of the kind's types, "" where it is."""

    def grace_seconds(self, obj: Mapping[str, Any], wanted: int | None) -> int:
        """The seconds that a deletion leaves an object; ``wanted`` are those of the request."""


class Custom:
    """A version of a kind that a CustomResourceDefinition brings; ``schema`` is its ``openAPIV3Schema``."""

    def __init__(self, kind: Kind, schema: Mapping[str, Any]) -> None:
        self._kind = kind
        self._schema = schema
        self._has_rules = structural.has_rules(schema)
        types = recorded()["api/v1"]["components"]["schemas"]
        metadata = {"$ref": f"#/components/schemas/{METADATA}"}
        properties = {**(schema.get("properties") or {}), "metadata": metadata}
        self.shape = Shape({**schema, "properties": properties}, types)

    def decoded(self, obj: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """See ``Semantics``."""
        given = obj.get("metadata") or {}
        if not isinstance(given, dict):
            raise Refusal(400, f"metadata of {self._kind.kind}: it is no object")
        metadata = decoded_metadata(given, self._kind)
        sentences = [f'unknown field "{path}"' for path in structural.unknown(obj, self._schema)]
        rest = {name: value for name, value in obj.items() if name != "metadata"}
        sentences += [*metadata.strict, *(f'duplicate field "{path}"' for path in twice(rest))]
        found: dict[str, Any] = structural.pruned(obj, self._schema)
        return {**found, "metadata": metadata.obj}, sentences

    def defaulted(self, obj: Mapping[str, Any], *, is_new: bool = False) -> dict[str, Any]:
        """See ``Semantics``."""
        del is_new
        system = {key: value for key, value in obj.items() if key in _SYSTEM}
        found: dict[str, Any] = structural.defaulted(dict(obj), self._schema)
        return {**found, **system}

    def problems(self, obj: Mapping[str, Any], old: Mapping[str, Any] | None, found: list[Cause]) -> list[Cause]:
        """See ``Semantics``."""
        found = [*found, *structural.problems(obj, self._schema, old=structural.ABSENT if old is None else old)]
        is_blocked = self._has_rules and any(cause.reason in structural.BLOCKING for cause in found)
        found += [_UNCHECKED] if is_blocked else []
        return [*found, *(scaling.problems(obj, self._kind.scale) if self._kind.scale is not None else ())]

    def mistyped(self, config: Mapping[str, Any]) -> str:
        """See ``Semantics``."""
        wrong = (cause for cause in structural.problems(config, self._schema) if cause.reason == _WRONG_TYPE)
        texts = (cause.message for cause in wrong if not any(text in cause.message for text in _TAKEN))
        metadata = decoded_metadata(config["metadata"], self._kind).unknown
        unknown = [*metadata, *structural.unknown(config, self._schema, is_apply=True)]
        return next(texts, "") or next((f".{path}: field not declared in schema" for path in unknown), "")

    def prepared(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """See ``Semantics``."""
        aside = {"status"} if self._kind.has_status else set()
        return {**_without(obj, aside), "metadata": {**obj["metadata"], "generation": 1}}

    def updated(self, obj: Mapping[str, Any], old: Mapping[str, Any], subresource: str) -> dict[str, Any]:
        """See ``Semantics``."""
        if subresource == "status":
            written = {"status": obj["status"]} if "status" in obj else {}
            return {**_without(old, {"status"}), "metadata": dict(old["metadata"]), **written}
        aside = {"status"} if self._kind.has_status else set()
        found = {**_without(obj, aside), **{name: old[name] for name in aside & old.keys()}}
        is_counted = not is_same(_without(found, {"apiVersion", "metadata"}), _without(old, {"apiVersion", "metadata"}))
        generation = int(old["metadata"].get("generation") or 0) + is_counted
        return {**found, "metadata": {**obj["metadata"], "generation": generation}}

    def grace_seconds(self, obj: Mapping[str, Any], wanted: int | None) -> int:
        """See ``Semantics``."""
        del obj, wanted
        return 0


class BuiltIn:
    """A built-in kind; ``types`` are the components of the document that describes it."""

    def __init__(self, kind: Kind, types: Mapping[str, Mapping[str, Any]]) -> None:
        self._kind = kind
        own = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        schema = next(found for found in types.values() if own in (found.get("x-kubernetes-group-version-kind") or ()))
        self.shape = Shape(schema, types)

    def decoded(self, obj: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """See ``Semantics``."""
        found = decode.decoded(obj, self._kind)
        return {**found.obj, "metadata": found.obj.get("metadata") or {}}, list(found.strict)

    def defaulted(self, obj: Mapping[str, Any], *, is_new: bool = False) -> dict[str, Any]:
        """See ``Semantics``."""
        return defaults.defaulted(obj, self._kind, is_new=is_new)

    def prepared(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """See ``Semantics``."""
        return strategy.prepared(obj, self._kind)

    def updated(self, obj: Mapping[str, Any], old: Mapping[str, Any], subresource: str) -> dict[str, Any]:
        """See ``Semantics``."""
        return strategy.updated(obj, old, self._kind, subresource)

    def problems(self, obj: Mapping[str, Any], old: Mapping[str, Any] | None, found: list[Cause]) -> list[Cause]:
        """See ``Semantics``."""
        if self._kind.place == DEFINITIONS and (obj["spec"].get("conversion") or {}).get("strategy") == "Webhook":
            raise Unsupported("definitions with a conversion webhook")
        try:
            if old is None:
                strategy.check_new(obj, self._kind)
            else:
                strategy.check_update(obj, old, self._kind)
        except Refusal as refusal:
            found = [*found, *(Cause(**cause) for cause in refusal.status["details"]["causes"])]
        found = [*found, *sizes.problems(obj, self._kind)]
        return [*found, *(definitions.problems(obj) if self._kind.place == DEFINITIONS else ())]

    def mistyped(self, config: Mapping[str, Any]) -> str:
        """See ``Semantics``."""
        try:
            found = decode.decoded(config, self._kind)
        except Refusal as refusal:
            return str(refusal)
        return next((f".{path}: field not declared in schema" for path in found.unknown), "")

    def grace_seconds(self, obj: Mapping[str, Any], wanted: int | None) -> int:
        """See ``Semantics``."""
        return strategy.grace_seconds(obj, self._kind, wanted)


def _without(obj: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {name: value for name, value in obj.items() if name not in keys}
