"""Every warning and every line of the log that is worth one has a code, as errors have."""

import ast
import copy
import io
import logging
import pickle

import pytest

from genreconcile.errors import Forbidden, code_of, shown
from genreconcile.log import logger
from genreconcile.notice import NOTHING, Notice
from support.sources import PACKAGE, ROOT, classes, name_of, sources

WORTH_ONE = {"warning", "error", "critical", "exception", "log"}
LOGGERS_OF_THEIR_OWN = {
    "log.py": "makes the loggers of all others",
    "cli/logs.py": "sets handlers and levels, and logs nothing",
    "cli/run.py": "sets a level, and logs nothing",
    "cluster/urlopen.py": "filters what urllib3 logs",
}
TOLD = {"warning", "warnings", "refusals"}
"""Names of what holds notices."""


def place(path, node):
    return f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)[:100]}"


def is_of_ours(annotation):
    """Whether each type that an except clause or an annotation names is an error of this package."""
    if isinstance(annotation, ast.Tuple):
        return all(map(is_of_ours, annotation.elts))
    return name_of(annotation) in classes()


def errors_in(function):
    """The names that stand for errors of this package alone in a function."""
    caught = [node for node in ast.walk(function) if isinstance(node, ast.ExceptHandler) and node.name]
    known = {one.name for one in caught if one.type is not None and is_of_ours(one.type)}
    others = {one.name for one in caught if one.type is None or not is_of_ours(one.type)}
    arguments = function.args
    known |= {
        one.arg for one in [*arguments.args, *arguments.kwonlyargs] if one.annotation and is_of_ours(one.annotation)
    }
    return known - others


def logged():
    """Each call that logs a warning or worse, with the names that stand for errors of this package there."""
    for path, tree in sources().items():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                known = errors_in(function)
                for node in ast.walk(function):
                    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                    if is_call and node.func.attr in WORTH_ONE and name_of(node.func.value) == "_log":
                        yield path, node, known


def has_code(call, known):
    extra = next((one.value for one in call.keywords if one.arg == "extra"), None)
    keys = extra.keys if isinstance(extra, ast.Dict) else []
    is_given = any(isinstance(key, ast.Constant) and key.value == "code" for key in keys)
    return is_given or any(isinstance(one, ast.Name) and one.id in known for one in call.args)


def test_every_line_of_the_log_that_is_worth_a_code_has_one():
    calls = list(logged())
    assert len(calls) > 30
    assert "\n".join(place(path, call) for path, call, known in calls if not has_code(call, known)) == ""


def test_every_logger_writes_codes():
    others = [
        place(path, node)
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and name_of(node.func) == "getLogger"
        and str(path.relative_to(PACKAGE)) not in LOGGERS_OF_THEIR_OWN
    ]
    assert others == []


def test_nothing_is_logged_but_by_the_logger_of_a_module():
    """Else the tests here would not find it."""
    others = [
        place(path, node)
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"warning", "critical", "warn"}
        and name_of(node.func.value) != "_log"
    ]
    assert others == []


def is_bare(value):
    """Whether an expression is a text without a code, as can be seen where it stands."""
    if isinstance(value, ast.Tuple | ast.List | ast.Set):
        return any(map(is_bare, value.elts))
    if isinstance(value, ast.ListComp | ast.GeneratorExp):
        return is_bare(value.elt)
    if isinstance(value, ast.BinOp | ast.IfExp):
        return any(is_bare(one) for one in ast.iter_child_nodes(value))
    is_text = isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and isinstance(value.value, str))
    return is_text or (isinstance(value, ast.Call) and name_of(value.func) == "str")


def annotated(node):
    """What is declared as a warning, with its type."""
    if isinstance(node, ast.AnnAssign) and name_of(node.target) in TOLD:
        yield node.annotation
    if isinstance(node, ast.arg) and node.arg in TOLD and node.annotation is not None:
        yield node.annotation
    if isinstance(node, ast.FunctionDef) and node.name.strip("_") in {*TOLD, "unwatched_warnings"} and node.returns:
        yield node.returns


