"""The build of the docs: examples run, their outputs are shown, and what fails fails the build.

Each test builds a site of one page; no cluster is needed.
"""

import html
import io
import re
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

EXTENSIONS = Path(__file__).parents[2] / "docs/_ext"
CONF = """\
import sys
sys.path.insert(0, {path!r})
project = "test"
extensions = ["myst_parser", "executed.extension"]
html_theme = "basic"
"""
LOOP = """\
trap "echo over; exit 0" TERM
echo ready
while [ ! -e go ]; do sleep 0.05; done
echo went
while :; do sleep 0.05; done
"""
ENDS_WITH_3 = 'trap "exit 3" TERM; echo up; while :; do sleep 0.05; done'
RUNS = (":background:", ":until: up")


@pytest.fixture
def build(tmp_path, capsys):
    def built(page):
        (tmp_path / "conf.py").write_text(CONF.format(path=str(EXTENSIONS)), "utf-8")
        (tmp_path / "index.md").write_text(f"# Title\n\n{page}", "utf-8")
        warnings, folder = io.StringIO(), str(tmp_path)
        with patch_docutils(), docutils_namespace():
            app = Sphinx(folder, folder, f"{folder}/out", f"{folder}/read", "html", status=None, warning=warnings)
            app.build()
        said = warnings.getvalue() + capsys.readouterr().out
        shown = tmp_path / "out/index.html"
        text = html.unescape(re.sub(r"<[^>]+>", "", shown.read_text("utf-8"))) if shown.exists() else ""
        return app.statuscode, said, text

    return built


def example(code, *options, directive="example"):
    return "\n".join(["```{" + directive + "}", *options, *code.splitlines(), "```", ""])


def test_examples_share_a_namespace_and_a_folder(build):
    page = example('a = 40\nopen("file", "w").write("written")') + example("print(a + 2)")
    code, said, text = build(page + example("$ cat file", directive="console"))
    assert code == 0, said
    assert "\n42\n" in text
    assert "$ cat file\nwritten" in text
    assert "executed 3 examples on 1 pages" in said


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (example("1 / 0"), "ZeroDivisionError"),
        (example("pass", ":raises: KeyError"), "KeyError was not raised"),
        (example("import sys; print('oh', file=sys.stderr)"), "it printed on stderr"),
        (example("import os; os._exit(3)"), "has ended"),
        (example("$ false", directive="console"), "exit code 1 instead of 0"),
        (example("$ true", ":exit: 2", directive="console"), "exit code 0 instead of 2"),
        (example("$ echo a\nb", directive="console"), "a line of a console begins with"),
        (example("import uuid; print(uuid.uuid4())"), "differs from build to build"),
        (example("import os; print(os.getcwd())"), "differs from build to build"),
        (example("print(1)", ":mask: uid"), "the mask uid matches nothing"),
        (example("print(1)", ":mask: moon"), "no such mask: moon"),
        (example("$ true", ":background:", ":until: never", directive="console"), "no line matches 'never'"),
        (
            example(f"$ bash -c '{ENDS_WITH_3}'", *RUNS, ":stop:", directive="console"),
            "exit code 3 when it was stopped",
        ),
        (example("", ":stop:", directive="console"), "goes on"),
    ],
)
def test_an_example_that_fails_fails_the_build(build, page, why):
    code, said, _ = build(page)
    assert code == 1
    assert why in said
    assert "examples failed on index" in said


def test_what_follows_a_failure_does_not_run(build, tmp_path):
    mark = tmp_path / "ran"
    code, said, _ = build(example("1 / 0") + example(f"open({str(mark)!r}, 'w')"))
    assert (code, mark.exists()) == (1, False)
    assert "not executed: an example before it failed" in said


def test_an_exception_that_is_expected_is_shown(build):
    code, said, text = build(example("print('before')\nraise KeyError('a')", ":raises: KeyError"))
    assert code == 0, said
    assert "before\nKeyError: 'a'" in text


def test_masks_have_names(build):
    code, said, text = build(example("import uuid; print('uid', uuid.uuid4())", ":mask: uid"))
    assert code == 0, said
    assert "uid <uid>" in text


def test_a_command_that_goes_on(build):
    page = f"```{{file}} loop.sh\n{LOOP}```\n"
    page += example("$ bash loop.sh", ":background:", ":until: ready", directive="console")
    page += example("$ touch go", ":until: went", directive="console") + example("", ":stop:", directive="console")
    code, said, text = build(page)
    assert code == 0, said
    assert re.search(r"\$ bash loop.sh\nready\s+\$ touch go\nwent\s+over", text)


@pytest.mark.parametrize("language", ["python", "console", "yaml", "json", "bash"])
def test_a_block_that_nobody_runs_is_a_warning(build, language):
    _, said, _ = build(f"```{language}\nprint(1)\n```\n")
    assert f"a block of {language} that nobody runs" in said


def test_an_account_is_not_seen(build, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/secret")
    code, said, text = build(example("$ echo home-of-${KUBECONFIG:-nobody}", directive="console"))
    assert code == 0, said
    assert "home-of-nobody" in text


def test_only_the_output_is_shown(build):
    code, said, text = build(example("secret = 41\nprint(secret + 1)", ":only-output: text"))
    assert code == 0, said
    assert "42" in text
    assert "secret" not in text


def test_a_file_gets_more(build):
    page = "```{file} a.txt\none\n```\n\n```{file} a.txt\n:append:\ntwo\n```\n\n"
    code, said, text = build(page + example("$ cat a.txt", directive="console"))
    assert code == 0, said
    assert "$ cat a.txt\none\ntwo" in text


def test_a_command_that_is_killed(build):
    page = example(f"$ bash -c '{ENDS_WITH_3}'", *RUNS, directive="console") + example(
        "", ":kill:", directive="console"
    )
    code, said, _ = build(page)
    assert code == 0, said


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "an excerpt says which tests hold it"),
        ((":held-by: tests/unit/nothing.py",), "no such test: tests/unit/nothing.py"),
    ],
)
def test_an_excerpt_names_what_holds_it(build, options, why):
    _, said, _ = build("\n".join(["```{excerpt} yaml", *options, "a: 1", "```", ""]))
    assert why in said


def test_an_excerpt_with_a_reason_is_shown(build):
    code, said, text = build("```{excerpt} yaml\n:why: it needs the moon\na: 1\n```\n")
    assert (code, said.count("nobody runs")) == (0, 0)
    assert "a: 1" in text
