"""OpenAPI v3 documents compiled into a graph of types that a walk over an object can follow.

Invariant: this module only parses; whoever makes a TypeGraph hands in a function that returns documents. Types are
resolved on first use and never change afterwards, so that a graph may be shared between threads.

Sources: https://kubernetes.io/docs/reference/using-api/api-concepts/ and KEP-2896 (OpenAPI v3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

from genreconcile.kinds.versions import ALSO, HERE_ALONE, IN_MAPPING, NULL, JSONSchema, Stored, overlaid
from genreconcile.objects import GVK

Document = Mapping[str, Any]
FieldTable = Mapping[str, Mapping[str, Any]]
"""``{"io.k8s.api.core.v1.PodSpec": {"value": ["hostNetwork", …], "pointer": […], "struct": […]}, …}``: which scalar
fields are values in Go and which are pointers, and which fields are structs that are values."""

# The pattern that controller-gen writes for a field of Go type resource.Quantity.
_QUANTITY_PATTERN: Final = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
_FORMATS: Final = {"byte": "byte", "date-time": "date-time", "int-or-string": "int-or-string"}
_SCALAR_TYPES: Final = {".pkg.api.resource.Quantity": "quantity", ".pkg.apis.meta.v1.Time": "time"}
_GVKS: Final = "x-kubernetes-group-version-kind"


class _Missing:
    """The type of MISSING: no value at all, which is not null."""

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"  # A copy is the same object: MISSING is compared by identity.

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


def _mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one: a served document may hold anything in its place."""
    return value if isinstance(value, Mapping) else {}


def _members(value: Any) -> list[Mapping[str, Any]]:
    """The mappings in the value if it is a list, else none."""
    return [member for member in value if isinstance(member, Mapping)] if isinstance(value, list) else []


def _gvks(schema: Any) -> Iterator[GVK]:
    """The kinds whose objects a schema describes."""
    for gvk in _members(_mapping(schema).get(_GVKS)):
        yield GVK(*(str(gvk.get(part) or "") for part in ("group", "version", "kind")))


class Type:
    """One type: ``shape`` is object, map, list, scalar or any.

    ``name`` is its name in the documents, "" for an anonymous one; ``custom`` says that it comes from a
    CustomResourceDefinition, where zero values are kept and defaults of the schema are real. ``preserve`` means that
    unknown fields are kept; ``is_raw`` that the server keeps the very text of the JSON, as Go's RawExtension does.
    ``scalar`` is string, integer, number, boolean, quantity, int-or-string, byte, date-time or time (whole seconds).
    """

    def __init__(self, name: str, schema: Mapping[str, Any], compiler: _Compiler, *, custom: bool) -> None:
        self.name = name
        self.custom = custom
        self.is_raw = not custom and name in compiler.graph.free_form
        self._schema = schema
        self._compiler = compiler
        self.preserve = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        self.embedded = bool(schema.get("x-kubernetes-embedded-resource"))
        self.list_type = str(schema.get("x-kubernetes-list-type") or "atomic")
        keys = schema.get("x-kubernetes-list-map-keys")
        self.list_keys: tuple[str, ...] = tuple(map(str, keys)) if isinstance(keys, list) else ()
        self.scalar = _scalar_of(name, schema)
        self.shape = self._shape()
        self.made: dict[Any, Any] = {}
        """What callers have made from this type, under keys of their own; it lives as long as the type."""

    def __repr__(self) -> str:
        return f"<Type {self.name or '(anonymous)'} {self.shape}>"

    def _shape(self) -> str:
        kind = self._schema.get("type")
        if self.scalar:
            return "scalar"
        if kind == "array":
            return "list"
        if _mapping(self._schema.get("properties")) or self.embedded:
            return "object"
        if isinstance(self._schema.get("additionalProperties"), Mapping):
            return "map"
        # An object type without properties: free-form for Go's RawExtension and the like, and for a custom resource
        # that preserves unknown fields; an empty struct (all unknown fields pruned) otherwise.
        return "object" if kind == "object" and self._is_closed() else "any"

    def _is_closed(self) -> bool:
        if self.preserve:
            return False
        return self.custom or self.name not in self._compiler.graph.free_form

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The known fields of an object."""
        properties = dict(_mapping(self._schema.get("properties")))
        if self.embedded:
            for key in ("apiVersion", "kind"):
                properties.setdefault(key, {"type": "string"})
            properties.setdefault("metadata", {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
        return {key: self._compiler.field(self, key, schema) for key, schema in properties.items()}

    @cached_property
    def alternative(self) -> Type | None:
        """The type of a mapping under the shape ``any``, where a union or another version tells it, else None."""
        if isinstance(self._schema.get(IN_MAPPING), Mapping):
            return Type("", self._schema[IN_MAPPING], self._compiler, custom=True)
        name = self._compiler.graph.unions.get(self.name)
        return self._compiler.named(name) if name else None

    @cached_property
    def values(self) -> Field:
        """The type of a map's values."""
        return self._compiler.field(self, "*", self._schema.get("additionalProperties"))

    @cached_property
    def items(self) -> Field:
        """The type of a list's members."""
        return self._compiler.field(self, "*", self._schema.get("items"))

    @cached_property
    def validations(self) -> list[Mapping[str, Any]]:
        """The validation rules that the definition of a custom resource has here."""
        return _members(self._schema.get("x-kubernetes-validations"))

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The names of all types that an object of this one may hold, its own included."""
        return frozenset(kind.name for kind in self._reached() if kind.name)

    def _reached(self) -> set[Type]:
        seen: set[Type] = set()
        todo = [self]
        while todo:
            kind = todo.pop()
            if kind not in seen:
                seen.add(kind)
                todo += kind.parts()
        return seen

    @cached_property
    def is_spelled_anew(self) -> bool:
        """Whether decoding and encoding gives the server's own text, for every value of this type."""
        return not any(kind.is_raw or (kind.scalar == "number" and not kind.custom) for kind in self._reached())

    def parts(self) -> list[Type]:
        """The types that stand directly below this one."""
        if self.shape == "object":
            return [field.type for field in self.fields.values()]
        if self.shape == "map":
            return [self.values.type]
        return [self.items.type] if self.shape == "list" else []


