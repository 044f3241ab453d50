"""The variables that a user may set, and what the role documents of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.mstr.library.plugins.module_utils._work.audit import AUDIT_OPTIONS
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks import variables

ROOT = Path(__file__).parents[4]
PAGES = sorted(page for folder in ("playbooks", "roles") for page in ROOT.glob(f"{folder}/**/*.yml"))
ROLE = yaml.safe_load((ROOT / "roles/runtimes/meta/argument_specs.yml").read_text("utf-8"))["argument_specs"]
COMPARED = ["purge", "purge_exclude", "purge_limit", "protect_used", "projects", "policy", "exemptions"]
OF_APPLY = ["plan_id", "wait", "wait_timeout", "journal_comment", "backup_dest"]
OF_ROLE = ["mstr_runtimes", *(f"mstr_runtimes_{name}" for name in ("src", *COMPARED, *OF_APPLY))]
OF_EXPORT = ["mstr_export_dest", "mstr_export_upgrade"]
OF_PLAYBOOKS = [
    *("mstr_runtimes_plan_ids", "mstr_report_dest", "mstr_plan_dest", "mstr_plan_src", "mstr_probe_dest"),
    *("mstr_audit_scripts", "mstr_audit_installed", "mstr_fail_on_violation", "mstr_fail_on_drift"),
    *("mstr_in_process", *OF_EXPORT),
]


def test_these_variables_and_no_others():
    assert sorted(variable.name for variable in variables.table()) == sorted([*OF_ROLE, *OF_PLAYBOOKS])
    assert sorted(ROLE["main"]["options"]) == sorted(OF_ROLE)
    assert sorted(ROLE["export"]["options"]) == OF_EXPORT


def test_every_variable_in_use_is_known():
    text = "".join(page.read_text("utf-8") for page in PAGES)
    names = set(re.findall(r"(?<![.\w])mstr_\w+[a-z]\b(?!:\n)", text))
    plugins = {path.stem for path in ROOT.glob("plugins/modules/mstr_*.py")}
    assert list(variables.unknown_errors(names - plugins)) == []


def test_every_playbook_is_the_one_run():
    """Which checks the variables first."""
    pages = [yaml.safe_load(page.read_text("utf-8")) for page in ROOT.glob("playbooks/[!_]*.yml")]
    assert [play["ansible.builtin.import_playbook"] for page in pages for play in page] == ["_run.yml"] * 4


@pytest.mark.parametrize("entry_point", ["main", "export"])
def test_no_variable_has_a_default(entry_point):
    options = ROLE[entry_point]["options"]
    assert [name for name, spec in options.items() if "default" in spec or spec.get("required")] == []


def test_audit_compares_as_role_applies():
    """It has the options that say what an apply would do."""
    assert {*variables.DEFINITIONS, *variables.AUDITED} <= set(AUDIT_OPTIONS)
    assert {*variables.AUDITED.values()} >= {f"mstr_runtimes_{name}" for name in COMPARED if name != "exemptions"}


@pytest.mark.parametrize("name", [*COMPARED[1:], "plan_id", "plan_ids"])
@pytest.mark.parametrize(("value", "extra"), [("", False), (" ", False), ("", True), (None, True)])
def test_no_guard_may_be_empty(name, value, extra):
    """A blank text, or null as an extra variable, would switch it off."""
    name = f"mstr_runtimes_{name}"
    [error] = variables.empty_errors("apply", [{name: value}.get], [name] * extra)
    assert error.startswith(f"{name} is empty, which would switch off what it protects")
    assert error.endswith("answer it, or remove the question.")


@pytest.mark.parametrize(
    ("value", "extra"),
    [(None, []), (0, ["mstr_runtimes_purge_limit"]), (None, ["mstr_runtimes_purge"]), ("", ["mstr_fail_on_drift"])],
)
def test_what_is_no_empty_guard(value, extra):
    """Null in an inventory, a value, what is no guard, and what the playbook does not use."""
    names = ["mstr_runtimes_purge_limit", *extra]
    assert list(variables.empty_errors("apply", [{names[-1]: value}.get], extra)) == []


@pytest.mark.parametrize("value", [5349, True, 3.1, ["Nightly", 7]])
@pytest.mark.parametrize(
    "name", ["mstr_runtimes_journal_comment", "mstr_runtimes_purge_exclude", "mstr_runtimes_src", "mstr_password"]
)
def test_a_text_that_became_a_number(name, value):
    """The value is not shown: it may be a secret."""
    [error] = variables.retyped_errors({name: value})
    assert error.startswith(f"{name} must be text, but ")
    assert "write more than digits" in error
    assert str(value) not in error


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mstr_runtimes_journal_comment", "0012345"),
        ("mstr_runtimes_journal_comment", None),
        ("mstr_runtimes_projects", ["Sales"]),
        ("mstr_runtimes_purge_limit", 1),
        ("mstr_runtimes_purge", True),
        ("mstr_timeout", 5),
        ("mstr_runtimes_plan_id", 123456789012345678901234),
    ],
)
def test_what_may_be_a_number(name, value):
    """A plan id of digits has one spelling, and a wrong one lets nothing pass."""
    assert list(variables.retyped_errors({name: value})) == []
