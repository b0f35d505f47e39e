"""Write share/: manual pages and completions of shells, from what click knows of the commands.

``python tools/share/write.py`` writes them. A wheel puts them below the prefix in which it is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from genreconcile.cli.app import group

FOLDER = Path(__file__).parents[2] / "share"
COMPLETIONS = {
    "bash": "bash-completion/completions/genreconcile",
    "zsh": "zsh/site-functions/_genreconcile",
    "fish": "fish/vendor_completions.d/genreconcile.fish",
}
_DATE = "2026-11-29"
"""The day on which the pages last changed: mandoc and man show one."""
_EXITS = (
    ("0", "Converged."),
    ("1", "Differences remain, objects failed, or are not ready."),
    ("2", "Usage, files, or an object that could not be judged."),
    ("3", "The cluster is unreachable, or refuses access."),
    ("4", "A guard refused to delete."),
    ("130", "Interrupted."),
)


def manual() -> dict[str, str]:
    """The text of each page by its path below ``share``."""
    found = {}
    for command, ctx in _commands(group, click.Context(group, info_name="genreconcile", **group.context_settings)):
        name = ctx.command_path.replace(" ", "-")
        found[f"man/man1/{name}.1"] = "\n".join(_page(command, ctx, name)) + "\n"
    return found


def completion(shell: str) -> str:
    """The script that a shell loads, as click writes it."""
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - click has these shells
    return made(group, {}, "genreconcile", "_GENRECONCILE_COMPLETE").source().strip() + "\n"


def _commands(command: click.Command, ctx: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """The command and those below it."""
    yield command, ctx
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None  # noqa: S101 - it is one of those listed
            yield from _commands(below, click.Context(below, info_name=name, parent=ctx, **below.context_settings))


def _page(command: click.Command, ctx: click.Context, name: str) -> Iterator[str]:
    yield f'.\\" Written by tools/share/write.py with click {version("click")}.'
    yield f'.TH {_escaped(name.upper())} 1 {_DATE} "genreconcile {version("genreconcile")}" "genreconcile manual"'
    yield from (".SH NAME", f"{_escaped(name)} \\- {_escaped(command.get_short_help_str(200).rstrip('.'))}")
    usage = " ".join(command.collect_usage_pieces(ctx))
    yield from (".SH SYNOPSIS", f".B {_escaped(ctx.command_path)}", _text(usage))
    yield ".SH DESCRIPTION"
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        yield from ([".PP"] if number else [])
        yield _text(" ".join(paragraph.split()))
    options = [record for record in (one.get_help_record(ctx) for one in command.get_params(ctx)) if record]
    if options:
        yield ".SH OPTIONS"
        for spelled, told in options:
            yield from (".TP", f".B {_escaped(spelled)}", _text(told))
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for below in command.list_commands(ctx):
            found = command.get_command(ctx, below)
            yield from (".TP", f".B {_escaped(below)}", _text(found.get_short_help_str(200) if found else ""))
    yield ".SH EXIT STATUS"
    for code, told in _EXITS:
        yield from (".TP", f".B {code}", _text(told))
    yield ".SH SEE ALSO"
    yield _see_also(command, ctx, name)


def _see_also(command: click.Command, ctx: click.Context, name: str) -> str:
    below = command.list_commands(ctx) if isinstance(command, click.Group) else []
    above = ctx.parent.command_path.replace(" ", "-") if ctx.parent else "kubectl"
    others = [above, *(f"{name}-{one}" for one in below)]
    lines = [f".BR {_escaped(one)} (1){',' if one != others[-1] else ''}" for one in others]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Text in which roff sees no command of its own."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("→", "\\(->")


def _text(text: str) -> str:
    """A line of text, which must not begin with a control character."""
    found = _escaped(text)
    return f"\\&{found}" if found[:1] in {".", "'"} else found


if __name__ == "__main__":
    for path, text in manual().items() | {path: completion(shell) for shell, path in COMPLETIONS.items()}.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text, "utf-8")
