"""The example for AWX has valid options, and its credential type sets what the modules read."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ansible_collections.mstr.library.plugins.module_utils import auth
from support.ansible import COLLECTIONS, Play

from dev.envs import CALLER
from dev.paths import CACHE, once, run
from plays.awx.job import injected
from plays.examples.blocks import EXAMPLES

# The last series of releases that contains awx.awx, in version 24.6.1.
_AWX_PACKAGE = "ansible==13.8.0"


def awx_collections() -> Path:
    """The folder for ANSIBLE_COLLECTIONS_PATH that contains only `awx.awx`, which is fetched once per clone."""
    folder = CACHE / _AWX_PACKAGE.replace("==", "-")

    def make(mark: Path) -> None:
        if not folder.exists():
            # The package has 10,000 files that are not needed.
            uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--no-config")
            run(*uv, "--target", mark, _AWX_PACKAGE, env={**CALLER, "UV_CONSTRAINT": ""})
            collections = Path("ansible_collections", "awx")
            (mark / "kept" / collections).parent.mkdir(parents=True)
            (mark / collections).rename(mark / "kept" / collections)
            shutil.move(mark / "kept", folder.with_suffix(".new"))
            folder.with_suffix(".new").rename(folder)
        mark.mkdir(exist_ok=True)

    once("awx", make)
    return folder


def test_each_task_reaches_the_connection(tmp_path: Path) -> None:
    """The modules of awx.awx refuse a wrong option, type or choice before they connect to a port without a server."""
    env = {
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join((COLLECTIONS, str(awx_collections()))),
        "CONTROLLER_HOST": "http://127.0.0.1:1",
        "CONTROLLER_OAUTH_TOKEN": "x",
        "LIBRARY_PASSWORD": "s3cret-password",
    }
    facts = "  gather_facts: false\n"
    text = (EXAMPLES / "awx.yml").read_text(encoding="utf-8")
    played = Play(tmp_path, env=env, hosts={})(text.replace(facts, f"{facts}  ignore_errors: true\n"))

    failures = [end["result"] for end in played.ends() if end["event"] == "failed"]
    messages = [item["msg"] for result in failures for item in result.get("results") or [result]]
    assert len(messages) == 17, played.output
    assert [message for message in messages if "Connection refused" not in message] == []
    assert "s3cret-password" not in played.output


def test_each_variable_is_that_of_an_option(tmp_path: Path) -> None:
    known = {name for option in auth.argument_spec().values() for name in option["fallback"][1]}
    assert set(injected({}, tmp_path)) - known == {"MSTR_SERVERS"}


def test_a_blank_field_is_not_set(tmp_path: Path) -> None:
    """AWX sets an empty variable for it, which the modules treat as not set."""
    blank = injected({"mstr_username": "jane", "mstr_password": "x", "mstr_ca_bundle": ""}, tmp_path)
    assert {name for name, value in blank.items() if value} == {"MSTR_USERNAME", "MSTR_PASSWORD"}
    path = injected({"mstr_ca_bundle": "PEM"}, tmp_path)["MSTR_CA_PATH"]
    assert Path(path).read_text() == "PEM"
