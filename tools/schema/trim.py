"""Cut OpenAPI v3 documents down to what some kinds need, for tests without a server.

Usage: trim.py KUBECONFIG OUTPUT_FOLDER GROUP/VERSION/KIND…     (VERSION/KIND for the core group)

Descriptions and operations go; of the paths only those stay that tell which kinds the document is about, and which of
them have a status subresource.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import genreconcile as gr
from genreconcile.kinds.openapi import OpenAPIDocuments
from genreconcile.kinds.types import document_path

KEPT = {"x-kubernetes-group-version-kind"}


def references(schema: Any) -> set[str]:
    """The names of all types that a schema refers to."""
    if isinstance(schema, list):
        return {name for entry in schema for name in references(entry)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
    return own | {name for entry in schema.values() for name in references(entry)}


def bare(schema: Any) -> Any:
    """A schema without descriptions. A property may itself be called description."""
    if isinstance(schema, list):
        return [bare(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: bare(entry) for key, entry in schema.items() if key != "description" or isinstance(entry, dict)}


def trim(document: dict[str, Any], kinds: list[gr.GVK]) -> dict[str, Any]:
    """The parts of a document that these kinds need."""
    schemas = document["components"]["schemas"]
    wanted = [{"group": gvk.group, "kind": gvk.kind, "version": gvk.version} for gvk in kinds]
    todo = [name for name, schema in schemas.items() if any(gvk in wanted for gvk in schema.get(next(iter(KEPT)), []))]
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += references(schemas[name])
    paths = {
        path: {"get": {key: operations["get"][key] for key in KEPT}}
        for path, operations in document["paths"].items()
        if path.endswith(("/{name}", "/{name}/status")) and operations.get("get", {}).get(next(iter(KEPT))) in wanted
    }
    return {"components": {"schemas": {name: bare(schemas[name]) for name in sorted(found)}}, "paths": paths}


def write(file: Path, document: dict[str, Any]) -> None:
    """One line per type, so that a change of a type is one line of a diff."""
    schemas = document["components"]["schemas"]
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(schema, sort_keys=True)}" for name, schema in schemas.items())
    paths = json.dumps(document["paths"], sort_keys=True)
    file.write_text(f'{{"components": {{"schemas": {{\n{lines}\n}}}},\n"paths": {paths}}}\n', "utf-8")


def main() -> None:
    """Read the arguments and write one file per group version."""
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    documents = OpenAPIDocuments(gr.connect(kubeconfig=sys.argv[1]))
    by_path: dict[str, list[gr.GVK]] = defaultdict(list)
    for gvk in map(gr.GVK.parse, sys.argv[3:]):
        by_path[document_path(gvk.group, gvk.version)].append(gvk)
    for path, kinds in by_path.items():
        document = documents.document(path)
        if document is None:
            sys.exit(f"{path}: no such document on the server")
        write(Path(sys.argv[2]) / (path.replace("/", "_") + ".json"), trim(dict(document), kinds))


if __name__ == "__main__":
    main()
