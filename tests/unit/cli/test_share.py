"""What is installed beside the program: kubectl's plugin, completions of shells, manual pages."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from genreconcile.cli import completion

ROOT = Path(__file__).parents[3]
SHARE = ROOT / "share"
PAGES = sorted(SHARE.glob("man/man1/*.1"))


def tool(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def test_the_pages_are_those_of_the_commands():
    writer = re.match(r'\.\\" Written by .* with click (.+)\.\n', PAGES[0].read_text("utf-8"))[1]
    assert f"click=={writer} " in (ROOT / "locks/ci.txt").read_text("utf-8"), "run python tools/share/write.py"
    if writer == version("click"):  # Another click has other words for the same options.
        made = tool(ROOT / "tools/share/write.py").manual()
        assert {str(page.relative_to(SHARE)): page.read_text("utf-8") for page in PAGES} == made


@needs("mandoc")
def test_mandoc_has_nothing_to_say():
    done = subprocess.run(
        [shutil.which("mandoc"), "-Tlint", "-Wwarning", *PAGES], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs("groff")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_groff_renders_it_without_a_warning(page):
    done = subprocess.run(
        [shutil.which("groff"), "-man", "-ww", "-Tutf8", page], capture_output=True, text=True, check=True
    )

    assert done.stderr == ""
    assert "EXIT STATUS" in re.sub(r"\x1b\[[\d;]*m|.\x08", "", done.stdout)


@pytest.fixture
def programs(tmp_path):
    """A folder with the programs that ``pyproject.toml`` names."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    for name, target in scripts.items():
        module, function = target.split(":")
        path = tmp_path / name
        path.write_text(f"#!{sys.executable}\nfrom {module} import {function}\nraise SystemExit({function}())\n")
        path.chmod(0o755)
    return tmp_path


def run(programs, *command, **variables):
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(programs), **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


BASH = """
source {script}
COMP_WORDS=({words}) COMP_CWORD={place}
{function} genreconcile
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@needs("bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("genreconcile ''", {"apply", "doctor", "run", "wait"}),
        ("genreconcile expl", {"explain"}),
        ("genreconcile rules s", {"suggest"}),
        ("genreconcile plan --max", {"--max-deletions"}),
        ("genreconcile plan -o ''", {"diff", "json", "patch", "text"}),
    ],
)
def test_bash_completes(programs, words, expected):
    script = SHARE / "bash-completion/completions/genreconcile"
    function = re.search(r"-F (\w+) genreconcile", script.read_text("utf-8"))[1]
    text = BASH.format(script=script, words=words, place=len(words.split()) - 1, function=function)
    done = run(programs, "bash", "--norc", "-c", text)

    assert done.returncode == 0, done.stderr
    assert expected <= set(done.stdout.split()), done


@needs("zsh")
def test_zsh_takes_the_script(programs):
    script = SHARE / "zsh/site-functions/_genreconcile"
    text = f"autoload -U compinit; compinit -u -d {programs}/dump; source {script}; print ${{_comps[genreconcile]}}"
    done = run(programs, "zsh", "-f", "-c", text)

    assert (done.stdout, done.stderr) == ("_genreconcile_completion\n", "")


@needs("fish")
def test_fish_completes(programs):
    script = SHARE / "fish/vendor_completions.d/genreconcile.fish"
    done = run(programs, "fish", "--no-config", "-c", f"source {script}; complete --do-complete 'genreconcile expl'")

    assert done.stdout.startswith("explain"), done


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["expl"], ["explain", ":4"]),
        (["plan", "--fields", "s"], ["subset", ":4"]),
        (["rules", "zzz"], [":4"]),
        (["run", ""], [":0"]),
    ],
)
def test_what_kubectl_is_told(arguments, lines, capsys):
    assert completion.main(arguments) == 0
    assert [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()] == lines


@needs("kubectl")
def test_the_plugin_of_kubectl(programs):
    done = run(programs, "kubectl", "genreconcile", "plan", "--bogus")
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: kubectl genreconcile plan ")

    done = run(programs, "kubectl", "__complete", "genreconcile", "wa")
    assert done.stdout.startswith("wait\t")
    assert ":4" in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("version", "semantic"),
    [("0.1.0", "0.1.0"), ("1.2.3rc1", "1.2.3-rc.1"), ("0.2.0.dev4+g1", "0.2.0-dev.4"), ("1.0.0b2", "1.0.0-b.2")],
)
def test_krew_wants_semantic_versions(version, semantic):
    assert tool(ROOT / "tools/plugin/build.py").semantic(version) == semantic
