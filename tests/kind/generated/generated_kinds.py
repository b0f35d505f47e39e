"""Kinds with random structural schemas in several versions, and what the server makes of objects under them.

A kind has a number of slots in its spec, each with a schema of its own, so that one definition tries many schemas.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from support.objects import definition, struct, version
from support.strategies import EMBEDDED, PRESERVE, in_another_version, object_schemas

GROUP = "generated.genreconcile.dev"
VERSIONS = ("v1", "v2", "v3")
TEXT = {"type": "string"}


@dataclass(frozen=True)
class Kind:
    """``slots`` are, by field of spec, the schema in each version. ``served`` are versions, ``storage`` is one."""

    name: str
    slots: dict[str, dict[str, dict]]
    served: tuple[str, ...]
    storage: str

    @property
    def plural(self):
        return f"{self.name.lower()}s"

    def schema(self, version):
        """The schema of spec in a version."""
        return {"type": "object", "properties": {slot: schemas[version] for slot, schemas in self.slots.items()}}

    @property
    def versions(self):
        return tuple(dict.fromkeys([*self.served, self.storage]))

    @property
    def definition(self):
        versions = [
            version(name, struct(spec=self.schema(name)), served=name in self.served, storage=name == self.storage)
            for name in self.versions
        ]
        return definition(GROUP, *versions, kind=self.name, names={"plural": self.plural})


@st.composite
def embedded(draw):
    """A whole object of some kind, with fields of which the schema knows some, or all."""
    schema = draw(object_schemas(1, preserving=False))
    keeps = not schema.get("properties") or draw(st.booleans())
    return {EMBEDDED: True} | schema | ({PRESERVE: True} if keeps else {})


@st.composite
def slots(draw):
    """A schema, and the same in two other versions."""
    schema = draw(object_schemas(3, least=1))
    inside = dict(schema["properties"])
    what = draw(st.sampled_from(["plain", "plain", "embedded", "embedded list", "default"]))
    if what == "embedded":
        inside["r"] = draw(embedded())
    elif what == "embedded list":
        inside["r"] = {"type": "array", "items": draw(embedded())}
    schema = schema | {"properties": inside}
    if what == "default":
        schema["default"] = {}
    others = [draw(in_another_version(schema)) for _ in VERSIONS[1:]]
    return dict(zip(VERSIONS, [schema, *others], strict=True))


def generate(count, width, number):
    """So many kinds with so many slots each; for one number always the same ones."""
    found = []

    @seed(number)
    @settings(
        max_examples=count * width * 2,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(slots())
    def collect(some):
        if some not in found:
            found.append(some)

    collect()
    # The first ones are the simplest.
    found = found[::-1][: count * width]
    return [_kind(number, found[number::count]) for number in range(count)]


def _kind(number, found):
    served, storage = [
        (("v1",), "v1"),
        (("v1", "v2"), "v1"),
        (("v1", "v2"), "v2"),
        (("v2",), "v1"),
        (("v1", "v2", "v3"), "v2"),
        (("v1", "v3"), "v2"),
    ][number % 6]
    return Kind(f"Made{number}", {f"s{index}": some for index, some in enumerate(found)}, served, storage)
