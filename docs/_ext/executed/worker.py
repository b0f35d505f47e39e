"""A process of its own for the Python of one page: reads programs, one JSON document a line, and answers likewise.

Invariant: all programs of a page share one namespace; stdout of this process carries answers alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback
from typing import Any


def main() -> None:
    """Answer until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # What C code or a child process prints must not stand between answers.
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as python itself does it
    namespace: dict[str, Any] = {"__name__": "__page__"}
    for line in sys.stdin:
        asked = json.loads(line)
        answers.write(json.dumps(_run(asked["path"], asked["name"], namespace)) + "\n")
        answers.flush()


def _run(path: str, name: str, namespace: dict[str, Any]) -> dict[str, str]:
    out, err, raised, trace = io.StringIO(), io.StringIO(), "", ""
    namespace["__name__"] = name
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a fast start
        source = file.read()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            exec(compile(source, path, "exec"), namespace)  # noqa: S102 - the project's own pages
        except BaseException as error:  # noqa: BLE001 - also SystemExit is an outcome
            raised = type(error).__name__
            trace = "".join(traceback.format_exception(error))
    return {"out": out.getvalue(), "err": err.getvalue(), "raised": raised, "trace": trace}


if __name__ == "__main__":
    main()
