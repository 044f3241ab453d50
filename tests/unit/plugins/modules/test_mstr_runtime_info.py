from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.mstr.library.plugins.module_utils._work.runtime_info import (
    Query,
    find_runtimes,
    policy_line,
    read,
)
from ansible_collections.mstr.library.tests.unit.support.make import ID, refusal, stored
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
    find_runtimes(server.context(), Query(name, identity, None, None))
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
    assert ID in [found.id for found in find_runtimes(server.context(), Query(None, None, "ready", None))]


def info(server, name=None, identity=None, **options):
    """What mstr_runtime_info returns with its scripts."""
    params = {"include_versions": False, "include_scripts": True, "include_tasks": False, "projects": None}
    params["include_installed"] = False
    params |= {"name": name, "id": identity, "status": None}
    task = SimpleNamespace(
        session=server.session,
        params={**params, "concurrency": 1, "retries": 0, **options},
        progress=lambda text: None,
        warn=server.warnings.append,
        stop=server,
        check_mode=False,
    )
    return read(task, Query(name, identity, None, None))


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
    found = info(server, **how)["dangling"]
    assert (found and [script["name"] for script in found]) == dangling
    assert ("GET /projects" in server.requests) == (dangling is not None)
    assert all(
        script["runtime_id"] == GONE and ("tasks" in script) == ("include_tasks" in how) for script in found or ()
    )


@pytest.mark.parametrize(
    ("refused", "starts", "ends"),
    [
        ([], "", ""),
        (["GET /tasks"], "The planned tasks and last runs are incomplete. Could not", "."),
        (["GET /scripts/LOAD"], "The scripts are incomplete, so a runtime without scripts may still be used. ", "."),
        (["GET /scripts/LOAD", "GET /scripts/CLOSE"], "The scripts", " The result lists 1 more under unread."),
        (["GET /tasks", "GET /scripts/LOAD"], "The scripts", " The result lists 1 more under unread."),
    ],
)
def test_one_warning_of_what_is_unread(refused, starts, ends):
    server = Server(stored())
    server.seed_scripts(load=ID, close=ID, other=ID)
    server.refusals = dict.fromkeys(refused, refusal(403, "ERR0017", "no"))
    info(server, include_tasks=True)
    assert len(server.warnings) == bool(refused)
    for warning in server.warnings:
        assert warning.startswith(starts)
        assert warning.endswith(ends)
