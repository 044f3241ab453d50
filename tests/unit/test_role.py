"""The variables that the role documents are those that it reads, and that an audit reads for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._work.audit import AUDIT_OPTIONS
from ansible_collections.mstr.library.plugins.modules import mstr_runtimes
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.variables import (
    AUDITED,
    CONNECTION,
    DEFINITIONS,
    passed_on,
)

ROLE = Path(__file__).parents[2] / "roles" / "runtimes"


def read(path):
    return yaml.safe_load((ROLE / path).read_text())


@pytest.mark.parametrize("entry_point", ["main", "export"])
def test_no_variable_has_a_default(entry_point):
    options = read("meta/argument_specs.yml")["argument_specs"][entry_point]["options"]
    assert [name for name, spec in options.items() if "default" in spec or spec.get("required")] == []


def test_secrets_are_not_logged():
    options = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    secrets = {f"mstr_{name}" for name, option in auth.argument_spec().items() if option.get("no_log")}
    assert {name for name, option in options.items() if option.get("no_log")} == secrets


def test_every_option_of_module_has_variable():
    documented = set(yaml.safe_load(mstr_runtimes.DOCUMENTATION)["options"])
    options = set(read("meta/argument_specs.yml")["argument_specs"]["main"]["options"])
    own = {f"mstr_runtimes_backup_{name}" for name in ("dest", "exclude", "scripts")}
    own |= {"mstr_runtimes_exemptions"}
    used = {*CONNECTION.values(), *DEFINITIONS.values(), *passed_on().values()}
    assert documented <= {*DEFINITIONS, *passed_on()}
    assert options - own == used


def test_audit_compares_as_role_applies():
    """What only writes, or only an approval has, is of no use to an audit."""
    no_use = {"plan_id", "journal_comment", "wait", "wait_timeout", "wait_interval"}
    assert {*DEFINITIONS, *passed_on()} - no_use <= {*DEFINITIONS, *AUDITED}
    assert {*DEFINITIONS, *AUDITED} <= set(AUDIT_OPTIONS)
