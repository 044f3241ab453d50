# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""mstr.library.controller on a real controller (`make test-controller`), in an organization of its own.

CONTROLLER_HOST, CONTROLLER_USERNAME, CONTROLLER_PASSWORD  where it is, and an administrator of it
CONTROLLER_VERIFY_SSL                                      as awx.awx takes it
MSTR_TEST_PROJECT_URL                                      a git repository that it can read; without it, none is
                                                           downloaded
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from awx.programs import environment
from awx.test_controller_playbook import STAGE, play, recap


@pytest.fixture
def variables() -> dict[str, Any]:
    """Names that nobody else has."""
    name = f"mstr.library test {secrets.token_hex(4)}"
    url = os.environ.get("MSTR_TEST_PROJECT_URL")
    return {
        "mstr_controller_organization": name,
        "mstr_controller_manage_organization": True,
        "mstr_controller_prefix": name,
        "mstr_controller_credential_type_name": name,
        "mstr_controller_execution_environment": {"image": "hub.example.com/mstr-library-ee:1.0"},
        "mstr_controller_project": {
            "scm_url": url or "https://git.example.com/definitions.git",
            "wait": bool(url),
        },
        "mstr_controller_stages": [STAGE, {**STAGE, "name": "production", "drift_rrule": ""}],
    }


@pytest.fixture
def env() -> dict[str, str]:
    theirs = {name: value for name, value in os.environ.items() if name.startswith("CONTROLLER_")}
    return environment(**theirs)


@pytest.fixture
def cleaned(tmp_path: Path, env: dict[str, str], variables: dict[str, Any]) -> Iterator[None]:
    """Nothing is left behind, whatever comes to pass."""
    yield
    output = play(tmp_path, env, variables, mstr_controller_state="absent")
    assert recap(output)["failed"] == 0, output


@pytest.mark.usefixtures("cleaned")
def test_twice_and_away(tmp_path: Path, env: dict[str, str], variables: dict[str, Any]) -> None:
    first = play(tmp_path, env, variables)
    assert recap(first)["failed"] == 0, first

    second = play(tmp_path, env, variables)
    assert recap(second)["failed"] == recap(second)["changed"] == 0, second

    for changes in (True, False):
        removal = play(tmp_path, env, variables, mstr_controller_state="absent")
        assert recap(removal)["failed"] == 0, removal
        assert (recap(removal)["changed"] > 0) == changes, removal
