"""uv installs what pip would install: from the index, with the certificate, through the proxy that pip has."""

from __future__ import annotations

import os
import ssl
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import trustme

from dev import envs
from dev.paths import FOREIGN, run

ENV = {name: value for name, value in os.environ.items() if not name.upper().startswith((*FOREIGN, "PIP_", "UV_"))}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """The address of an index with one package, whose certificate is of the authority in `ca.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    package = tmp_path / "simple" / "of-the-company"
    package.mkdir(parents=True)
    with zipfile.ZipFile(package / "of_the_company-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            "of_the_company-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: of-the-company\nVersion: 1.0"
        )
    package.joinpath("index.html").write_text('<a href="of_the_company-1.0-py3-none-any.whl">wheel</a>')
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


def configured(folder: Path, text: str) -> dict[str, str]:
    """The environment of somebody whose pip has this configuration."""
    file = folder / "pip.conf"
    file.write_text(text)
    return {**ENV, "PIP_CONFIG_FILE": str(file)}


def test_uv_uses_index_and_certificate_of_pip(tmp_path: Path, index: str) -> None:
    env = configured(tmp_path, f"[global]\nindex-url = {index}\ncert = {tmp_path}/ca.pem\n")
    wanted = tmp_path / "wanted.in"
    wanted.write_text("of-the-company")
    compiled = run(
        Path(sys.executable).with_name("uv"), "pip", "compile", "--no-cache", wanted, env={**env, **envs.for_uv(env)}
    )
    assert "of-the-company==1.0" in compiled


def test_variables_win_over_files_of_pip(tmp_path: Path) -> None:
    env = configured(tmp_path, "[global]\nindex-url = https://a.example\n[install]\nproxy = http://p.example:3128\n")
    settings = envs.for_uv({**env, "PIP_INDEX_URL": "https://b.example"})
    assert settings["UV_DEFAULT_INDEX"] == "https://b.example"
    assert settings["HTTP_PROXY"] == settings["HTTPS_PROXY"] == "http://p.example:3128"
    assert settings["UV_SYSTEM_CERTS"] == "true"
