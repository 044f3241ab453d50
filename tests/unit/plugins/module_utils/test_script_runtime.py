# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options and sentences. tests/faults has the requests, test_assignments the plan."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._options import all_option_errors
from ansible_collections.mstr.library.plugins.module_utils._work.script_runtime import (
    OPTIONS,
    request_from,
    summary_of_scripts,
)
from ansible_collections.mstr.library.tests.unit.support.make import ID, faults_of


def options(**given):
    return {**dict.fromkeys(OPTIONS), **given}


def script(**given):
    return {"id": None, "name": None, "project": "Sales", **given}


def test_ids_in_any_case():
    request = request_from(options(runtime_id=ID.lower(), scripts=[script(id=ID.lower())]))
    assert request.target_id == ID
    assert request.entries[0].id == ID


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
    ("moved", "already", "check_mode", "sentence"),
    [
        (12, 3, False, "12 scripts now use 'R', 3 already did."),
        (1, 0, False, "1 script now uses 'R'."),
        (2, 0, True, "2 scripts would use 'R'."),
        (0, 1, False, "1 script already uses 'R'."),
        (0, 0, False, "No script was assigned to 'R'."),
    ],
)
def test_summary_in_words(moved, already, check_mode, sentence):
    assert summary_of_scripts(moved, already, "R", check_mode) == sentence
