"""What a run that was interrupted anywhere leaves of an approved plan can be applied with the same file."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports.environment import environment_report
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from ansible_collections.mstr.library.plugins.plugin_utils._reports.plan_file import plan_of, plan_text, refusal
from ansible_collections.mstr.library.tests.unit.support.make import stored
from ansible_collections.mstr.library.tests.unit.support.many import run, waits
from ansible_collections.mstr.library.tests.unit.support.server import Server, killed_before

WANTED = (
    {"name": "A", "exec_timeout": 900},
    {"name": "New", "exec_timeout": 60},
    {"name": "Gone", "state": "absent"},
    {"name": "R", "runtime_version": "3.12.1", "replace_on_change": ["runtime_version"], "smoke_test": "import os"},
)


def server():
    names = {"A": "A" * 32, "Gone": "B" * 32, "R": "C" * 32, "Old": "D" * 32}
    have = Server(*(stored(name=name, id=identity) for name, identity in names.items()))
    have.seed_scripts(load="C" * 32)
    return have


def planned(have):
    how = {**waits(have), "wait": None, "concurrency": 1}
    checked = run(have, *WANTED, check_mode=True, purge=True, **how)
    return environment_report(Sources("prod", checked, check_mode=True))


@pytest.mark.parametrize("moment", range(60))
def test_what_left_after_interruption(moment):
    have = server()
    approved = plan_of(plan_text([planned(have)], "now"), "prod")
    assert approved["runtimes"][3]["smoke_test"] == "import os"
    how = {**waits(have), "wait": None, "concurrency": 1}
    killed_before(have, moment, lambda: run(have, *WANTED, purge=True, **how))
    assert refusal(approved, planned(have)) is None
