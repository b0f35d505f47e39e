"""What each YAML file beside this module may hold.

Invariant: a key that is unknown, missing or of another type is refused. A kind is ``Kind.group``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct, field, to_builtins

from genreconcile.structs import known

Pointer = Annotated[str, Meta(pattern="^/")]
"""A JSON pointer from an object's root; its file says what ``*`` stands for."""


class Entry(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A mapping in a file."""


class File(Entry, frozen=True):
    """A file as a whole."""

    name: ClassVar[str]


class Says(Entry, frozen=True):
    """Where an object says which kind it defines; ``schema`` is a pointer from a member of ``versions``."""

    group: Pointer
    kind: Pointer
    plural: Pointer
    scope: Pointer
    versions: Pointer
    stored: Pointer
    schema: Pointer
    webhook: Pointer


class Definer(Entry, frozen=True):
    """A kind whose objects define kinds; ``named``: the form of their names, where they do not name these kinds."""

    condition: str
    says: Says | None = None
    named: Literal["version.group"] | None = None


class Order(File, frozen=True):
    """``order.yaml``."""

    name = "order.yaml"

    waves: tuple[tuple[str, ...], ...]
    defines: Mapping[str, Definer]
    admits: frozenset[str]

    def __post_init__(self) -> None:
        if not any("*" in wave for wave in self.waves):
            raise ValueError("no wave of `waves` holds `*`, which stands for all other kinds")


class BuiltIn(Entry, frozen=True):
    """Objects that Kubernetes makes; ``namespace`` and ``name`` are globs."""

    kind: str
    name: str
    namespace: str | None = None


class Keep(Entry, frozen=True):
    """An annotation that protects with one of ``values``, or with any value but ``unless``."""

    annotation: str
    values: frozenset[str] = frozenset()
    unless: str | None = None

    def __post_init__(self) -> None:
        if bool(self.values) == (self.unless is not None):
            raise ValueError("needs either `values` or `unless`")


class MadeBy(Entry, frozen=True):
    """Objects that a controller makes: one of ``managers`` then owns ``field``."""

    kind: str
    field: Pointer
    managers: frozenset[str]
    why: str


class Deletion(File, frozen=True):
    """``deletion.yaml``."""

    name = "deletion.yaml"

    only_when_asked: frozenset[str]
    built_in: tuple[BuiltIn, ...]
    keep: tuple[Keep, ...]
    made_by: tuple[MadeBy, ...]
    own_finalizers: tuple[str, ...]
    servers: frozenset[str]


class Tool(Entry, frozen=True):
    """A tool whose sets can be shared; ``managers`` are globs."""

    version: str
    managers: tuple[str, ...]


class ApplySet(File, frozen=True):
    """``applyset.yaml``."""

    name = "applyset.yaml"

    parents: frozenset[str]
    parent_label: str
    default_parent: str
    tools: Mapping[str, Tool]


class HeldBy(Entry, frozen=True):
    """The values that one object of a kind holds alone: the fields of each pool, and values that hold nothing."""

    kind: str
    pools: tuple[tuple[Pointer, ...], ...]
    free: tuple[bool | int | str, ...]


class Summed(Entry, frozen=True):
    """The pointer to the quantities of an object that a quota adds up, for its resources with a prefix."""

    kind: str
    prefix: str
    at: Pointer


class Exclusive(File, frozen=True):
    """``exclusive.yaml``."""

    name = "exclusive.yaml"

    held: tuple[HeldBy, ...]
    summed: tuple[Summed, ...]


class Beating(Entry, frozen=True):
    """The fields of a kind that are written again and again."""

    kind: str
    fields: tuple[Pointer, ...]


class Heartbeats(File, frozen=True):
    """``heartbeats.yaml``."""

    name = "heartbeats.yaml"

    everywhere: tuple[Pointer, ...]
    kinds: tuple[Beating, ...]


class Immutable(File, frozen=True):
    """``immutable.yaml``."""

    name = "immutable.yaml"

    texts: tuple[Annotated[str, Meta(pattern="^[^A-Z]+$")], ...]


class Secret(Entry, frozen=True):
    """The secret fields of a kind."""

    group: str
    kind: str
    resource: str
    fields: tuple[Pointer, ...]


class Mask(File, frozen=True):
    """``mask.yaml``."""

    name = "mask.yaml"

    secrets: tuple[Secret, ...]


class Head(Entry, frozen=True, kw_only=True, omit_defaults=True):
    """The first fields of an object; ``kind`` is the last of them."""

    kind: str

    def to_object(self, **fields: Any) -> dict[str, Any]:
        """An object with these first fields, and then ``fields``."""
        return {**to_builtins(self), **fields}


class TypeMeta(Head, frozen=True):
    """The apiVersion and kind of an object."""

    api_version: str


class Review(Entry, frozen=True):
    """The object that asks about rights, and the path to which it is posted."""

    path: Pointer
    object: TypeMeta


class Roles(Entry, frozen=True):
    """A role and its binding."""

    role: TypeMeta
    binding: TypeMeta


class SubjectType(Head, frozen=True):
    """Who can be granted rights; ``api_group`` "" is that of ServiceAccounts."""

    api_group: str = ""


class Access(File, frozen=True):
    """``access.yaml``."""

    name = "access.yaml"

    review: Review
    rules_review: Review
    self_review: Review
    namespaced: Roles
    cluster: Roles
    subjects: Mapping[str, SubjectType]
    list_: TypeMeta = field(name="list")
    guarded: Mapping[str, str]


class OwnKind(Entry, frozen=True):
    """A namespaced kind, and how the server serves it."""

    object: TypeMeta
    plural: str

    @property
    def group(self) -> str:
        """The API group, as rights name it."""
        return self.object.api_version.partition("/")[0]

    def path(self, namespace: str, name: str = "") -> str:
        """The path of the objects in a namespace, or of one of them."""
        return f"/apis/{self.object.api_version}/namespaces/{namespace}/{self.plural}{f'/{name}' if name else ''}"


class Own(File, frozen=True):
    """``own.yaml``."""

    name = "own.yaml"

    lease: OwnKind
    event: OwnKind


class Managers(File, frozen=True):
    """``managers.yaml``."""

    name = "managers.yaml"

    listed: Annotated[frozenset[str], Meta(max_length=20)]


class Types(File, frozen=True):
    """``types.yaml``."""

    name = "types.yaml"

    free_form: frozenset[str]
    unions: Mapping[str, str]


class Supported(Entry, frozen=True):
    """Versions of Kubernetes, as ``1.37``, ascending."""

    tested: tuple[Annotated[str, Meta(pattern=r"^1\.[0-9]+$")], ...]
    oldest: Annotated[str, Meta(pattern=r"^1\.[0-9]+$")]


class Clock(Entry, frozen=True):
    """Seconds from which on a clock is worth a word."""

    warning: int
    problem: int


class Memory(Entry, frozen=True):
    """Bytes of one object, in the cache and as it is served."""

    cached: int
    served: int


class CacheSize(Entry, frozen=True):
    """Bytes from which on a cache is large, and how many objects are read to judge a kind."""

    large: int
    sample: int


class Doctor(File, frozen=True):
    """``doctor.yaml``."""

    name = "doctor.yaml"

    kubernetes: Supported
    clock: Clock
    memory: Memory
    cache: CacheSize


class ErrorCode(Entry, frozen=True):
    """What a code means, and what to do."""

    title: str
    happened: str
    remedy: str


class Errors(File, frozen=True):
    """``errors.yaml``; ``groups`` are named by the first digit of the codes in them, ``reasons`` are of conditions."""

    name = "errors.yaml"

    groups: Mapping[str, str]
    codes: Mapping[str, ErrorCode]
    reasons: Mapping[str, ErrorCode]


known(*File.__subclasses__())
