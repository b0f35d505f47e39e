"""How Sphinx builds the site: ``make docs``."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "genreconcile"
author = "The genreconcile authors"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's name
version = release = version_of("genreconcile")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_click",
    "sphinx_copybutton",
    "executed.extension",
    "gallery",
    "json_schema",
    "tree_links",
    "public_names",
]
exclude_patterns = ["_build", "_ext", "**/.*"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "substitution"]
myst_heading_anchors = 4
myst_substitutions = {"version": release}
myst_links_external_new_tab = False

nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!genreconcile\b).*"),  # Of other projects; nothing is fetched to build the site.
]

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
add_module_names = False

smartquotes = False  # Docstrings quote values.

html_theme = "furo"
html_title = f"genreconcile {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"
copybutton_only_copy_prompt_lines = True
copybutton_remove_prompts = True
copybutton_selector = "div.highlight:not(.output) pre"

# Pages (with *) whose plain blocks the build does not run, and who holds them.
pages_of_excerpts = {
    "decisions/*": "excerpts of the time at which it was decided; tests/unit/test_figures.py holds their figures",
    "project/contributing": "tests/faults",
}
