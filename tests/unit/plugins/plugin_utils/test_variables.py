"""The variables that a user may set, and what the role documents of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._work.audit import AUDIT_OPTIONS
from ansible_collections.mstr.library.plugins.modules import mstr_runtimes
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks import variables

ROOT = Path(__file__).parents[4]
PAGES = sorted(page for folder in ("playbooks", "roles") for page in ROOT.glob(f"{folder}/**/*.yml"))
ROLE = yaml.safe_load((ROOT / "roles/runtimes/meta/argument_specs.yml").read_text("utf-8"))["argument_specs"]
AUDITED, PASSED_ON = ({*variables.DEFINITIONS, *names} for names in (variables.AUDITED, variables.passed_on()))


def test_every_variable_in_use_is_known():
    names = {
        name for page in PAGES for name in re.findall(r"(?<![.\w])mstr_\w+[a-z]\b(?!:\n)", page.read_text("utf-8"))
    }
    plugins = {path.stem for path in ROOT.glob("plugins/modules/mstr_*.py")}
    assert list(variables.name_errors(names - plugins)) == []


def test_every_play_checks_its_variables():
    unchecked = [
        f"{page.name}: {play['name']}"
        for page in sorted(ROOT.glob("playbooks/[!_]*.yml"))
        for play in yaml.safe_load(page.read_text("utf-8"))[:1]
        if "hosts" in play and not re.search("'task': 'check'", str(play))
    ]
    assert unchecked == []


@pytest.mark.parametrize("entry_point", ["main", "export"])
def test_no_variable_has_a_default(entry_point):
    assert [
        name for name, spec in ROLE[entry_point]["options"].items() if "default" in spec or spec.get("required")
    ] == []


def test_secrets_are_not_logged():
    secrets = {f"mstr_{name}" for name, option in auth.argument_spec().items() if option.get("no_log")}
    assert {name for name, option in ROLE["main"]["options"].items() if option.get("no_log")} == secrets


def test_every_option_of_module_has_variable():
    documented = set(yaml.safe_load(mstr_runtimes.DOCUMENTATION)["options"]) - {"scripts", "wait_interval"}
    own = {"mstr_runtimes_backup_dest", "mstr_runtimes_exemptions"}
    reach = (variables.CONNECTION, variables.DEFINITIONS, variables.passed_on())
    used = {variable for options in reach for variable in options.values()}
    assert documented <= PASSED_ON
    assert ROLE["main"]["options"].keys() - own == used


def test_the_table_has_every_variable_once():
    """Those that the role describes are only named, the others are described."""
    rows = [row for of_purpose in variables.by_purpose().values() for row in of_purpose.items()]
    of_role = {*ROLE["main"]["options"], *ROLE["export"]["options"]}
    known = {name for playbook in variables.PLAYBOOKS for name in variables.types(playbook)}
    assert sorted(name for name, _row in rows) == sorted(known)
    assert {name for name, row in rows if row is None} == of_role


def test_audit_compares_as_role_applies():
    """What only writes, or only an approval has, is of no use to an audit."""
    no_use = {"plan_id", "journal_comment", "wait", "wait_timeout", "wait_interval"}
    assert PASSED_ON - no_use <= AUDITED <= set(AUDIT_OPTIONS)


def test_no_guard_may_be_empty():
    """An empty text, such as of a shell variable without a value, would switch it off."""
    purposes = ("What may be deleted", "Policy", "Approval of a plan")
    guards = {name for purpose in purposes for name in variables.by_purpose()[purpose]} - {"mstr_runtimes_purge"}
    assert [name for name in sorted(guards) if not list(variables.empty_errors([name]))] == []
