"""The tool that compiles the modules of the no-op path; ``make compiled`` runs tests on what it makes."""

import importlib.util
import os
from pathlib import Path

import pytest

import genreconcile as gr

PACKAGE = Path(gr.__file__).parents[1]
ROOT = Path(__file__).resolve().parents[3]
SPEC = importlib.util.spec_from_file_location("compile_modules", ROOT / "tools" / "compile_modules.py")
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)


def test_all_modules_are_there():
    assert [name for name in tool.MODULES if not (PACKAGE / name).is_file()] == []


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "genreconcile" / "diff").mkdir(parents=True)
    for name in ("genreconcile/diff/check.py", "genreconcile/diff/check.cpython-311-x86_64-linux-gnu.so"):
        (tmp_path / name).write_text("")
    (tmp_path / f"{tool.GROUP}__mypyc.cpython-311-x86_64-linux-gnu.so").write_text("")
    return tmp_path


def test_what_is_compiled_is_found_and_removed_and_the_sources_stay(tree):
    assert [path.name.partition(".")[0] for path in tool.compiled(tree)] == ["check", "genreconcile__mypyc"]
    tool.remove(tree)
    assert tool.compiled(tree) == []
    assert (tree / "genreconcile/diff/check.py").is_file()


def test_what_cannot_be_compiled_is_an_error_and_leaves_nothing(tree, capfd):
    with pytest.raises(tool.CompileError, match="the same code is interpreted"):
        tool.compile_modules(tree)
    assert tool.compiled(tree) == []
    assert any(capfd.readouterr()), "setuptools speaks on stderr, mypyc on stdout"


def test_a_compiled_module_older_than_its_source_is_noticed(tree, request):
    (conftest,) = (
        plugin
        for plugin in request.config.pluginmanager.get_plugins()
        if getattr(plugin, "__file__", None) == str(ROOT / "tests" / "conftest.py")
    )
    (compiled,) = (tree / "genreconcile").rglob("*.so")
    source = tree / "genreconcile/diff/check.py"
    os.utime(source, (1, 1))
    assert not conftest.is_stale(compiled)
    os.utime(compiled, (0, 0))
    assert conftest.is_stale(compiled)
