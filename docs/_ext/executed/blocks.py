"""No code without a run: a plain block of a language that can run is an error, but on pages that ``conf.py`` excepts.

Invariant: a block that the build does not run names the test that holds it, or says why none can.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

_log = logging.getLogger(__name__)
_TO_RUN = {"python", "console", "bash", "sh", "yaml", "json"}
EXECUTED = "executed"
"""The class of blocks that the build has run."""
_EXCERPT = "excerpt"


class Excerpt(SphinxDirective):
    """``{excerpt} language``: what the build does not run; ``:held-by:`` names tests, or ``:why:`` says why not."""

    has_content = True
    required_arguments = 1
    option_spec: ClassVar = {"held-by": directives.unchanged_required, "why": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """The block; an error where nothing stands for it, or a test that it names does not exist."""
        tests, root = self.options.get("held-by", "").split(), Path(self.env.srcdir).parent
        if not tests and not self.options.get("why"):
            raise self.error("an excerpt says which tests hold it (:held-by:), or why none can (:why:)")
        if missing := [test for test in tests if not (root / test).exists()]:
            raise self.error(f"no such test: {', '.join(missing)}")
        text = "\n".join(self.content)
        node = nodes.literal_block(text, text, language=self.arguments[0], classes=[_EXCERPT])
        self.set_source_info(node)
        return [node]


def check(doctree: nodes.document) -> None:
    """Warn for each block of this page that nobody runs."""
    for node in doctree.findall(nodes.literal_block):
        if node.get("language") in _TO_RUN and not {EXECUTED, _EXCERPT} & {*node["classes"]}:
            message = "a block of %s that nobody runs: use {example}, {console}, {file} or {excerpt}"
            _log.warning(message, node["language"], location=node)
