# Follows the conf.py of antsibull-docs. Ansible's own documentation is not available offline, so references to it stay
# plain text. tests/plays checks the references to pages of this collection.

import re
from pathlib import Path

intersphinx_mapping = {}
suppress_warnings = ["ref.ref"]
project = html_short_title = title = "mstr.library"
copyright = "mstr.library contributors"
html_static_path = ["_own"]
html_css_files = ["site.css"]


def _start(app, docname, source):
    """Put our start page before the index of plugins on the page that antsibull-docs writes."""
    if docname == "index":
        _about, toctree, rest = source[0].partition(".. toctree::\n")
        guides, mark, plugins = rest.partition(".. _plugin_index")
        # The sidebar needs the lists of guides; our page has a better one.
        guides = re.sub(r"^.+\n-+\n", "", guides, flags=re.MULTILINE).replace(":maxdepth:", ":hidden:\n    :maxdepth:")
        start = Path(app.confdir, "_own", "start.rst").read_text()
        source[0] = f"{start}\n{toctree}{guides}{mark}{plugins}"


def setup(app):
    app.connect("source-read", _start)
