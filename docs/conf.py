"""How Sphinx builds the site: `.ci/docs`, with every warning an error."""

from __future__ import annotations

import sys
from pathlib import Path

import nassearch

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "nassearch"
author = "The nassearch authors"
copyright = author
version = release = nassearch.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "docstrings",
    "parts",
    "public",
]
exclude_patterns = ["_build"]
templates_path: list[str] = []

# Pages are Markdown that also reads well where it is not built; headings are addresses, as on GitHub.
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
# Examples of output are no language, and a shell's session is coloured by nothing that a reader needs.
highlight_language = "none"

# Docstrings: one backtick is code, as in Markdown. Types stand in signatures, where the reader needs them.
default_role = "code"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Moves", "params_style")]

# Every reference to a public name has to lead somewhere (-n). Signatures name types of other libraries too, and some of
# ours that are not public.
nitpick_ignore_regex = [("py:.*", r"(?!nassearch\.(\w+\.)?\w+$).*")]

# A part can be public under two names, `nassearch.NassearchError` and that of `nassearch.errors`: either will do.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = "nassearch"
html_show_sphinx = False
html_copy_source = False
