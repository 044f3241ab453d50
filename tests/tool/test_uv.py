"""uv installs what pip would install: from the index, with the certificate, through the proxy that pip has."""

from __future__ import annotations

import os
from pathlib import Path

from dev import envs
from dev.paths import FOREIGN

ENV = {name: value for name, value in os.environ.items() if not name.upper().startswith((*FOREIGN, "PIP_", "UV_"))}


def test_settings_of_pip_and_variables_that_win(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        f"[global]\nindex-url = https://a.example\ncert = {tmp_path}/ca.pem\n[install]\nproxy = http://p.example:3128\n"
    )
    settings = envs.for_uv({**ENV, "PIP_CONFIG_FILE": str(file), "PIP_INDEX_URL": "https://b.example"})
    assert settings["UV_DEFAULT_INDEX"] == "https://b.example"
    assert settings["SSL_CERT_FILE"] == f"{tmp_path}/ca.pem"
    assert settings["HTTP_PROXY"] == settings["HTTPS_PROXY"] == "http://p.example:3128"
