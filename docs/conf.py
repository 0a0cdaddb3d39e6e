"""Sphinx: this folder as a site, and the reference made of docstrings: `sphinx-build -W --keep-going -n docs site`."""

import celeris

project = "Celeris"
author = "the Celeris authors"
copyright = author
version = release = celeris.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

default_role = "code"  # docstrings set code in single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
# Signatures name types of NumPy, of the standard library and of Celeris' inside, which have no pages here.
nitpick_ignore_regex = [
    ("py:class", r"(?!celeris\.(InferenceSession|Predictor|OrtValue|SessionOptions|RunOptions)$).*")
]

html_theme = "furo"
html_title = f"Celeris {version}"
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
