# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.modules.mstr_runtime_info import Request, find, message
from ansible_collections.mstr.library.tests.unit.support.make import ID, stored
from ansible_collections.mstr.library.tests.unit.support.server import Server


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
def test_a_list_without_the_default_runtime_is_not_believed(name, identity, complete, warnings):
    server = Server(stored())
    if not complete:
        server.switch(list_hides="(Default) MicroStrategy")
    find(server.api, Request(name, identity, None, None), 1, warn=server.warnings.append)
    assert len(server.warnings) == warnings
    assert all("lacks its built-in default runtime, so it may be incomplete." in one for one in server.warnings)


@pytest.mark.parametrize(
    ("number", "violations", "text"),
    [
        (0, None, "No runtimes found."),
        (1, None, "1 runtime found."),
        (12, [], "12 runtimes found, with no violations of the policy."),
        (2, [{}], "2 runtimes found, with 1 violation of the policy."),
    ],
)
def test_the_result_in_one_line(number, violations, text):
    assert message(number, violations) == text
