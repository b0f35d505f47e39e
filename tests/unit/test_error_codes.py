"""Every error has a code, and every code says what to do."""

import ast
import importlib.util
import re

import pytest

from genreconcile.cli.app import run
from genreconcile.controllers.status.verdict import OWN
from genreconcile.data import Errors, shipped
from support.sources import PACKAGE, ROOT, classes, name_of, sources

CODE = re.compile(r"GR\d{3}")
OF_CLICK = {"BadParameter", "BadOptionUsage", "BadArgumentUsage", "ClickException", "FileError", "MissingParameter"}


def made():
    """Each place that makes an error."""
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node.func) in classes():
                yield path, node


def without_code():
    for path, node in made():
        given = [one.value for one in node.keywords if one.arg == "code"]
        if not given and not classes()[name_of(node.func)]:
            yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)[:100]}"


def test_every_error_is_made_with_a_code():
    assert len(list(made())) > 250
    assert "\n".join(without_code()) == ""


def test_no_wrong_usage_is_told_without_a_code():
    found = [
        f"{path}:{node.lineno}"
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (name_of(node.func) in OF_CLICK or ast.unparse(node.func) == "click.UsageError")
    ]
    assert found == []


def used():
    """The codes that the sources name."""
    for tree in sources().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                yield node.value


def test_every_code_has_a_page_and_is_used():
    assert set(used()) == set(shipped(Errors).codes)


def reasons():
    """Those that a controller gives: the texts of the constants of its judgement, and of its verdicts."""
    folder, word = PACKAGE / "controllers", re.compile(r"(?:[A-Z][a-z]+)+")
    for path in (folder / "judging.py", folder / "status/verdict.py"):
        for node in ast.walk(sources()[path]):
            if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant):
                value = node.value.value
                if isinstance(value, str) and word.fullmatch(value):
                    yield value


def test_every_reason_has_a_section():
    assert set(reasons()) - {*OWN} == set(shipped(Errors).reasons)


def test_no_reason_is_given_but_by_a_constant():
    calls = {"Cause", "progressing", "failed", "stuck"}
    given = [
        f"{path}:{node.lineno}: {argument.value}"
        for path, tree in sources().items()
        if path.is_relative_to(PACKAGE / "controllers")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name_of(node.func) in calls
        for argument in [*node.args, *(one.value for one in node.keywords)]
        if isinstance(argument, ast.Constant)
    ]
    assert given == []


@pytest.mark.parametrize(("reason", "entry"), shipped(Errors).reasons.items())
def test_a_reason_says_what_to_do(reason, entry):
    assert not entry.title.endswith("."), reason
    assert entry.happened.endswith("."), reason
    assert entry.remedy.endswith("."), reason


@pytest.mark.parametrize(("code", "entry"), shipped(Errors).codes.items())
def test_an_entry_says_what_happened_and_what_to_do(code, entry):
    assert CODE.fullmatch(code)
    assert code[2] in shipped(Errors).groups
    assert not entry.title.endswith("."), code
    assert entry.happened.endswith("."), code
    assert entry.remedy.endswith("."), code


def test_titles_are_told_apart():
    titles = [entry.title for entry in shipped(Errors).codes.values()]
    assert sorted(set(titles)) == sorted(titles)


def test_the_pages_are_what_the_data_say():
    spec = importlib.util.spec_from_file_location("error_codes", ROOT / "tools/docs/error_codes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.written() == module.pages(), "run python tools/docs/error_codes.py"


@pytest.mark.parametrize("given", ["ChildConflict", "childconflict", "GR422", "[GR422]"])
def test_explain_knows_codes_and_reasons(given, capsys):
    assert run(["explain", given]) == 0
    assert "What to do: " in capsys.readouterr().out


def test_explain_names_the_reason_that_is_meant(capsys):
    assert run(["explain", "childconflct"]) == 2
    assert "childconflct is no code; did you mean ChildConflict?" in capsys.readouterr().err


def test_explain_names_the_code_that_is_meant(capsys):
    assert run(["explain", "GR4222"]) == 2
    assert "did you mean GR422" in capsys.readouterr().err
