# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.mstr.library.plugins.module_utils._work.runtime_info import (
    Request,
    find_runtimes,
    policy_line,
    read,
)
from ansible_collections.mstr.library.tests.unit.support.make import ID, stored
from ansible_collections.mstr.library.tests.unit.support.server import Server

ROW = {"id": ID, "option": "whitelist", "value": "*", "detail": "is not a CIDR block"}
UNREADABLE = {**ROW, "detail": "cannot be evaluated: it is not a CIDR block"}


@pytest.mark.parametrize(
    ("name", "identity", "complete", "warnings"),
    [
        (None, None, False, 1),
        (None, None, True, 0),
        ("r", None, False, 0),
        ("missing", None, False, 1),
        ("missing", None, True, 0),
        (None, ID, False, 0),
    ],
)
def test_list_without_default(name, identity, complete, warnings):
    """A list without the default runtime may be incomplete."""
    server = Server(stored())
    if not complete:
        server.switch(list_hides="(Default) MicroStrategy")
    find_runtimes(server.api, Request(name, identity, None, None), 1, warn=server.warnings.append)
    assert len(server.warnings) == warnings
    assert all("lacks its built-in default runtime, so it may be incomplete." in warning for warning in server.warnings)


@pytest.mark.parametrize(
    ("violations", "exempted", "not_evaluated", "text"),
    [
        ([], [], [], "no violations of the policy"),
        ([ROW], [], [], "1 violation of the policy"),
        ([ROW, {**ROW, "option": "b"}], [ROW], [ROW, ROW], "2 violations of the policy, 1 exempted, 2 not evaluated"),
        ([ROW, UNREADABLE], [], [], "1 violation of the policy"),
    ],
)
def test_policy_in_one_line(violations, exempted, not_evaluated, text):
    found = {"violations": violations, "exempted": exempted, "not_evaluated": not_evaluated}
    assert policy_line(found) == text


@pytest.mark.parametrize("status", ["Ready", "READY", "ready"])
def test_status_is_found_in_any_case(status):
    server = Server(stored(status=status), stored(id="A" * 32, status="busy"))
    assert ID in [found.id for found in find_runtimes(server.api, Request(None, None, "ready", None), 1)]


GONE = "D" * 32


@pytest.mark.parametrize(
    ("how", "dangling"),
    [
        ({}, ["Lost"]),
        ({"name": "r"}, ["Lost"]),
        ({"identity": ID}, ["Lost"]),
        ({"name": "missing"}, None),
        ({"include_scripts": False}, None),
        ({"include_tasks": True}, ["Lost"]),
    ],
)
def test_scripts_without_a_runtime(how, dangling):
    """A runtime that the list does not show still exists, and where no script is read, nothing is known."""
    hidden = stored(id="C" * 32, name="Hidden")
    server = Server(stored(), hidden, list_hides="Hidden")
    scripts = [{"name": name, "runtime": key} for name, key in (("Load", ID), ("Lost", GONE), ("Secret", "C" * 32))]
    server.core.projects.seed({"name": "Sales", "scripts": scripts})
    options = {"include_versions": False, "include_scripts": True, "include_tasks": False, "projects": None}
    options |= {"concurrency": 1, **{key: value for key, value in how.items() if key in options}}
    task = SimpleNamespace(
        session=server.session, params=options, progress=lambda text: None, warn=server.warnings.append
    )
    result = read(task, Request(how.get("name"), how.get("identity"), None, None))
    found = result["dangling"]
    assert (found and [script["name"] for script in found]) == dangling
    assert ("GET /projects" in server.requests) == (dangling is not None)
    assert all(
        script["runtime_id"] == GONE and ("tasks" in script) == options["include_tasks"] for script in found or ()
    )
