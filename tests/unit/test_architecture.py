"""The architecture as tests: layers, exports, one importer of kubernetes, no knowledge of kinds in code."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import genreconcile as gr

PACKAGE = Path(gr.__file__).parent
ROOT = PACKAGE.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
BUILT_IN = json.loads((Path(__file__).parent / "builtin_kinds.json").read_text("utf-8"))
# Plurals that are English words with another meaning here: keys of metadata or of our own data.
WORDS = {"events", "namespaces", "nodes", "services"}
# Classes of ours that are named as a kind is: a table of exports names them.
EXPORTED = {"Lease"}


def tree(file):
    return ast.parse(file.read_text("utf-8"))


def test_layers_hold():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def kubernetes_imports(file):
    for node in ast.walk(tree(file)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        yield from (name for name in names if name.split(".")[0] == "kubernetes")


def test_one_module_imports_kubernetes():
    importers = {file.relative_to(PACKAGE).parts[0] for file in SOURCES if list(kubernetes_imports(file))}
    assert importers == {"cluster"}


def test_one_module_says_how_metadata_alone_is_asked_for():
    asking = {
        str(file.relative_to(PACKAGE)) for file in SOURCES if "as=PartialObjectMetadata" in file.read_text("utf-8")
    }
    assert asking == {"cluster/partial.py"}


def kind_literals(file):
    known = set(BUILT_IN["kinds"]) | (set(BUILT_IN["plurals"]) - WORDS)
    known -= EXPORTED if file.name == "__init__.py" else set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in known:
            yield f"{file.relative_to(ROOT)}:{node.lineno} {node.value!r}"


def test_the_list_of_kinds_is_not_empty():
    assert {"Pod", "Deployment", "CustomResourceDefinition"} <= set(BUILT_IN["kinds"])
    assert {"pods", "deployments", "secrets"} <= set(BUILT_IN["plurals"])


def test_no_kind_is_known_in_code():
    found = [place for file in SOURCES for place in kind_literals(file)]
    assert found == []


def test_a_kind_in_code_would_be_found(tmp_path, monkeypatch):
    file = tmp_path / "bad.py"
    file.write_text("if kind == 'Deployment': pass\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert list(kind_literals(file)) == ["bad.py:1 'Deployment'"]


def test_exports_are_sorted_and_real():
    assert list(gr.__all__) == sorted(gr.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    for name in gr.__all__:
        assert getattr(gr, name) is not None


def test_importing_the_package_does_not_import_the_client():
    code = "import sys, genreconcile; print(sorted({'kubernetes', 'click', 'rich', 'cryptography'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(file):
    assert ast.get_docstring(tree(file)), "the first line of a module says what it is"


def test_no_pure_module_imports_threads_or_network():
    pure = [
        *(PACKAGE / "normalize").rglob("*.py"),
        *(PACKAGE / "compare").rglob("*.py"),
        *(PACKAGE / "plan" / f"{name}.py" for name in ("awaiting", "change", "coupled", "drift", "pruning")),
    ]
    pure += [PACKAGE / f"kinds/{name}.py" for name in ("types", "versions")]
    pure += [*(PACKAGE / "readiness").rglob("*.py"), PACKAGE / "conditions.py"]
    pure += [*(PACKAGE / "mask").rglob("*.py"), *(PACKAGE / "report").rglob("*.py")]
    forbidden = {"socket", "urllib3", "http", "concurrent", "asyncio", "subprocess", "time"}
    for file in pure:
        for node in ast.walk(tree(file)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not forbidden & {name.split(".")[0] for name in names}, file


def test_public_names_are_imported_when_they_are_used():
    code = (
        "import sys; import genreconcile.compare, genreconcile.manifests; before = set(sys.modules)\n"
        "import genreconcile as gr; assert 'genreconcile.reconcile' not in before\n"
        "assert (gr.diff.__name__, gr.load.__name__) == ('diff', 'load'), 'not the modules of these names'\n"
        "assert callable(gr.Reconciler) and 'genreconcile.reconcile' in sys.modules\n"
        "assert set(gr.__all__) <= set(dir(gr)); from genreconcile import *; assert explain is gr.explain\n"
        "try: gr.nothing\n"
        "except AttributeError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout == "module 'genreconcile' has no attribute 'nothing'\n", run.stderr


def test_type_checkers_are_told_the_same_names():
    (told,) = (node for node in tree(PACKAGE / "__init__.py").body if isinstance(node, ast.If))
    seen = {
        alias.asname: imported.module
        for imported in told.body
        for alias in imported.names
        if alias.name == alias.asname and imported.level == 0
    }
    assert seen == {name: f"genreconcile.{module}" for name, module in gr._PUBLIC.items()}


def test_no_public_name_is_that_of_a_module():
    modules = {file.stem for file in PACKAGE.iterdir()}
    assert {"reconcile", "access", "errors"} <= modules
    assert modules.isdisjoint(gr.__all__)


@pytest.mark.parametrize("modules_come", ["first", "last"])
def test_public_names_are_what_they_are_in_any_order_of_imports(modules_come):
    code = (
        "import sys, types; from importlib import import_module; import genreconcile as gr\n"
        "def names(): return {name: getattr(gr, name) for name in reversed(gr.__all__)}\n"
        "before = names() if sys.argv[1] == 'last' else {}\n"
        "for module in sys.argv[2:]: import_module(module)\n"
        "after = names(); assert after == {**after, **before}; assert set(after) == set(gr.__all__)\n"
        "assert not any(isinstance(value, types.ModuleType) for value in after.values())\n"
        "from genreconcile import errors; assert errors.Gone is gr.Gone\n"
    )
    parts = (file.relative_to(ROOT).with_suffix("").parts for file in SOURCES if file.parent != PACKAGE / "testing")
    modules = [".".join(part for part in names if part != "__init__") for names in parts if "__main__" not in names]
    command = [sys.executable, "-c", code, modules_come, *modules]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_architecture_names_each_room_and_what_the_tour_passes():
    page = (Path(__file__).parents[2] / "ARCHITECTURE.md").read_text("utf-8")
    rooms = {entry.name for entry in PACKAGE.iterdir() if (entry / "__init__.py").is_file()}
    assert {room for room in rooms if f"`{room}/`" not in page} == set()
    modules = {entry.stem for entry in PACKAGE.glob("*.py")} - {"__init__", "__main__", "_version"}
    assert {name for name in modules if f"`{name}" not in page} == set()
    tour = re.findall(r"^\| \d+ \| `([\w/]+(?:\.py)?)`? ?`?([\w.]*)`? \|", page, re.MULTILINE)
    assert len(tour) == 2 * 14
    for place, names in tour:
        found = PACKAGE / place
        source = "".join(file.read_text("utf-8") for file in ([found] if found.is_file() else found.glob("*.py")))
        for name in filter(None, names.split(".")):
            assert re.search(rf"(?:def|class) {name}\b", source), (place, name)


def converted(file):
    """Whether a file makes objects of types of its own."""
    calls = [node for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]
    return any(ast.unparse(call.func) == "msgspec.convert" for call in calls)


def test_types_that_are_converted_are_known_before_threads_use_them():
    """Two threads that use a type of msgspec for the first time at once end the process."""
    converting = {str(file.relative_to(PACKAGE)): file for file in SOURCES if converted(file)}
    assert converting
    converting["data/shapes.py"] = converting.pop("data/__init__.py").with_name("shapes.py")
    assert {name for name, file in converting.items() if "\nknown(" not in file.read_text("utf-8")} == set()


FIRST_AT_ONCE = """
import sys, threading
from genreconcile import data
from genreconcile.cluster import entries, exec_plugin
import msgspec
sys.setswitchinterval(1e-6)
shapes = data.shapes.File.__subclasses__()
barrier = threading.Barrier(8)
def work():
    for shape in shapes:
        barrier.wait()
        data.shipped(shape)
    barrier.wait()
    msgspec.convert({"users": [], "clusters": [], "contexts": []}, entries.Config)
    barrier.wait()
    msgspec.convert({"status": {}}, exec_plugin._ExecCredential)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(shapes))
"""


def test_eight_threads_may_be_the_first():
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", FIRST_AT_ONCE], capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (0, "")
        assert int(run.stdout) >= 8
