"""The sources of the package as syntax trees, for tests that look for a kind of place in all of them."""

import ast
import functools
from pathlib import Path

import genreconcile

ROOT = Path(__file__).parents[2]
PACKAGE = Path(genreconcile.__file__).parent


@functools.cache  # And not at import: each process that collects tests would wait for it.
def sources():
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def name_of(node):
    return getattr(node, "id", None) or getattr(node, "attr", None)


@functools.cache
def classes():
    """The classes of errors and of wrong usage, with the code that each has by its definition."""
    found = {"ReconcileError": "", "UsageError": ""}
    definitions = [node for tree in sources().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for _ in range(8):  # As deep as the hierarchy may be.
        for node in definitions:
            base = next((name_of(base) for base in node.bases if name_of(base) in found), None)
            if base is not None and node.name != "UsageError":
                own = [
                    one.value.value
                    for one in node.body
                    if isinstance(one, ast.Assign) and name_of(one.targets[0]) == "code"
                ]
                found[node.name] = own[0] if own else found[base]
    return found