@dataclass(frozen=True, slots=True)
class Field:
    """A type at a place. ``zero`` says what a zero means there: ``value`` (the same as missing), ``pointer`` (a value
    of its own) or ``unknown``; custom types are always ``pointer``. ``default`` is the schema's, MISSING without one;
    ``also`` are those of other versions in which an object may be stored. ``null`` is the value that a null becomes,
    MISSING where it stays, if it is ``nullable``.
    """

    type: Type
    zero: str
    nullable: bool = False
    default: Any = MISSING
    also: tuple[Any, ...] = ()
    null: Any = MISSING


class _Compiler:
    """Makes the types of one document, each named type once."""

    def __init__(self, graph: TypeGraph, document: Document) -> None:
        self.graph = graph
        self.schemas = _mapping(_mapping(document.get("components")).get("schemas"))
        self._named: dict[str, Type] = {}
        self._custom: dict[str, tuple[Stored, Type]] = {}
        self._paths = _mapping(document.get("paths"))

    @cached_property
    def with_status(self) -> frozenset[GVK]:
        """The kinds with a status subresource."""
        found = set()
        for path, operations in self._paths.items():
            if path.endswith("/{name}/status"):
                operation = _mapping(_mapping(operations).get("get"))
                found |= set(_gvks({_GVKS: [operation.get(_GVKS)]}))
        return frozenset(found)

    def roots(self) -> dict[GVK, str]:
        """The type name of each kind that the document describes."""
        found: dict[GVK, str] = {}
        for name, schema in self.schemas.items():
            for gvk in _gvks(schema):
                found.setdefault(gvk, name)
        return found

    def root(self, gvk: GVK, name: str) -> Type:
        if name != _custom_name(gvk):
            return self.named(name)
        stored, known = self.graph.stored(gvk), self._custom.get(name)
        if known is None or known[0] is not stored:
            schema = overlaid(_mapping(self.schemas[name]), stored)
            known = self._custom[name] = stored, Type(name, schema, self, custom=True)
        return known[1]

    def named(self, name: str) -> Type:
        # A type that is referred to is a Go type: the schemas of custom resources are inlined, and refer to nothing
        # but the metadata types.
        if name not in self._named:
            self._named[name] = Type(name, _mapping(self.schemas.get(name)), self, custom=False)
        return self._named[name]

    def field(self, owner: Type, key: str, found: Any) -> Field:
        schema = _mapping(found)
        reference = _reference(schema)
        kind = self.named(reference) if reference else Type("", schema, self, custom=owner.custom)
        if owner.custom:
            default, also = schema.get("default", MISSING), tuple(schema.get(ALSO, ()))
            nullable, null = bool(schema.get("nullable")), schema.get(NULL, MISSING)
            return Field(kind, "pointer", nullable=nullable, default=default, also=also, null=null)
        return Field(kind, self._zero(owner, key, kind, has_default="default" in schema))

    def _zero(self, owner: Type, key: str, kind: Type, *, has_default: bool) -> str:
        if key == "*":
            return "pointer"
        if kind.shape in {"list", "map"}:
            return "value"
        table = self.graph.field_table.get(owner.name, {})
        for nature, names in (("value", "value"), ("value", "struct"), ("pointer", "pointer")):
            if key in table.get(names, ()):
                return nature
        if kind.shape == "object":
            return "value" if has_default else "pointer"
        return "unknown"


