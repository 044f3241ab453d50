# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import Runtime
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.module_utils._work import usage as _usage
from ansible_collections.mstr.library.plugins.module_utils._work.usage import find_usage
from ansible_collections.mstr.library.tests.unit.support.make import DEFAULT_ID, ID, URL, refusal
from ansible_collections.mstr.library.tests.unit.support.strategies import ANY_JSON
from hypothesis import given

V1, V2 = "/metadataSearches/results", "/v2/metadataSearches/results"
NO_SUCH_CALL = refusal(404, "ERR004", "HTTP 404 Not Found")


class Server:
    """Projects by name, each with its scripts as {name: runtime id}. `refusals` by method and path."""

    base_url = URL

    def __init__(self, **projects):
        self.projects = projects
        self.refusals = {}
        self.requests = []
        self.first = V2
        self.counted = len
        self.page = lambda entries, offset, limit: entries[offset : offset + limit]
        self.subtype = 19457

    def get(self, path, params=None, *, doing, project=None):
        self._note(f"GET {path}", project)
        if path == "/projects":
            return [{"id": name, "name": name} for name in self.projects]
        if path == V1:
            assert params["searchId"] == f"search in {project}"
            return self.page(self._entries(project), params["offset"], params["limit"])
        runtime_id = self.projects[project][path.rpartition("/")[2]]
        return {"id": "x", **({} if runtime_id is None else {"scriptRuntimeId": runtime_id})}

    def send(self, method, path, body, *, doing, params, project, kind):
        assert (method, params, kind) == ("POST", {"type": 76, "domain": 2}, "read")
        assert body == ({} if path == V2 else None)
        self._note(f"POST {path}", project)
        if path != self.first and path == V2:
            raise NO_SUCH_CALL
        return {"id": f"search in {project}", "totalItems": self.counted(self._entries(project))}

    def _entries(self, project):
        return [{"id": name, "name": name, "subtype": self.subtype} for name in self.projects[project]]

    def _note(self, call, project):
        self.requests.append(call)
        error = self.refusals.get(f"{call} {project}" if project else call)
        if error:
            raise error


def found(usage):
    """The scripts by runtime."""
    by_runtime = {}
    for one in usage.scripts:
        by_runtime.setdefault(one.runtime_id, []).append(f"{one.project.name}/{one.name}")
    return by_runtime


def missing(usage):
    return [(one.project and one.project.name, one.script and one.script.name) for one in usage.unread]


@pytest.fixture
def server():
    return Server(Sales={"load": ID, "clean": None}, Finance={"close": ID}, Empty={})


@pytest.mark.parametrize("concurrency", [1, 4])
def test_every_script_of_every_project_with_its_runtime(server, concurrency):
    usage = find_usage(server, None, concurrency)
    assert found(usage) == {ID: ["Sales/load", "Finance/close"], DEFAULT_ID: ["Sales/clean"]}
    assert usage.unread == []
    # One list, a search for each project, a page where there is something to list, a read for each script.
    assert sorted(server.requests) == sorted(
        [
            "GET /projects",
            *[f"POST {V2}"] * 3,
            *[f"GET {V1}"] * 2,
            *[f"GET /scripts/{n}" for n in ("load", "clean", "close")],
        ]
    )


def test_only_the_projects_asked_for(server):
    usage = find_usage(server, ["Finance", "Slaes"], 4)
    assert found(usage) == {ID: ["Finance/close"]}
    assert missing(usage) == [("Slaes", None)]
    assert len(server.requests) == 4


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_older_release_is_asked_for_the_newer_search_once(server, concurrency):
    server.first = V1
    assert len(find_usage(server, None, concurrency).scripts) == 3
    assert server.requests.count(f"POST {V2}") == 1
    assert server.requests.count(f"POST {V1}") == 3


def test_several_projects_may_find_out_at_once_that_there_is_only_the_older_search(server):
    server.first = V1
    # The first project answers nothing of use, so that the version is still unknown when the others begin.
    server.refusals[f"POST {V2} Sales"] = refusal(500, "ERR001", "not loaded")
    usage = find_usage(server, None, 4)
    assert (found(usage), missing(usage)) == ({ID: ["Finance/close"]}, [("Sales", None)])


def test_a_release_without_any_search_is_unread(server):
    for name in server.projects:
        server.refusals[f"POST {V2} {name}"] = server.refusals[f"POST {V1} {name}"] = NO_SUCH_CALL
    assert missing(find_usage(server, None, 1)) == [("Empty", None), ("Finance", None), ("Sales", None)]


def test_a_refused_read_is_unread_and_the_others_are_read(server):
    server.refusals = {
        f"POST {V2} Finance": refusal(500, "ERR001", "The project is not loaded."),
        "GET /scripts/load Sales": refusal(403, "ERR0017", "no permission"),
    }
    usage = find_usage(server, None, 4)
    assert found(usage) == {DEFAULT_ID: ["Sales/clean"]}
    assert missing(usage) == [("Finance", None), ("Sales", "load")]
    assert "not loaded" in usage.unread[0].error.sentence


