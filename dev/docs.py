# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation site with antsibull-docs and Sphinx, offline: modules, filter, role and guides."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from dev import collection, envs, proc
from dev.envs import variables
from dev.paths import ROOT, RUN
from dev.runner import Job, Result, Stage

_OURS = ROOT / "docs" / "docsite" / "site"  # settings and styles beside those of antsibull-docs
_building = threading.Lock()


def build(site: Path, log: Path) -> Path:
    """Build the site into a new folder, with warnings as errors, and return its start page."""
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
            conf.write((_OURS / "conf.py").read_text())
        shutil.copytree(_OURS, site / "_own")
        status = proc.run("bash", site / "build.sh", log=log, cwd=site, env=env_vars)
    if status:
        raise envs.Failed("the documentation site could not be built", log)
    return site / "build" / "html" / "index.html"


def site() -> Path:
    """Return the start page of the site, which is built once per run."""
    with _building:
        start = RUN / "site" / "build" / "html" / "index.html"
        return start if start.exists() else build(RUN / "site", proc.new_log("docs-site-build"))


def _site(job: Job) -> Result:
    job.log.write_text(f"{site()}\n")
    return Result(1)


SITE = Stage("docs site", _site, folder="docs/docsite", quick=True)
