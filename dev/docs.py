# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation site with antsibull-docs and Sphinx, offline: modules, filter, role and guides."""

from __future__ import annotations

import shutil
from pathlib import Path

from dev import collection, envs, proc
from dev.envs import variables
from dev.paths import ROOT
from dev.stage import Job, Result, Stage

# Ansible's own documentation is not available offline, so references to it stay plain text. tests/plays checks the
# references to pages of this collection.
_OFFLINE = """
intersphinx_mapping = {}
suppress_warnings = ["ref.ref"]
project = html_short_title = title = "mstr.library"
copyright = "mstr.library contributors"
html_static_path = ["_own"]
html_css_files = ["tables.css"]
"""

# The theme does not wrap the text of a cell: a phone would show only one and a half columns of a table.
_TABLES = """
.wy-table-responsive table td, .wy-table-responsive table th { white-space: normal; min-width: 5.5em; }
@media screen and (max-width: 600px) {
  .rst-content .wy-table-responsive table.docutils :is(td, th) { padding: 4px 5px; font-size: 75%; min-width: 4em; }
  .wy-table-responsive table td code { white-space: normal; overflow-wrap: anywhere; }
}
"""


def build(site: Path, log: Path) -> int:
    """Build the site into a new folder, with warnings as errors, and return the exit status."""
    env = envs.ensure("docs", ("3.13", "3.12"))
    env_vars = variables(env.bin, ANSIBLE_COLLECTIONS_PATH=collection.tree().parents[2])
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    site.chmod(0o755)
    # The guides name their pictures relative to docs/docsite/rst; Sphinx looks for them relative to its source folder.
    shutil.copytree(ROOT / "docs" / "images", site / "images")
    init = ("sphinx-init", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", site)
    status = proc.run(env.bin / "antsibull-docs", *init, "mstr.library", log=log, env=env_vars)
    if status == 0:
        with (site / "conf.py").open("a") as conf:
            conf.write(_OFFLINE)
        (site / "_own").mkdir()
        (site / "_own" / "tables.css").write_text(_TABLES)
        status = proc.run("bash", site / "build.sh", log=log, cwd=site, env=env_vars)
    return status


def html(site: Path) -> Path:
    """Return the start page of the site."""
    return site / "build" / "html" / "index.html"


def _site(job: Job) -> Result:
    return Result.of(build(job.scratch / "site", job.log))


SITE = Stage("docs site", _site, folder="docs/docsite", quick=True)