def test_a_script_that_is_not_there_any_more_is_unread(server):
    server.refusals["GET /scripts/load Sales"] = refusal(404, "ERR004", "no such object")
    assert missing(find_usage(server, None, 4)) == [("Sales", "load")]


def test_a_list_of_projects_that_is_refused_leaves_everything_unread(server):
    server.refusals["GET /projects"] = refusal(403, "ERR0014", "no")
    usage = find_usage(server, None, 4)
    assert (usage.scripts, missing(usage)) == ((), [(None, None)])


def test_a_script_with_an_invalid_runtime_id_is_unread(server):
    server.projects["Sales"]["load"] = "Etl"
    usage = find_usage(server, None, 4)
    assert missing(usage) == [("Sales", "load")]
    assert usage.unread[0].error.sentence == (
        "Could not read the script 'load' in project 'Sales': its runtime's id 'Etl' is invalid: "
        "expected 32 hexadecimal digits"
    )


def test_scripts_of_the_command_manager_are_not_read(server):
    server.subtype = 19456
    usage = find_usage(server, None, 4)
    assert (usage.scripts, usage.unread) == ([], [])
    assert not [one for one in server.requests if one.startswith("GET /scripts/")]


@pytest.mark.parametrize("page", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("counted", [len, lambda entries: None, lambda entries: "3"])
def test_every_page_is_read_whatever_its_size(monkeypatch, page, counted):
    server = Server(Sales={f"s{number}": ID for number in range(7)})
    server.counted = counted
    server.page = lambda entries, offset, limit: entries[offset : offset + min(limit, page)]
    monkeypatch.setattr(_usage, "_PAGE", 3)
    usage = find_usage(server, None, 4)
    assert sorted(one.name for one in usage.scripts) == [f"s{number}" for number in range(7)]
    assert usage.unread == []


def test_a_server_that_lists_the_same_page_for_ever_is_not_asked_for_ever():
    server = Server(Sales={"a": ID, "b": ID})
    server.counted = lambda entries: 9
    server.page = lambda entries, offset, limit: entries
    usage = find_usage(server, None, 4)
    assert len(usage.scripts) == 2
    assert usage.unread[0].error.sentence == "The search in the project 'Sales' counted 9 scripts but listed only 2."


def test_after_some_requests_without_an_answer_the_rest_is_not_tried():
    server = Server(Sales={f"s{number}": ID for number in range(50)})
    lost = ConnectError("nothing listens", request="GET x", refused=True)
    server.refusals = {f"GET /scripts/s{number} Sales": lost for number in range(50)}
    usage = find_usage(server, None, 1)
    assert len(usage.unread) == 50
    assert len([one for one in server.requests if one.startswith("GET /scripts/")]) == 5
    assert [one.error.sentence for one in usage.unread].count("nothing listens") == 5
    assert usage.unread[-1].error.sentence == (
        "Did not read the script 's9' in project 'Sales', because 5 earlier requests failed. "
        "The last error: nothing listens"
    )


def test_a_refusal_is_an_answer_and_the_rest_is_tried():
    server = Server(Sales={f"s{number}": ID for number in range(20)})
    server.refusals = {f"GET /scripts/s{number} Sales": refusal(403, "ERR0017") for number in range(10)}
    assert len(find_usage(server, None, 4).scripts) == 10


def test_a_signal_ends_the_look_up(server):
    server.refusals["GET /scripts/load Sales"] = Interrupted("Stopped by SIGTERM")
    with pytest.raises(Interrupted):
        find_usage(server, None, 4)


class FixedResponse:
    """A session that answers one thing where a project, a search, a page or a script belongs."""

    base_url = URL

    def __init__(self, place, response_data):
        self.place, self.response_data = place, response_data

    def get(self, path, params=None, **_how):
        if path == "/projects":
            return self.response_data if self.place == "projects" else [{"id": "P", "name": "Sales"}]
        if path == V1:
            return self.response_data if self.place == "page" else [{"id": "S", "name": "load"}]
        return self.response_data if self.place == "script" else {"scriptRuntimeId": ID}

    def send(self, *_call, **_how):
        return self.response_data if self.place == "search" else {"id": "1", "totalItems": 1}


@pytest.mark.parametrize("place", ["projects", "search", "page", "script"])
@given(response_data=ANY_JSON)
def test_any_json_is_scripts_or_unread(place, response_data):
    usage = find_usage(FixedResponse(place, response_data), None, 1)
    assert usage.scripts or usage.unread or response_data == []


def test_a_user_without_any_project_proves_nothing():
    usage = find_usage(Server(), None, 1)
    assert len(usage.unread) == 1
    assert usage.protection_faults([Runtime({"name": "r"}, ID)]) != []
