# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CI workflow splits `make test` into jobs, and every stage belongs to one of them."""

from __future__ import annotations

from pathlib import Path

import yaml

from dev import envs, stages
from dev.stages import wanted

WORKFLOW = Path(__file__).parents[2] / ".github" / "workflows" / "test.yml"


def test_every_stage_belongs_to_exactly_one_job() -> None:
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["test"]
    patterns = job["strategy"]["matrix"]["only"]

    jobs_of = {stage.name: [one for one in patterns if wanted(stage, one, "")] for stage in stages.ALL}

    assert {name: found for name, found in jobs_of.items() if len(found) != 1} == {}
    assert "make test ARGS=\"--only '${{ matrix.only }}'\"" in [step.get("run") for step in job["steps"]]


def test_the_workflow_installs_all_pythons_of_the_tool() -> None:
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["test"]
    [setup] = [step for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python")]

    # The tool looks for 3.14 and reports it as missing. The README says so.
    assert set(setup["with"]["python-version"].split()) == set(envs.KNOWN) - {"3.14"}
