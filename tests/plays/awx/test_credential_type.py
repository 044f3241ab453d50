"""The credential type sets the variables that the modules read, and blank inputs set none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import COLLECTIONS, environment

from plays.awx.injection import HIDDEN, CredentialType


@pytest.fixture
def credential_type(collection: Path) -> CredentialType:
    return CredentialType(collection / "roles" / "controller" / "files" / "credential_type.yml")


@pytest.fixture(scope="module")
def tls() -> Iterator[Simulator]:
    """Start a server with a certificate of an unknown CA that requests a client certificate."""
    with Simulator(tls=True, client_ca=True) as sim:
        yield sim


# Runs a module as a process, without any connection option.
READ_RUNTIMES = """
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = b'{"ANSIBLE_MODULE_ARGS": {}}'
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.mstr.library.plugins.modules import mstr_runtime_info
mstr_runtime_info.main()
"""


def read_runtimes(variables: dict[str, str]) -> dict[str, Any]:
    """The result of a module that gets all options from its environment."""
    env = environment(Path.home() / ".ansible", PYTHONPATH=COLLECTIONS, **variables)
    ran = subprocess.run([sys.executable, "-c", READ_RUNTIMES], env=env, capture_output=True, text=True, check=False)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def succeeds(variables: dict[str, str]) -> bool:
    """Check that such a module reads the only runtime of a new server."""
    result = read_runtimes(variables)
    return [runtime["is_default"] for runtime in result.get("runtimes", [])] == [True]


def test_each_connection_option_has_its_variable(credential_type: CredentialType, collection: Path) -> None:
    source = (collection / "plugins" / "doc_fragments" / "auth.py").read_text()

    assert set(credential_type.injectors["env"]) == {*re.findall(r"E\((MSTR_\w+)\)", source), "MSTR_SERVERS"}


def test_secrets_are_not_shown(credential_type: CredentialType, tmp_path: Path) -> None:
    inputs = {**credential_type.blank(), **{name: f"hush-{name}" for name in credential_type.secret}}

    variables, shown = credential_type.inject(inputs, tmp_path)

    assert credential_type.secret == {"mstr_password", "mstr_api_token", "mstr_identity_token", "mstr_client_key"}
    assert variables["MSTR_PASSWORD"] == "hush-mstr_password"
    assert "hush" not in json.dumps(shown)
    assert shown["MSTR_PASSWORD"] == HIDDEN


@pytest.mark.parametrize("form", ["untouched", "every field blank"])
def test_a_blank_form_sets_no_variable(credential_type: CredentialType, tmp_path: Path, form: str) -> None:
    variables, _ = credential_type.inject(credential_type.blank() if form == "every field blank" else {}, tmp_path)

    assert set(variables.values()) == {""}
    assert "base_url is missing" in read_runtimes(variables)["msg"]
    assert "no credentials" in read_runtimes(variables | {"MSTR_BASE_URL": "https://127.0.0.1:1"})["msg"]


def credentials(sim: Simulator) -> dict[str, dict[str, str]]:
    """A completed form for each login mode."""
    return {
        "standard": {"mstr_username": sim.username, "mstr_password": sim.password},
        "ldap": {"mstr_login_mode": "ldap", "mstr_username": sim.ldap_username, "mstr_password": sim.ldap_password},
        "anonymous": {"mstr_login_mode": "anonymous"},
        "api_token": {"mstr_api_token": sim.api_token},
        "identity_token": {"mstr_identity_token": sim.identity_token},
    }


@pytest.mark.parametrize("mode", ["standard", "ldap", "anonymous", "api_token", "identity_token"])
def test_each_login_mode(credential_type: CredentialType, sim: Simulator, tmp_path: Path, mode: str) -> None:
    inputs = credential_type.blank() | {"mstr_base_url": sim.base_url, **credentials(sim)[mode]}
    variables, _ = credential_type.inject(inputs, tmp_path)

    assert succeeds(variables)
    expected = "POST /auth/delegate" if mode == "identity_token" else "POST /auth/login"
    assert sim.calls()[0] == expected


def test_certificates(credential_type: CredentialType, tls: Simulator, tmp_path: Path) -> None:
    files = {name: Path(path).read_text() for name, path in tls.certificates.items() if Path(path).is_file()}
    client = {"mstr_client_certificate": files["client_cert"], "mstr_client_key": files["client_key"]}
    inputs = credential_type.blank() | {"mstr_base_url": tls.base_url, "mstr_retries": "0", **client}
    inputs |= credentials(tls)["standard"]

    def variables(**more: Any) -> dict[str, str]:
        return credential_type.inject(inputs | more, tmp_path)[0]

    # With a blank checkbox and a blank CA bundle, the certificate is checked.
    assert "is not trusted" in read_runtimes(variables())["msg"]
    assert "is not trusted" in read_runtimes(variables(mstr_ca_bundle=files["other_ca"]))["msg"]
    assert succeeds(variables(mstr_ca_bundle=files["ca"]))
    assert succeeds(variables(mstr_skip_certificate_check=True))
    # The server requests a client certificate.
    assert not succeeds(variables(mstr_ca_bundle=files["ca"], mstr_client_certificate="", mstr_client_key=""))
