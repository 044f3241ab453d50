# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._work.runtime_info import Request, find_runtimes, policy_line
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
    assert all("lacks its built-in default runtime, so it may be incomplete." in one for one in server.warnings)


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
