"""The directive ``gallery``: files of examples/, each with its text.

Invariant: what the page shows is the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_LANGUAGES: Final = {".py": "python", ".yaml": "yaml"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("gallery", Gallery)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


class Gallery(SphinxDirective):
    """``{gallery} path``: a file, or those of a folder."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A block for each file, under its name."""
        path = Path(self.env.srcdir).parent / self.arguments[0]
        files = sorted(file for file in path.rglob("*") if file.suffix in _LANGUAGES) if path.is_dir() else [path]
        return [self._block(file, str(file.relative_to(path if path.is_dir() else path.parent))) for file in files]

    def _block(self, file: Path, name: str) -> nodes.Node:
        self.env.note_dependency(str(file))
        text = file.read_text("utf-8").rstrip("\n")
        caption = nodes.caption(name, "", nodes.literal(name, name))
        block = nodes.literal_block(text, text, language=_LANGUAGES[file.suffix], classes=["executed"])
        return nodes.container("", caption, block, literal_block=True, classes=["literal-block-wrapper"])
