# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task that calls a controller matches the argument specs of the real awx.awx.

The tests find the module's name in `action: "{{ controller_collection }}.NAME"`. test_controller_playbook.py checks the
values of the options, because it runs the modules.
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
# The types of options, and the types of their literal values in YAML.
LITERALS = {"str": str, "bool": bool, "int": int, "dict": dict, "list": list}


class Loader(yaml.SafeLoader):
    """Reads a value with the tag !unsafe as text."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def tasks(things: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for thing in things:
        yield thing
        for part in ("block", "rescue", "always"):
            yield from tasks(thing.get(part, []))


@pytest.fixture(scope="module")
def calls() -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, module and options of each such task."""
    folder = Path(__file__).parents[2] / "roles" / "controller" / "tasks"
    every = [task for path in folder.glob("*.yml") for task in tasks(yaml.load(path.read_text(), Loader))]
    found = [(task["name"], CALL.match(task.get("action", "")), task) for task in every]
    return [(name, match[1], task["args"]) for name, match, task in found if match]


@pytest.fixture(scope="module")
def specs(calls: list[tuple[str, str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return the documented options of the modules, by the module's name."""
    modules = sorted({f"awx.awx.{module}" for _, module, _ in calls})
    documentation = json.loads(run("ansible-doc", "--json", "--type", "module", *modules).stdout)
    return {module: documentation[f"awx.awx.{module}"]["doc"]["options"] for module in (m[8:] for m in modules)}


def test_all_kinds_of_created_objects_are_removed(calls: list[tuple[str, str, dict[str, Any]]]) -> None:
    made = {module for _, module, options in calls if options.get("state") != "absent"}
    removed = {module for _, module, options in calls if "state" in options}

    assert made - removed == {"workflow_job_template_node"}, "these are deleted with their workflow"
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


def test_every_option_exists_in_the_module(
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


def test_ansible_controller_can_replace_awx_awx(calls: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Only the variable contains the name of a collection."""
    folder = Path(__file__).parents[2] / "roles" / "controller"
    texts = [path.read_text() for part in ("tasks", "vars") for path in (folder / part).glob("*.yml")]
    named = [
        line for text in texts for line in text.splitlines() if re.search(r"(awx\.awx|ansible\.controller)\b", line)
    ]

    assert named == ["controller_collection: \"{{ mstr_controller_collection | default('awx.awx') }}\""]
