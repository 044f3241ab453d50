# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Launches job templates and workflows on the model of a controller, as AWX 24.6.1 does.

The relevant facts (awx/main/models/mixins.py, awx/main/models/workflow.py):

* The default of each question in a survey becomes an extra variable, even without an answer.
* A blank answer to a question for an integer is replaced by the default.
* A project that is updated on launch runs its newest revision, even in a workflow that waited for an approval.
* A node gets the values that the earlier nodes set, whether or not they succeeded.
* A workflow fails if a node fails and has no node to run on failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from awx.controller import Controller
from awx.jobs import Job


def extra_variables(
    survey: Mapping[str, Any], answers: Mapping[str, Any], handed_on: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the extra variables of a job: defaults, overridden by values of other nodes, overridden by answers."""
    questions = {question["variable"]: question for question in survey.get("spec", [])}
    asked = set(answers) - set(questions)
    assert not asked, f"a controller ignores variables that it does not ask for: {asked}"
    blank = {name for name, answer in answers.items() if answer == "" and questions[name]["type"] == "integer"}
    defaults = {
        name: question["default"] for name, question in questions.items() if question.get("default") is not None
    }
    return {**defaults, **handed_on, **{name: answer for name, answer in answers.items() if name not in blank}}


class Launcher:
    """Launches the templates on `controller`. The folders of jobs are below `folder`."""

    def __init__(self, controller: Controller, folder: Path, collection: Path) -> None:
        self.controller, self.folder, self.collection = controller, folder, collection
        self.jobs: list[Job] = []

    def job(
        self,
        name: str,
        answers: Mapping[str, Any] | None = None,
        handed_on: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> tuple[str, Job]:
        """Launch a job template, and return its status and the job."""
        things, template = self.controller.objects, self.controller.one("job_templates", name)
        project, inventory = things["projects"][template["project"]], things["inventories"][template["inventory"]]
        if project["scm_update_on_launch"]:
            self.controller.update(project)
        survey = self.controller.surveys.get(template["id"], {}) if template["survey_enabled"] else {}
        ids = self.controller.associated.get(("job_templates", template["id"], "credentials"), [])
        hosts = [host for host in things["hosts"].values() if host["inventory"] == inventory["id"]]
        job = Job(
            self.folder / f"job{len(self.jobs)}",
            self.collection,
            things["credentials"][ids[0]]["inputs"] if ids else {},
            {host["name"]: json.loads(host["variables"]) for host in hosts},
            playbook=template["playbook"],
            definitions=dict(self.controller.commits)[project["scm_revision"]],
            survey=extra_variables(survey, answers or {}, handed_on or {}),
            check=template["job_type"] == "check",
            revision=project["scm_revision"],
            variables_of_all=json.loads(inventory["variables"]),
            **more,
        )
        self.jobs.append(job)
        return job.run(), job

    def workflow(self, name: str, approve: Callable[[], bool]) -> tuple[str, dict[str, str]]:
        """Launch a workflow, and return its status and that of each node that ran. `approve` answers the approval."""
        workflow = self.controller.one("workflow_job_templates", name)
        nodes = {
            node["id"]: node
            for node in self.controller.objects["workflow_job_template_nodes"].values()
            if node["workflow_job_template"] == workflow["id"]
        }
        children = {child for node in nodes for how in ("success", "failure") for child in self._after(node, how)}
        (start,) = set(nodes) - children
        ended: dict[str, str] = {}
        handed_on: dict[str, Any] = {}
        failed, waiting = False, [start]
        while waiting:
            node = nodes[waiting.pop(0)]
            status = self._node(node, handed_on, approve)
            ended[node["identifier"]] = status
            following = self._after(node["id"], "success" if status == "successful" else "failure")
            failed |= status != "successful" and not following
            waiting += following
        return "failed" if failed else "successful", ended

    def _node(self, node: Mapping[str, Any], handed_on: dict[str, Any], approve: Callable[[], bool]) -> str:
        template = node["unified_job_template"]
        if template in self.controller.objects["workflow_approval_templates"]:
            return "successful" if approve() else "failed"
        name = self.controller.objects["job_templates"][template]["name"]
        status, job = self.job(name, node.get("extra_data"), handed_on)
        handed_on |= job.stats
        return status

    def _after(self, node: int, how: str) -> list[int]:
        return self.controller.associated.get(("workflow_job_template_nodes", node, f"{how}_nodes"), [])
