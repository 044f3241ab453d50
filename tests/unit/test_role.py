# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables that the role documents are those that it reads, and that an audit reads for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.mstr.library.plugins.action.mstr_audit import OPTIONS
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.modules import mstr_audit, mstr_runtimes

ROLE = Path(__file__).parents[2] / "roles" / "runtimes"


def read(path):
    return yaml.safe_load((ROLE / path).read_text())


@pytest.mark.parametrize("entry_point", ["main", "export"])
def test_no_variable_has_a_default_that_would_refuse_null(entry_point):
    options = read("meta/argument_specs.yml")["argument_specs"][entry_point]["options"]
    assert [name for name, spec in options.items() if "default" in spec or spec.get("required")] == []


def test_every_connection_variable_reaches_the_modules():
    options = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    connection = {name for name in options if not name.startswith("mstr_runtimes")}
    assert connection == {f"mstr_{option}" for option in read("vars/main.yml")["runtimes_connection"]}


def test_secrets_are_not_logged():
    options = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    secrets = {f"mstr_{name}" for name, option in auth.argument_spec().items() if option.get("no_log")}
    assert {name for name, option in options.items() if option.get("no_log")} == secrets


def test_every_option_of_the_module_is_passed_on():
    documented = yaml.safe_load(mstr_runtimes.DOCUMENTATION)
    [task] = [one for one in read("tasks/main.yml") if "mstr.library.mstr_runtimes" in one]
    options = set(read("meta/argument_specs.yml")["argument_specs"]["main"]["options"])
    passed_on = {f"mstr_runtimes_{name}" for name in task["mstr.library.mstr_runtimes"]}
    own = {"mstr_runtimes", *(f"mstr_runtimes_{name}" for name in (
        "backup_dest", "backup_exclude", "backup_scripts", "restore_scripts"))}  # fmt: skip
    assert set(documented["options"]) <= set(task["mstr.library.mstr_runtimes"])
    assert {name for name in options if name.startswith("mstr_runtimes")} - own == passed_on - {
        "mstr_runtimes_runtimes"
    }


def test_an_audit_compares_as_the_role_applies():
    """What only writes, or only an approval has, is of no use to an audit."""
    [task] = [one for one in read("tasks/main.yml") if "mstr.library.mstr_runtimes" in one]
    no_use = {"plan_id", "journal_comment", "wait", "wait_timeout", "wait_interval"}
    connection = set(read("vars/main.yml")["runtimes_connection"])
    options = set(yaml.safe_load(mstr_audit.DOCUMENTATION)["options"])
    assert set(task["mstr.library.mstr_runtimes"]) - no_use <= options | {"policy"}
    assert options | connection | {"policy"} == set(OPTIONS)
