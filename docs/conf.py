"""How Sphinx builds these pages: ``sphinx-build -W docs PLACE``."""

from __future__ import annotations

import tomllib
from pathlib import Path

_about = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = _about["name"]
release = _about["version"]
html_title = f"{project} {release}"

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3  # as on GitHub, so that links lead to the same place in both

html_theme = "furo"
html_copy_source = False
html_show_copyright = False
