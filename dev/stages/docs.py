# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation site."""

from __future__ import annotations

from dev import docs
from dev.stage import Job, Result, Stage


def _site(job: Job) -> Result:
    return Result.of(docs.build(job.scratch / "site", job.log))


SITE = Stage("docs site", _site, folder="docs/docsite", quick=True)
