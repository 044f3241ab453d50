# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options, sentences, and what no fault of a server shows. tests/faults has the requests."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from ansible_collections.mstr.library.plugins.module_utils._options import all_option_errors
from ansible_collections.mstr.library.plugins.module_utils._work.script_runtime import (
    OPTIONS,
    Assignment,
    _summary,
    request_from,
)
from ansible_collections.mstr.library.plugins.module_utils._work.script_usage import Project, SavedScript
from ansible_collections.mstr.library.tests.unit.support.make import ID, OTHER_ID, faults_of, stored
from ansible_collections.mstr.library.tests.unit.support.server import Server


def options(**given):
    return {**dict.fromkeys(OPTIONS), **given}


def script(**given):
    return {"id": None, "name": None, "project": "Sales", **given}


def test_ids_in_any_case():
    request = request_from(options(runtime_id=ID.lower(), scripts=[script(id=ID.lower())]))
    assert request.target_id == ID
    assert request.named[0].id == ID


def test_a_text_in_place_of_a_script_is_refused_with_what_to_write():
    assert all_option_errors(OPTIONS, {"scripts": ["Close"]}) == [
        "scripts[0] 'Close' is not a mapping of options; write {name: Close, project: …}"
    ]


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        (
            {"runtime": " ", "from_runtime_id": "x"},
            ["from_runtime_id: id 'x' is invalid: expected 32 hexadecimal digits", "runtime is empty"],
        ),
        ({"runtime": "a", "scripts": []}, ["scripts is empty, so there is nothing to assign"]),
        ({"runtime": "a", "scripts": [script()]}, ["scripts[0] needs an id or a name"]),
        ({"runtime": "a", "scripts": [script(name="b", project=" ")]}, ["scripts[0].project is empty"]),
        (
            {"runtime": "a", "scripts": [script(name="b"), script(name="c"), script(name="b")]},
            ["scripts[2] is the same script as scripts[0]; list it once"],
        ),
        (
            {"runtime": "a", "from_runtime": "b", "projects": []},
            ["projects is empty, so no script would be found; omit it to search every project"],
        ),
        (
            {"runtime_id": ID, "from_runtime_id": ID.lower()},
            [f"the scripts of '{ID}' cannot be assigned to '{ID}' itself"],
        ),
    ],
)
def test_options_are_refused_together_and_with_their_place(given, faults):
    assert faults_of(request_from, options(**given)) == tuple(faults)


@pytest.mark.parametrize(
    ("moved", "already", "would", "sentence"),
    [
        (12, 3, "", "12 scripts now use 'R', 3 already did."),
        (1, 0, "", "1 script now uses 'R'."),
        (2, 0, "would use", "2 scripts would use 'R'."),
        (0, 1, "", "1 script already uses 'R'."),
        (0, 0, "", "No script was assigned to 'R'."),
    ],
)
def test_the_summary_in_words(moved, already, would, sentence):
    assert _summary(moved, already, "R", would) == sentence


@pytest.mark.parametrize("now", [ID, "C" * 32, OTHER_ID])
def test_a_script_that_was_assigned_elsewhere_since_the_search_is_left_alone(now):
    server = Server()
    saved = {"name": "s", "id": "5" * 32, "runtime": now}
    project = server.core.projects.seed({"name": "Sales", "scripts": [saved]})
    found = SavedScript(Project(project, "Sales"), "5" * 32, "s", runtime_id=ID)
    move = Assignment(server.context(), server.session, from_api(stored(id=OTHER_ID, name="New"))).attempt(found)
    assert [one["scriptRuntimeId"] for one in server.sent] == ([OTHER_ID] if now == ID else [])
    assert move.action == {ID: "moved", OTHER_ID: "none"}.get(now, "failed")
    if move.error:
        why = f"Somebody assigned {now} to it."
        assert (move.error.sentence, move.script.runtime_id) == (why, now)
