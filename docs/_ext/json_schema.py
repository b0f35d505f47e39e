"""The directive ``json-schema``: the tables of a JSON schema of this tree.

Invariant: what the page says of a field is what the schema says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

Schema = Mapping[str, Any]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("json-schema", JSONSchema)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


class JSONSchema(SphinxDirective):
    """``{json-schema} path``: a section for each definition that is an object, with a table of its fields."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The sections, in the order of the schema."""
        path = Path(self.env.srcdir).parent / self.arguments[0]
        self.env.note_dependency(str(path))
        definitions: Mapping[str, Schema] = json.loads(path.read_text("utf-8"))["$defs"]
        text = "\n".join(_pages(definitions))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def _pages(definitions: Mapping[str, Schema]) -> Iterator[str]:
    for name, definition in definitions.items():
        if "properties" in definition:
            title = definition["properties"].get("kind", {}).get("const", name)
            yield f"## {title}\n\n" + "\n".join(_table(definition, definitions, "")) + "\n"


def _table(definition: Schema, definitions: Mapping[str, Schema], prefix: str) -> Iterator[str]:
    if not prefix:
        yield "| field | type | |\n|---|---|---|"
    required = set(definition.get("required", ()))
    for name, found in definition["properties"].items():
        field: Schema = {} if found is True else found
        about = field.get("description", "")
        optional = "" if name in required else " Not always there."
        yield f"| `{prefix}{name}` | {_type(field, definitions)} | {(about + optional).strip()} |"
        for inner in (field, field.get("items", {}), *field.get("oneOf", ())):
            if "properties" in inner:
                mark = "[]" if field.get("type") == "array" else ""
                yield from _table(inner, definitions, f"{prefix}{name}{mark}.")


def _type(field: Schema, definitions: Mapping[str, Schema]) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return name if "properties" in definitions[name] else _type(definitions[name], definitions)
    if "oneOf" in field:
        return " or ".join(_type(one, definitions) for one in field["oneOf"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), definitions)}"
    found = field.get("type", "any value")
    return " or ".join(found) if isinstance(found, list) else found
