"""Print the house: a line for each module, and figures of rooms, files, layers, imports, cycles and functions.

`python tools/house/tree.py`, with `--figures` without the lines. A room is a package, or a module of the top.
Imports inside functions and for type checking count; what is imported by a computed name is not seen.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "genreconcile"
_SHORT = 60

Graph = Mapping[str, set[str]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--figures", action="store_true", help="without a line for each module")
    options = parser.parse_args(arguments)
    if not options.figures:
        print("\n".join([*lines(options.root), ""]))
    print("\n".join(figures(options.root)))
    return 0


def modules(root: Path) -> dict[str, Path]:
    """The files of the package by module name."""
    found = {}
    for file in sorted((root / PACKAGE).rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def lines(root: Path) -> Iterator[str]:
    """A line for each module: its lines and what its docstring begins with."""
    for name, file in modules(root).items():
        text = file.read_text("utf-8")
        summary = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
        yield f"{'  ' * name.count('.')}{file.relative_to(root)}  {text.count(chr(10))}  {summary}"


def imports(root: Path) -> dict[str, set[str]]:
    """The modules of the package that each module imports, anywhere in it."""
    files = modules(root)
    return {name: _imported(name, file, files) - {name} for name, file in files.items()}


def _imported(name: str, file: Path, known: Mapping[str, Path]) -> set[str]:
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # A name of a package may be a module of its own.
            found |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base for alias in node.names}
    return found & known.keys()


def room(module: str) -> str:
    """The package that a module lies in; a module of the top is a room of its own."""
    return ".".join(module.split(".")[1:2])


def by_room(graph: Graph) -> dict[str, set[str]]:
    """The arrows between rooms; those from and to the package itself are none."""
    found: dict[str, set[str]] = {room(name): set() for name in graph if room(name)}
    for name, others in graph.items():
        if room(name):
            found[room(name)] |= {room(other) for other in others} - {room(name), ""}
    return found


def cycles(graph: Graph) -> list[list[str]]:
    """The groups of nodes that can all reach each other."""
    reach = {node: _reached(graph, node) for node in graph}
    groups = {
        frozenset({node, *(other for other in reach[node] if node in reach[other])})
        for node in graph
        if node in reach[node]
    }
    return sorted(sorted(group) for group in groups)


def _reached(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        node = ahead.pop()
        if node not in found:
            found.add(node)
            ahead += graph[node]
    return found


def functions(root: Path) -> list[tuple[int, str]]:
    """The lines of each function, docstring included, and where it is; the shortest first."""
    found = [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{name}.{node.name}")
        for name, file in modules(root).items()
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(found)


def figures(root: Path) -> Iterator[str]:
    """The figures, a line each."""
    files = [file.read_text("utf-8").count("\n") for file in modules(root).values()]
    graph = imports(root)
    rooms = by_room(graph)
    packages = sum(file.name == "__init__.py" for file in modules(root).values())
    yield f"rooms: {len(rooms)} at the top, {packages} packages in all"
    yield f"files: {len(files)}, {sum(files)} lines; {_spread(files)}; under {_SHORT}: {sum(n < _SHORT for n in files)}"
    yield f"layers: {', '.join(_layers(root))}"
    yield f"imports: {_arrows(graph)} arrows between modules, {_arrows(rooms)} between rooms"
    for what, found in (("modules", cycles(graph)), ("rooms", cycles(rooms))):
        yield f"cycles of {what}: {len(found)}"
        yield from (f"  {' '.join(group)}" for group in found)
    lengths = functions(root)
    yield f"functions: {len(lengths)}; {_spread([length for length, _ in lengths])}; longest: {lengths[-1][1]}"


def _arrows(graph: Graph) -> int:
    return sum(len(others) for others in graph.values())


def _layers(root: Path) -> list[str]:
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    return [f"{len(found['layers'])} in {found['name']!r}" for found in settings["contracts"] if "layers" in found]


def _spread(numbers: Sequence[int]) -> str:
    p90 = statistics.quantiles(numbers, n=10, method="inclusive")[-1]
    return f"median {statistics.median(numbers):g}, p90 {p90:.0f}, longest {max(numbers)}"


if __name__ == "__main__":
    sys.exit(main())
