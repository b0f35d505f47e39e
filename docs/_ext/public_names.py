"""The public names: references to the module that defines one lead to its place in the reference, and none is missing.

Invariant: the reference of the Python API has each public name once, as users import it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

import genreconcile

_log = logging.getLogger(__name__)
_PUBLIC: frozenset[str] = frozenset(genreconcile.__all__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Resolve what Sphinx itself does not find, and look for what is missing."""
    app.connect("missing-reference", _resolved)
    app.connect("env-check-consistency", _check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _resolved(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.Node | None:
    if node.get("refdomain") != "py":
        return None
    target, name = node["reftarget"], node["reftarget"].rpartition(".")[2]
    if name in _PUBLIC:
        page = node.get("refdoc", env.docname)
        return env.get_domain("py").resolve_xref(env, page, app.builder, "obj", f"genreconcile.{name}", node, content)
    # An annotation of what users are handed and do not name.
    return content if node.get("py:module") and target.startswith("genreconcile.") else None


def _check(app: Sphinx, env: BuildEnvironment) -> Iterable[str] | None:
    del app
    for name in sorted(_PUBLIC - {full.removeprefix("genreconcile.") for full in env.get_domain("py").objects}):
        _log.warning("genreconcile.%s is public and not in docs/reference/python.md", name)