class TypeGraph:
    """The types of all kinds, from documents that ``documents`` returns by path.

    ``documents`` maps ``api/v1`` or ``apis/<group>/<version>`` to an OpenAPI v3 document, None where there is none.
    ``field_table`` tells value fields from pointers where the documents cannot; ``free_form`` names the built-in types
    that hold arbitrary JSON; ``unions`` names, for a type that the documents leave open, the type its mappings have.
    """

    def __init__(
        self,
        documents: Callable[[str], Document | None],
        *,
        field_table: FieldTable | None = None,
        free_form: frozenset[str] = frozenset(),
        unions: Mapping[str, str] | None = None,
    ) -> None:
        self._documents = documents
        self.field_table: FieldTable = field_table or {}
        self.free_form = free_form
        self.unions: Mapping[str, str] = unions or {}
        self._compilers: dict[str, tuple[Document, _Compiler, dict[GVK, str]]] = {}

    def root(self, gvk: GVK) -> Type | None:
        """The type of a kind's objects, None where no document describes it."""
        compiler, name = self._find(gvk)
        return compiler.root(gvk, name) if compiler is not None and name else None

    def is_custom(self, gvk: GVK) -> bool | None:
        """Whether an object of the cluster defines a kind, None where no document describes it."""
        _, name = self._find(gvk)
        return name == _custom_name(gvk) if name else None

    def stored(self, gvk: GVK) -> Stored:  # noqa: ARG002 - for those who know definitions
        """The other versions in which objects of a custom kind may be stored: the same object while nothing changes."""
        return HERE_ALONE

    def schema_of(self, gvk: GVK) -> JSONSchema | None:
        """The schema of a kind's objects as it stands in the document, None where none describes it."""
        compiler, name = self._find(gvk)
        return _mapping(compiler.schemas.get(name)) if compiler is not None and name else None

    def _find(self, gvk: GVK) -> tuple[_Compiler | None, str]:
        """The compiler of a kind's document, None without one, and the name of the kind's type, "" without one."""
        path = document_path(gvk.group, gvk.version)
        document = self._documents(path)
        if document is None:
            return None, ""
        known = self._compilers.get(path)
        if known is None or known[0] is not document:
            compiler = _Compiler(self, document)
            known = self._compilers[path] = (document, compiler, compiler.roots())
        return known[1], known[2].get(gvk, "")

    def has_status(self, gvk: GVK) -> bool:
        """Whether the document of a kind serves a status subresource; True where there is no document."""
        compiler, name = self._find(gvk)
        return gvk in compiler.with_status if compiler is not None and name else True


@lru_cache(1024)
def document_path(group: str, version: str) -> str:
    """The path of a group version's document: ``api/v1`` or ``apis/<group>/<version>``."""
    return f"apis/{group}/{version}" if group else f"api/{version}"


@lru_cache(1024)
def _custom_name(gvk: GVK) -> str:
    """The name that the API server gives to the type of a custom resource; no Go type's name has this form."""
    return ".".join([*reversed(gvk.group.split(".")), gvk.version, gvk.kind])


def _reference(schema: Mapping[str, Any]) -> str:
    for part in (schema, *_members(schema.get("allOf"))):
        reference = part.get("$ref")
        if isinstance(reference, str):
            return reference.rpartition("/")[2]
    return ""


def _scalar_of(name: str, schema: Mapping[str, Any]) -> str:
    # Only the name tells: the documents call a Quantity a string or number, and both Time and MicroTime a date-time.
    for suffix, scalar in _SCALAR_TYPES.items():
        if name.endswith(suffix):
            return scalar
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity" if schema.get("pattern") == _QUANTITY_PATTERN else "int-or-string"
    kind, form = schema.get("type"), schema.get("format")
    if isinstance(form, str) and form in _FORMATS:
        return _FORMATS[form]
    return str(kind) if kind in ("string", "integer", "number", "boolean") else ""


def untyped(*, raw: bool = False) -> Type:
    """The type of a value that no document describes, and that may be anything. ``raw``: it is inside a raw type."""
    kind = Type("", {}, _Compiler(TypeGraph(lambda _: None), {}), custom=True)
    kind.is_raw = raw
    return kind
