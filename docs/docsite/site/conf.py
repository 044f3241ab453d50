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
html_js_files = ["site.js"]


def _start(app, docname, source):
    """Put our start page before the index of plugins on the page that antsibull-docs writes.

    The sidebar has the lists of that page in their order: the plugins come before the reference guides.
    """
    if docname == "index":
        _about, toctree, rest = source[0].partition(".. toctree::\n")
        guides, mark, plugins = rest.partition(".. _plugin_index")
        # Our page has a better list of the guides.
        guides = re.sub(r"^.+\n-+\n", "", guides, flags=re.MULTILINE).replace(":maxdepth:", ":hidden:\n    :maxdepth:")
        guides, reference, names = guides.rpartition(".. toctree::")
        start = Path(app.confdir, "_own", "start.rst").read_text()
        source[0] = f"{start}\n{toctree}{guides}{mark}{plugins}\n\n{reference}{names}"


def _without_role(app, pagename, templatename, context, doctree):
    """antsibull-docs writes an attribute that does not exist, and a link is no button."""
    context["body"] = context.get("body", "").replace(' aria-role="button"', "")


def setup(app):
    app.connect("source-read", _start)
    app.connect("html-page-context", _without_role)
