"""No code without a run: a plain block of Python or of a terminal is an error, but on pages whose blocks tests run.

Invariant: a page is in the list with the test that runs its blocks, or has none.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.util import logging

_log = logging.getLogger(__name__)
_TO_RUN = {"python", "console"}
EXECUTED = "executed"
"""The class of blocks that the build has run."""


def check(doctree: nodes.document) -> None:
    """Warn for each block of this page that nobody runs."""
    for node in doctree.findall(nodes.literal_block):
        if node.get("language") in _TO_RUN and EXECUTED not in node["classes"]:
            _log.warning("a block of %s that nobody runs: use {example} or {console}", node["language"], location=node)
