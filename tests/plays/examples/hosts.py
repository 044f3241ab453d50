"""Runs the blocks of a page against simulators with the host names of the examples."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme
import yaml
from simulator.harness import Simulator
from support.ansible import Play

from dev.paths import ROOT
from plays.examples.blocks import Block
from plays.examples.preparations import HOST, PASSWORD, USERNAME, Preparation


class ExampleHosts:
    """The servers and folders for the examples."""

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        authority = trustme.CA()
        self._ca, self._certificate = folder / "ca.pem", folder / "server.pem"
        authority.cert_pem.write_to_path(str(self._ca))
        leaf = authority.issue_cert(HOST, "*.example.com", "*.mstr.example.com")
        leaf.private_key_and_cert_chain_pem.write_to_path(str(self._certificate))
        # A forward proxy connects the host names to the simulators, so that examples run unchanged.
        self._proxy = self._stack.enter_context(Simulator(proxy=True))
        self._servers: dict[str, Simulator] = {}

    def __enter__(self) -> ExampleHosts:
        return self

    def __exit__(self, *args: Any) -> None:
        self._stack.close()

    def _start(self, host: str) -> Simulator:
        files = ["--host", host, "--tls-cert", str(self._certificate), "--tls-key", str(self._certificate)]
        simulator = self._stack.enter_context(Simulator(arguments=files))
        self._proxy.lead_to(host, urlsplit(simulator.base_url).port or 443)
        return simulator

    def servers(self, preparation: Preparation) -> list[Simulator]:
        """Reset the servers to the state that a page needs."""
        wanted = {HOST: preparation.runtimes, **preparation.servers}
        users = [{"username": USERNAME, "password": PASSWORD, "mode": 1, "manages": True}]
        for host, runtimes in wanted.items():
            if host not in self._servers:
                self._servers[host] = self._start(host)
            self._servers[host].reset(preparation.profile)
            self._servers[host].seed(*runtimes, users=users, projects=list(preparation.projects))
        return [self._servers[host] for host in wanted]

    def play(self, place: Path, preparation: Preparation, commands: str = "") -> Play:
        """A runner for a page's folder, with the variables of a reader's shell and a proxy to these servers."""
        ours = {
            "HOME": str(place.parent),
            "HTTPS_PROXY": str(self._proxy.proxy_url),
            "REQUESTS_CA_BUNDLE": str(self._ca),
            "ANSIBLE_HOME": str(place.parent / ".ansible"),
            "ANSIBLE_PIPELINING": "true",
        }
        connection = {} if "export MSTR_BASE_URL" in commands else preparation.environment
        return Play(place, env=ours | dict(connection), hosts={})


def workplace(folder: Path, blocks: Iterable[Block], preparation: Preparation) -> Path:
    """Create a folder with the files that the blocks use."""
    if preparation.in_a_clone:
        ignored = shutil.ignore_patterns(".*", "tests", "__pycache__")
        shutil.copytree(ROOT, folder, ignore=ignored, dirs_exist_ok=True)
        own = ("-c", "user.name=Reader", "-c", "user.email=reader@example.com")
        for command in (["init", "--quiet"], ["add", "--all"], [*own, "commit", "--quiet", "--message=The collection"]):
            subprocess.run(["git", *command], cwd=folder, check=True)
    folder.mkdir(parents=True, exist_ok=True)
    files = {**preparation.files, **{block.file: block.text for block in blocks if block.file and not block.not_run}}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def as_printed(place: Path, blocks: Iterable[Block]) -> Path:
    """Write a playbook that runs the unchanged blocks, each from its own file."""
    plays: list[dict[str, Any]] = []
    for number, block in enumerate(blocks):
        path = place / f"block-{number}-line-{block.line}.yml"
        # A hidden result cannot be compared with its documentation. Its secrets belong to a simulator.
        path.write_text(block.text.replace("no_log: true", "no_log: false"), encoding="utf-8")
        if block.kind == "plays":
            plays.append({"name": block.place, "ansible.builtin.import_playbook": path.name})
        else:
            task = {"name": block.place, "ansible.builtin.import_tasks": path.name}
            plays.append({"name": block.place, "hosts": "localhost", "gather_facts": False, "tasks": [task]})
    playbook = place / "as-printed.yml"
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return playbook
