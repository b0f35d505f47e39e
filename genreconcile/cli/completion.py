"""Completion for kubectl, which asks ``kubectl_complete-genreconcile`` what may follow ``kubectl genreconcile …``.

Invariant: nothing but choices goes to stdout, and the last line says how the shell is to go on.

Source: ``k8s.io/kubectl/pkg/cmd/plugin`` (``SetupPluginCompletion``) and ``ShellCompDirective`` of
``github.com/spf13/cobra``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

_FILES, _FOLDERS, _NO_FILES = 0, 16, 4
"""Go on with the names of files, with those of folders, with none."""
_DIRECTIVES: Final = {"file": _FILES, "dir": _FOLDERS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what may follow the arguments (``sys.argv`` by default), of which the last one is typed in part."""
    from click.shell_completion import ShellComplete

    from genreconcile.cli.app import group

    *before, typed = (sys.argv[1:] if arguments is None else arguments) or [""]
    found = ShellComplete(group, {}, "genreconcile", "").get_completions(before, typed)
    directives = [_DIRECTIVES[item.type] for item in found if item.type in _DIRECTIVES]
    lines = [f"{item.value}\t{item.help}" if item.help else item.value for item in found if item.type == "plain"]
    for line in [*lines, f":{directives[0] if directives else _NO_FILES}"]:
        sys.stdout.write(f"{line}\n")
    return 0