def given(node):
    """What becomes a warning at a place, or a line of the command that begins with ``warning:`` or ``refused:``."""
    if isinstance(node, ast.Assign):
        yield from (node.value for target in node.targets if name_of(target) in TOLD)
    if isinstance(node, ast.AnnAssign | ast.AugAssign) and name_of(node.target) in TOLD and node.value is not None:
        yield node.value
    if isinstance(node, ast.Call):
        yield from (one.value for one in node.keywords if one.arg in TOLD)
        is_method = isinstance(node.func, ast.Attribute)
        if is_method and node.func.attr in {"append", "extend"} and name_of(node.func.value) in TOLD:
            yield from node.args
        kind = node.args[0] if name_of(node.func) in {"note", "notes"} and len(node.args) == 2 else None
        if isinstance(kind, ast.Constant) and kind.value in {"warning", "refused"}:
            yield node.args[1]


def test_no_warning_is_a_text_without_a_code():
    nodes = [(path, node) for path, tree in sources().items() for node in ast.walk(tree)]
    types = [(path, one) for path, node in nodes for one in annotated(node)]
    values = [(path, one) for path, node in nodes for one in given(node)]
    assert (len(types) > 15, len(values) > 20) == (True, True)
    bare = [place(path, one) for path, one in types if any(name_of(part) == "str" for part in ast.walk(one))]
    bare += [place(path, one) for path, one in values if is_bare(one)]
    assert "\n".join(bare) == ""


def test_every_notice_names_its_code():
    calls = [
        (path, node)
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name_of(node.func) == "Notice"
    ]
    assert len(calls) > 20
    wrong = [place(path, node) for path, node in calls if len(node.args) != 2]
    empty = [place(path, node) for path, node in calls if ast.unparse(node.args[1]) == "''"]
    assert (wrong, len(empty)) == ([], 1), "the one is that which says nothing"


def test_a_notice_is_its_text_with_a_code():
    told = Notice("v1/Secret: nothing deleted", "GR503")
    assert (told, hash(told)) == (str(told), hash(str(told)))
    assert (code_of(told), shown(told)) == ("GR503", "v1/Secret: nothing deleted [GR503]")
    assert (type(str(told)), type(f"{told}")) == (str, str), "an encoder may know no subclass of it"
    assert (code_of("a text"), shown("a text"), code_of("a text", "GR001")) == ("", "a text", "GR001")
    assert (bool(NOTHING), shown(NOTHING)) == (False, "")


def _pickled(one):
    return pickle.loads(pickle.dumps(one))  # noqa: S301 - of our own making


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, _pickled])
def test_a_copy_of_a_notice_has_its_code(copied):
    found = copied(Notice("a", "GR503"))
    assert (found, found.code) == ("a", "GR503")


@pytest.fixture
def lines():
    """The lines of a handler that knows nothing of codes."""
    stream = io.StringIO()
    handler, named = logging.StreamHandler(stream), logger("genreconcile.controllers")
    named.addHandler(handler)
    yield lambda: stream.getvalue().splitlines()
    named.removeHandler(handler)


REFUSED = Forbidden("not allowed", status=403)


@pytest.mark.parametrize(
    ("text", "arguments", "extra", "shows"),
    [
        ("%s: ends late", ("a",), {"code": "GR712"}, ["a: ends late [GR712]"]),
        ("nothing: 100 %", (), {"code": "GR712"}, ["nothing: 100 % [GR712]"]),
        ("%s: %s", ("a", REFUSED), {}, ["a: not allowed [GR403]"]),
        ("%s: %s", ("a", Notice("old", "GR711")), {}, ["a: old [GR711]"]),
        ("%s: %s", ("a", REFUSED), {"code": "GR910"}, ["a: not allowed [GR910]"]),
        ("%s: failed\n%s", ("a", "at b\nat c"), {"code": "GR001"}, ["a: failed [GR001]", "at b", "at c"]),
    ],
)
def test_a_code_stands_behind_the_message_whoever_shows_it(lines, text, arguments, extra, shows):
    logging.getLogger("genreconcile.controllers").warning(text, *arguments, extra=extra)
    assert lines() == shows


def test_a_step_of_which_nothing_is_to_be_looked_up_has_no_code(lines, caplog):
    caplog.set_level(logging.INFO, "genreconcile.controllers")
    logging.getLogger("genreconcile.controllers").info("%s: runs", "a")
    assert lines() == ["a: runs"]
    assert caplog.records[0].code == ""
