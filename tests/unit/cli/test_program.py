"""The program around the commands: start, logs, faults, pipes, secrets."""

from __future__ import annotations

import errno
import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genreconcile.cli import logs, main
from genreconcile.cli.options import FORMATS
from genreconcile.errors import Invalid
from genreconcile.plan import Plan
from genreconcile.report import FORMATS as RENDERED
from unit.cli.fake_reconciler import change

CANARY = "c4n4ry-v4lu3"


def start(*arguments, code="from genreconcile.cli import main; raise SystemExit(main())", **options):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


def test_help_loads_neither_the_client_nor_its_http_stack():
    """What makes a start slow; how long it takes is the benchmark's."""
    code = (
        "import sys; from genreconcile.cli import main; code = main(['--help']); "
        "slow = {'kubernetes', 'rich', 'urllib3', 'cryptography'}; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & slow)); sys.exit(code)"
    )
    run = start(code=code)

    assert run.returncode == 0
    assert run.stdout.endswith("[]\n")
    for command in ("apply", "diff", "plan", "version"):
        assert f"\n  {command} " in run.stdout


@pytest.mark.parametrize("command", ["apply", "diff", "plan", "version"])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(run, command, flag):
    done = run(command, flag)

    assert done.code == 0
    assert done.out.startswith(f"Usage: genreconcile {command}")


def test_without_a_command_there_is_help_and_2(run):
    done = run()

    assert done.code == 2
    assert "Commands:" in done.err


def test_without_click_there_is_a_message_and_2(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "click", None)
    monkeypatch.delitem(sys.modules, "genreconcile.cli.app", raising=False)

    assert main(["--help"]) == 2
    assert capsys.readouterr().err == (
        "genreconcile: cannot start: click is not installed; install the extra: pip install 'genreconcile[cli]'\n"
    )


def test_another_missing_module_is_not_blamed_on_click(monkeypatch):
    monkeypatch.setitem(sys.modules, "genreconcile.cli.exits", None)
    monkeypatch.delitem(sys.modules, "genreconcile.cli.app", raising=False)
    monkeypatch.delattr("genreconcile.cli.exits", raising=False)

    with pytest.raises(ImportError, match="exits"):
        main(["--help"])


def test_the_formats_are_those_that_are_rendered():
    assert FORMATS == RENDERED


def test_the_entry_point_is_installed():
    (point,) = __import__("importlib.metadata").metadata.entry_points(group="console_scripts", name="genreconcile")

    assert point.load() is main


# Faults


def test_a_fault_of_the_program_is_2_and_quotes_nothing(run, reconciler, manifest):
    reconciler.raises = {"plan": RuntimeError(CANARY)}

    done = run("plan", "-f", manifest)

    assert done.code == 2
    assert done.err == "error: a fault of genreconcile: RuntimeError; -v 6 shows where [GR001]\n"


def test_a_traceback_comes_with_v_6_and_quotes_only_our_own_errors(run, reconciler, manifest):
    error = Invalid("a: not written: 422; correct it")
    error.__cause__ = RuntimeError(f"body: {CANARY}")
    error.__cause__.__context__ = KeyError(CANARY)
    reconciler.raises = {"plan": error}

    quiet, loud = run("plan", "-f", manifest, "-v", "5"), run("plan", "-f", manifest, "--v=6")

    assert quiet.code == loud.code == 3
    assert "fake_reconciler.py" not in quiet.err
    assert "fake_reconciler.py" in loud.err
    assert loud.err.rstrip().endswith("Invalid: a: not written: 422; correct it [GR422]")
    assert loud.err.index("KeyError") < loud.err.index("RuntimeError") < loud.err.index("fake_reconciler.py")
    assert CANARY not in loud.err


def test_circular_causes_end():
    error = RuntimeError()
    error.__context__ = KeyError()
    error.__context__.__context__ = error

    assert logs._Formatter().formatException((RuntimeError, error, None)) == "KeyError\nRuntimeError"


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        ([], logging.WARNING),
        (["-v"], logging.INFO),
        (["-v", "1"], logging.INFO),
        (["-v5"], logging.INFO),
        (["-v=6"], logging.DEBUG),
        (["-v", "9"], logging.DEBUG),
        (["--v=6"], logging.DEBUG),
        (["--v", "0"], logging.WARNING),
    ],
)
def test_verbosity_is_written_as_kubectl_s(program, arguments, level):
    for more in ((), ("-n", "shop")):
        assert program.run("plan", *arguments, *more).code == 0
        assert logging.getLogger("genreconcile").level == level


def test_logs_go_to_stderr_and_steps_come_with_v_1(program):
    assert program.run("plan").err == ""

    done = program.run("plan", "-v", "1")

    assert done.err == "I genreconcile.cli.session: 1 objects expected\n"
    assert "objects expected" not in done.out


def test_other_packages_say_nothing_of_bodies(program, capsys):
    program.run("plan", "-v", "9")

    logging.getLogger("kubernetes.client.rest").debug("response body: %s", CANARY)
    logging.getLogger("urllib3.connectionpool").debug("GET /api")

    assert capsys.readouterr().err == "D urllib3.connectionpool: GET /api\n"


# Pipes


FAKE = """
import genreconcile
from unit.cli.fake_reconciler import FakeReconciler, change
from genreconcile.plan import Plan
fake = FakeReconciler()
patch = [{"op": "add", "path": "/spec", "value": {"x": 1}}, {"op": "replace", "path": "/spec/x", "value": "→"}]
fake.plans = [Plan(tuple(change("update", f"a{i}", patch=patch) for i in range(5000)))]
genreconcile.connect, genreconcile.Reconciler = fake.connect, fake
from genreconcile.cli import main
raise SystemExit(main())
"""
HERE = os.pathsep.join(str(folder) for folder in (Path(__file__).parents[2], Path(__file__).parents[3]))


def test_a_reader_that_is_gone_is_2_without_noise(manifest):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-c", FAKE, "plan", "-f", manifest],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": HERE},
        )

    assert (done.returncode, done.stderr) == (2, "")


def test_a_reader_that_goes_is_no_difference(program, monkeypatch):
    class Gone(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError(errno.EPIPE, "gone")

    monkeypatch.setattr(sys, "stdout", Gone())

    assert program.run("plan").code == 2


def test_a_terminal_that_lacks_a_character_is_no_fault(manifest):
    environment = {**os.environ, "PYTHONPATH": HERE, "PYTHONIOENCODING": "latin-1"}
    done = start("plan", "-f", manifest, code=FAKE, env=environment)

    assert (done.returncode, done.stderr) == (1, "")
    assert '\n  replace /spec/x: 1 \\u2192 "\\u2192"\n' in done.stdout


# Secrets


@pytest.mark.parametrize("command", ["diff", "plan", "apply"])
@pytest.mark.parametrize("output", FORMATS)
def test_no_secret_gets_out(program, command, output, answer):
    expected = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"a": CANARY}}
    plain = change("update", kind="Secret", patch=[{"op": "add", "path": "/data/a", "value": CANARY}])
    hidden = {"gvk": plain.gvk._replace(group=""), "key": plain.key._replace(group="")}
    made = type(plain)(
        "update", patch=plain.patch, expected=expected, live={**expected, "data": {"b": CANARY}}, **hidden
    )
    failed = type(plain)("none", expected=expected, error=Invalid(f"Invalid value: {CANARY}"), **hidden)
    program.reconciler.plans = [Plan((made, failed))]
    answer("y\n")

    done = program.run(command, "-o", output, "-v", "9")

    assert "***" in done.out
    assert CANARY not in done.out
    assert CANARY not in done.err
