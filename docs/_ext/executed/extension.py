"""What Sphinx is told of the examples of a build.

Invariant: no output stands in a source file; what a page shows below an example is what this build printed.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from executed import blocks
from executed.blocks import Excerpt
from executed.directives import Console, Example, File, Ground
from executed.session import begin, current


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives of docs/project/writing-docs.md."""
    ours = {"ground": Ground, "file": File, "example": Example, "console": Console, "excerpt": Excerpt}
    for name, directive in ours.items():
        app.add_directive(name, directive)
    app.add_config_value("pages_of_excerpts", {}, "env")
    app.connect("builder-inited", _begin)
    app.connect("doctree-read", _end_page)
    app.connect("build-finished", _end)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}


def _begin(app: Sphinx) -> None:
    begin(Path(app.srcdir).parent)


def _end_page(app: Sphinx, doctree: Any) -> None:
    sessions = current()
    sessions.end_page(app.env.docname)
    if not any(fnmatch(app.env.docname, page) for page in app.config.pages_of_excerpts):
        blocks.check(doctree)


def _end(app: Sphinx, error: Exception | None) -> None:
    sessions = current()
    sessions.close()
    sys.stdout.write(f"executed {sessions.executed} examples on {len(sessions.pages)} pages\n")
    if sessions.failed and error is None:
        sys.stdout.write(f"examples failed on {', '.join(sorted(sessions.failed))}\n")
        app.statuscode = 1
