"""Compare what the tests assert at two revisions, by syntax tree.

`python tools/house/assertions.py REV1 [REV2] [paths…]`.
Without REV2, or with `-` in its place, the work tree is the second; paths are `tests` unless given. Prints each
assertion that only one side has, under its test's name; the exit code is 1 where one got lost. An assertion is an
`assert`, `pytest.raises`, `warns` or `fail` with its arguments, an `assert_…()` method, and the cases of `parametrize`.
Functions, methods and fixtures of the tests that assert are inlined, with their parameters numbered, and so is their
call, without its name: where they lie and what they are called makes no difference, nor do formatting, import aliases,
messages, and the file of a test.

What it cannot see: which values reach an assertion, whether it is run at all, helpers that are called by a computed
name or defined twice and not imported (those are not inlined), fixtures by `usefixtures`, and constants and data files
that an assertion names.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_PYTEST = frozenset({"raises", "warns", "fail"})

Sources = Mapping[str, str]
Assertions = Counter[tuple[str, str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    before, *rest = arguments
    after, *paths = rest or ["-"]
    old = assertions(sources(before, paths or ["tests"]))
    new = assertions(sources(after, paths or ["tests"]))
    lost, gained = old - new, new - old
    for sign, found in (("-", lost), ("+", gained)):
        for (test, text), count in sorted(found.items()):
            print(f"{sign} {test}: {text}" + (f" ({count} times)" if count > 1 else ""))
    print(f"{old.total()} assertions before, {new.total()} after; {lost.total()} lost, {gained.total()} gained")
    return int(bool(lost))


def sources(revision: str, paths: Sequence[str]) -> dict[str, str]:
    """The Python files at a revision, "-" for the work tree, by path."""
    if revision == "-":
        return {str(file): file.read_text("utf-8") for path in paths for file in sorted(Path(path).rglob("*.py"))}
    command = ["git", "archive", revision, *paths]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(".py") else None
            if content is not None:
                found[member.name] = content.read().decode()
    return found


def assertions(files: Sources) -> Assertions:
    """How often each (test, assertion) occurs."""
    modules = [Module(path, ast.parse(text)) for path, text in sorted(files.items())]
    house = House(modules)
    found: Assertions = Counter()
    for module in modules:
        for name, function in module.functions:
            if name.rpartition(".")[2].startswith("test_"):
                found.update((name, text) for text in house.of(module, function))
    return found


class Module:
    """A file of the tests: its functions by ``Class.name``, and what its imports mean."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.name = path.removesuffix(".py").replace("/", ".")
        self.functions = list(_functions(tree))
        self.modules: set[str] = set()
        self.names: dict[str, tuple[str, str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.modules |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self.names[alias.asname or alias.name] = (node.module or "", alias.name)


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


class House:
    """Finds helpers, and what each function asserts with them."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self._places: dict[str, list[tuple[Module, Function]]] = {}
        for module in modules:
            for name, function in module.functions:
                self._places.setdefault(name.rpartition(".")[2], []).append((module, function))
        self._known: dict[Function, list[str]] = {}

    def of(self, module: Module, function: Function) -> list[str]:
        """What a function asserts, helpers and fixtures inlined."""
        if function in self._known:
            return self._known[function]
        self._known[function] = []  # One that calls itself adds nothing.
        is_test = function.name.startswith("test_")
        parameters = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        plain = _Plain(module, {} if is_test else {name: f"_{n}" for n, name in enumerate(parameters)})
        found = [text for decorator in function.decorator_list for text in self._cases(plain, decorator)]
        for node in (inner for statement in function.body for inner in ast.walk(statement)):
            found += self._asserted(module, plain, node)
        for name in parameters:
            if helper := self._find(module, name, is_fixture=True):
                found += self.of(*helper)
        self._known[function] = found
        return found

    def _cases(self, plain: _Plain, decorator: ast.expr) -> Iterator[str]:
        if isinstance(decorator, ast.Call) and _called(decorator) == "parametrize":
            yield plain.call("parametrize", decorator)

    def _asserted(self, module: Module, plain: _Plain, node: ast.AST) -> list[str]:
        if isinstance(node, ast.Assert):
            return [f"assert {plain.text(node.test)}"]
        if not isinstance(node, ast.Call):
            return []
        name = _called(node)
        if name in _PYTEST or name.startswith("assert_"):
            return [plain.call(name, node)]
        inner = self.of(*helper) if (helper := self._find(module, name)) else []
        return [plain.call("helper", node), *inner] if inner else []

    def _find(self, module: Module, name: str, *, is_fixture: bool = False) -> tuple[Module, Function] | None:
        """The function that a name means: of this module, else imported, else the only one of its name."""
        origin, name = module.names.get(name, ("", name))
        places = [place for place in self._places.get(name, ()) if _is_fixture(place[1]) == is_fixture]
        own = [place for place in places if place[0] is module and not origin]
        imported = [place for place in places if origin and f".{place[0].name}".endswith(f".{origin}")]
        return next((found[0] for found in (own, imported, places) if len(found) == 1), None)


class _Plain(ast.NodeTransformer):
    """Writes an expression so that import aliases, modules and the names of parameters make no difference."""

    def __init__(self, module: Module, parameters: Mapping[str, str]) -> None:
        self._module, self._parameters = module, parameters

    def text(self, node: ast.expr) -> str:
        return ast.unparse(self.visit(ast.parse(ast.unparse(node), mode="eval")))

    def call(self, name: str, node: ast.Call) -> str:
        parts = [*node.args, *(keyword.value for keyword in sorted(node.keywords, key=lambda k: k.arg or ""))]
        return f"{name}({', '.join(self.text(part) for part in parts if not isinstance(part, ast.Starred))})"

    def visit_Name(self, node: ast.Name) -> ast.Name:
        original = self._module.names.get(node.id, ("", node.id))[1]
        return ast.Name(self._parameters.get(node.id, original))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in self._module.modules:
            return ast.Name(node.attr)
        self.generic_visit(node)
        return node


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _is_fixture(function: Function) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in function.decorator_list)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
