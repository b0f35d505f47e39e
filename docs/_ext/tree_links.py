"""Links of a page to files of the tree that are no pages: to the page of the site that shows them.

Invariant: one and the same link is right in the tree, where it is read as a file, and in the site. Where no page shows
the file, the site has its text without a link.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

from sphinx.application import Sphinx

_LINK = re.compile(r"\[(?P<text>[^\[\]]*)\]\((?!\w+:|#)(?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
FILES: Final = {
    "project/architecture": "ARCHITECTURE.md",
    "project/benchmarks": "benchmarks/README.md",
    "project/peers": "benchmarks/peers/README.md",
    "project/changelog": "CHANGELOG.md",
    "project/contributing": "CONTRIBUTING.md",
    "project/security": "SECURITY.md",
}
"""Pages whose text is that of a file outside docs/."""
_INDEX: Final = "decisions/README"
_SHOWN: Final = {
    "README.md": "explanation/objects.md",
    **{file: f"{page}.md" for page, file in FILES.items()},
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen to each page that is read."""
    app.connect("source-read", _rewrite)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _rewrite(app: Sphinx, page: str, source: list[str]) -> None:
    root = Path(app.srcdir).parent
    folder = Path(app.env.doc2path(page)).parent
    origin = folder
    if page in FILES:
        file = root / FILES[page]
        app.env.note_dependency(str(file))
        source[0], origin = file.read_text("utf-8"), file.parent
    if page == _INDEX:
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n0*\n```\n"
    source[0] = _LINK.sub(lambda found: _link(found, origin, folder, root), source[0])


def _link(found: re.Match[str], origin: Path, folder: Path, root: Path) -> str:
    target = _target(found["path"], origin, folder, root)
    if target is None:
        return found["text"]
    anchor = "" if "#" in target else found["anchor"] or ""
    return f"[{found['text']}]({target}{anchor})"


def _target(link: str, origin: Path, folder: Path, root: Path) -> str | None:
    """The target in the site; None where no page shows the file."""
    path = Path(os.path.normpath(origin / link))
    if not path.is_relative_to(root):
        return link
    in_tree = path.relative_to(root)
    if in_tree.parts[:1] == ("docs",):
        shown = path if path.suffix or not path.is_dir() else path / "README.md"
        return os.path.relpath(shown, folder)
    if not path.exists():
        return link
    if in_tree.parts[:1] == ("examples",):
        shown = os.path.relpath(root / "docs/examples.md", folder)
        name = in_tree.parts[2] if in_tree.parts[1:2] == ("operators",) and len(in_tree.parts) > 2 else in_tree.stem
        return f"{shown}#{name.replace('_', '-')}"
    if (shown_as := _SHOWN.get(str(in_tree))) is None:
        return None
    return os.path.relpath(root / "docs" / shown_as, folder)
