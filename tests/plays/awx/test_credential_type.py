"""The credential type sets the variables that the modules read, and blank inputs set none; no survey does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from dev.paths import ROOT
from plays.awx.jobs import HIDDEN, CredentialType


def test_each_connection_option_has_its_variable() -> None:
    source = (ROOT / "plugins" / "doc_fragments" / "auth.py").read_text()

    assert set(CredentialType().injectors["env"]) == {*re.findall(r"E\((MSTR_\w+)\)", source), "MSTR_SERVERS"}


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    type_ = CredentialType()
    inputs = {**type_.blank(), **{name: f"hush-{name}" for name in type_.secret}}

    variables, shown = type_.inject(inputs, tmp_path)

    assert type_.secret == {"mstr_password", "mstr_api_token", "mstr_identity_token", "mstr_client_key"}
    assert variables["MSTR_PASSWORD"] == "hush-mstr_password"
    assert "hush" not in json.dumps(shown)
    assert shown["MSTR_PASSWORD"] == HIDDEN


@pytest.mark.parametrize("form", ["untouched", "every field blank"])
def test_a_blank_form_sets_no_variable(tmp_path: Path, form: str) -> None:
    """The modules treat an empty variable as not set."""
    type_ = CredentialType()
    variables, _ = type_.inject(type_.blank() if form == "every field blank" else {}, tmp_path)

    assert set(variables.values()) == {""}


def test_inputs_become_what_the_modules_read(tmp_path: Path) -> None:
    inputs = {"mstr_login_mode": "ldap", "mstr_skip_certificate_check": True, "mstr_ca_bundle": "CERTIFICATE\n"}

    variables, _ = CredentialType().inject({**CredentialType().blank(), **inputs}, tmp_path)

    assert (variables["MSTR_LOGIN_MODE"], variables["MSTR_VALIDATE_CERTS"]) == ("ldap", "false")
    assert Path(variables["MSTR_CA_PATH"]).read_text() == "CERTIFICATE\n"
    assert variables["MSTR_CLIENT_CERT"] == ""


def test_no_question_overrides_the_inventory() -> None:
    """A controller makes an extra variable of each default, even without an answer."""
    listed = yaml.safe_load((ROOT / "roles/controller/vars/main/job_templates.yml").read_text())
    questions = [each for job in listed["controller_job_templates"] for each in job.get("questions", [])]

    assert {each.get("default", "as the inventory says") for each in questions} == {"as the inventory says"}
    assert {each["variable"][:12] for each in questions} == {"mstr_survey_"}
    # It replaces a blank integer with the default.
    assert "integer" not in {each["type"] for each in questions}
