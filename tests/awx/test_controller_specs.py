# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task that talks to a controller fits the argument specs of the real awx.awx.

The modules are found by the name behind the variable, in `action: "{{ controller_collection }}.NAME"`. What values they
get when the playbook runs is seen by test_controller_playbook.py, which hands them to the modules themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from awx.programs import run

CALL = re.compile(r"\{\{ controller_collection \}\}\.(\w+)")
# The types of options, and of what YAML makes of literal values.
LITERALS = {"str": str, "bool": bool, "int": int, "dict": dict, "list": list}


class Loader(yaml.SafeLoader):
    """Takes a text that Ansible is not to fill in for a text."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def tasks(things: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for thing in things:
        yield thing
        for part in ("block", "rescue", "always"):
            yield from tasks(thing.get(part, []))


@pytest.fixture(scope="module")
def calls() -> list[tuple[str, str, dict[str, Any]]]:
    """Name, module and options of each such task."""
    folder = Path(__file__).parents[2] / "roles" / "controller" / "tasks"
    every = [task for path in folder.glob("*.yml") for task in tasks(yaml.load(path.read_text(), Loader))]
    found = [(task["name"], CALL.match(task.get("action", "")), task) for task in every]
    return [(name, match[1], task["args"]) for name, match, task in found if match]


@pytest.fixture(scope="module")
def specs(calls: list[tuple[str, str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The documented options of the modules, by the module's name."""
    modules = sorted({f"awx.awx.{module}" for _, module, _ in calls})
    documentation = json.loads(run("ansible-doc", "--json", "--type", "module", *modules).stdout)
    return {module: documentation[f"awx.awx.{module}"]["doc"]["options"] for module in (m[8:] for m in modules)}


def test_all_kinds_of_objects_are_made_and_all_are_removed(calls: list[tuple[str, str, dict[str, Any]]]) -> None:
    made = {module for _, module, options in calls if options.get("state") != "absent"}
    removed = {module for _, module, options in calls if "state" in options}

    assert made - removed == {"workflow_job_template_node"}, "these go with their workflow"
    assert made == {
        "credential",
        "credential_type",
        "execution_environment",
        "host",
        "inventory",
        "job_template",
        "organization",
        "project",
        "role",
        "schedule",
        "workflow_job_template",
        "workflow_job_template_node",
    }


def test_every_option_is_one_that_the_module_has(
    calls: list[tuple[str, str, dict[str, Any]]], specs: dict[str, dict[str, Any]]
) -> None:
    faults = []
    for name, module, options in calls:
        spec = specs[module]
        faults += [f"{name}: {module} has no {option}" for option in options if option not in spec]
        faults += [
            f"{name}: {module} needs {option}"
            for option in spec
            if spec[option].get("required") and option not in options
        ]
        faults += [
            f"{name}: {option} {value!r} does not fit"
            for option, value in options.items()
            if option in spec and not _fits(value, spec[option])
        ]
    assert faults == []


def _fits(value: Any, spec: dict[str, Any]) -> bool:
    if isinstance(value, str) and "{{" in value:
        return True
    if value not in (spec.get("choices") or [value]):
        return False
    return isinstance(value, LITERALS.get(spec.get("type", "str"), object))


def test_ansible_controller_is_asked_for_the_same(calls: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Nothing but the variable names a collection."""
    folder = Path(__file__).parents[2] / "roles" / "controller"
    texts = [path.read_text() for part in ("tasks", "vars") for path in (folder / part).glob("*.yml")]
    named = [
        line for text in texts for line in text.splitlines() if re.search(r"(awx\.awx|ansible\.controller)\b", line)
    ]

    assert named == ["controller_collection: \"{{ mstr_controller_collection | default('awx.awx') }}\""]
