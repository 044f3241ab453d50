# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A null, as a template makes it of a variable without a value, leaves an option at its default: in both ways."""

from __future__ import annotations

from typing import Any

import pytest
from simulator.harness import Simulator

from environments.playing import Play

_CONNECTION = {option: f"{{{{ mstr_{option} }}}}" for option in ("base_url", "username", "password")}
_NULLS = {
    "mstr_runtimes": "purge purge_exclude purge_limit concurrency wait_timeout wait_interval policy protect_used src",
    "mstr_runtime": "state whitelist purge_whitelist wait wait_timeout wait_interval policy protect_used",
    "mstr_runtime_info": "include_scripts include_versions projects status concurrency policy",
    "mstr_script_run": "run_timeout runtime runtime_id",
    "mstr_probe": "scripts reach wait_timeout cleanup",
}
_GIVEN: dict[str, dict[str, Any]] = {
    "mstr_runtimes": {"runtimes": [{"name": "a"}], "wait": True},
    "mstr_runtime": {"name": "a"},
    "mstr_script_run": {"code": "print(1)"},
}


@pytest.mark.parametrize("in_process", [True, False])
def test_a_null_is_an_option_that_is_not_given(play: Play, servers: list[Simulator], in_process: bool) -> None:
    play.hosts = {"env0": play.hosts["env0"]}
    tasks = [
        {f"mstr.library.{module}": {**_CONNECTION, **dict.fromkeys(nulls.split()), **_GIVEN.get(module, {})}}
        for module, nulls in _NULLS.items()
    ]
    plays = [{"hosts": "all", "gather_facts": False, "vars": {"mstr_in_process": in_process}, "tasks": tasks}]
    played = play.run(play.command(str(play.write("nulls.json", plays))))
    assert played.status == 0, played.output
