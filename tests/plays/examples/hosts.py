"""Runs the blocks of a page against simulators with the host names of the examples."""

from __future__ import annotations

import copy
import json
import re
import shutil
import socket
import socketserver
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme
import yaml
from simulator.harness import Simulator
from support.ansible import ROOT, Play, Played

from plays.examples import preparations
from plays.examples.blocks import Block, documented
from plays.examples.preparations import API_TOKEN, HOST, IDENTITY_TOKEN, PASSWORD, USERNAME, Preparation

PREDICTED, AGAIN, IN_CHECK_MODE = " | predicted", " | again", " | in check mode"
_PREFIX = "mstr.library."
# The keys that must be equal in check mode and in the real run.
_FORETOLD = ("changed", "action", "changed_fields", "summary", "diff")


class _Handler(socketserver.StreamRequestHandler):
    server: Gateway

    def handle(self) -> None:
        target = self.rfile.readline().split(b" ")[1].decode()
        while self.rfile.readline().strip():
            pass
        port = self.server.ports.get(target.rpartition(":")[0])
        if port is None:
            self.wfile.write(b"HTTP/1.1 502 No such host in the examples\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_relay, args=(there, self.connection), daemon=True)
            back.start()
            _relay(self.connection, there)
            back.join()


def _relay(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Gateway(socketserver.ThreadingTCPServer):
    """A forward proxy that connects the host names of the examples to simulators, so that examples run unchanged.

    `ports`: the port for each host name.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ports: dict[str, int] = {}

    @property
    def url(self) -> str:
        """The value for HTTPS_PROXY."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Gateway:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *args: Any) -> None:
        self.shutdown()
        self.server_close()


class ExampleHosts:
    """The servers and folders for the examples."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        leaf = authority.issue_cert(HOST, "*.example.com", "*.mstr.example.com")
        self._certificate = folder / "server.pem"
        leaf.private_key_and_cert_chain_pem.write_to_path(str(self._certificate))
        self.gateway = Gateway()
        self.server = Simulator()
        self._others: dict[str, Simulator] = {}
        # The recorded results of the doubled blocks, by page.
        self.records: dict[str, list[dict[str, Any]]] = {}

    def __enter__(self) -> ExampleHosts:
        self._stack.enter_context(self.gateway)
        self.server = self._start(HOST)
        return self

    def __exit__(self, *args: Any) -> None:
        self._stack.close()

    def _start(self, host: str) -> Simulator:
        files = ["--host", host, "--tls-cert", str(self._certificate), "--tls-key", str(self._certificate)]
        simulator = self._stack.enter_context(Simulator(arguments=files))
        self.gateway.ports[host] = urlsplit(simulator.base_url).port or 443
        return simulator

    def servers(self, preparation: Preparation) -> dict[str, Simulator]:
        """Reset the servers to the state that a page needs."""
        for host in preparation.servers:
            if host not in self._others:
                self._others[host] = self._start(host)
        wanted = {HOST: preparation.runtimes, **preparation.servers}
        users = [{"username": USERNAME, "password": PASSWORD, "mode": 1, "manages": True}]
        for host, runtimes in wanted.items():
            server = self._others.get(host, self.server)
            server.reset(preparation.profile, **preparation.switches)
            server.seed(*runtimes, users=users, projects=list(preparation.projects))
        return {host: self._others.get(host, self.server) for host in wanted}

    def play(self, place: Path, preparation: Preparation, commands: str = "") -> Play:
        """A runner for a page's folder, with the variables of a reader's shell and a proxy to these servers."""
        ours = {
            "HOME": str(place.parent),
            "HTTPS_PROXY": self.gateway.url,
            "REQUESTS_CA_BUNDLE": str(self.ca),
            "ANSIBLE_HOME": str(place.parent / ".ansible"),
            "ANSIBLE_PIPELINING": "true",
        }
        connection = {} if "export MSTR_BASE_URL" in commands else preparation.environment
        ours |= {name: str(self._known(value)) for name, value in connection.items()}
        return Play(place, env=ours, hosts={})

    def _known(self, value: Any) -> Any:
        return {API_TOKEN: self.server.api_token, IDENTITY_TOKEN: self.server.identity_token}.get(value, value)

    def variables(self, preparation: Preparation) -> dict[str, Any]:
        """The page's variables."""
        return {name: self._known(value) for name, value in preparation.variables.items()}


def workplace(folder: Path, blocks: Iterable[Block], preparation: Preparation, *, clone: bool = False) -> Path:
    """Create a folder with the files that the blocks use."""
    if clone:
        ignored = shutil.ignore_patterns(".*", "tests", "__pycache__")
        shutil.copytree(ROOT, folder, ignore=ignored, dirs_exist_ok=True)
    blocks = list(blocks)
    folder.mkdir(parents=True, exist_ok=True)
    files = {**preparation.files, **{block.file: block.text for block in blocks if block.file and not block.not_run}}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def as_printed(place: Path, blocks: Sequence[Block]) -> Path:
    """Write a playbook that runs the unchanged blocks, each from its own file."""
    plays: list[dict[str, Any]] = []
    for number, block in enumerate(blocks):
        path = place / f"block-{number}-line-{block.line}.yml"
        path.write_text(block.text, encoding="utf-8")
        if block.kind == "plays":
            plays.append({"name": block.place, "ansible.builtin.import_playbook": path.name})
        else:
            plays.append(_play(block, [{"name": block.place, "ansible.builtin.import_tasks": path.name}]))
    return _written(place / "as-printed.yml", plays)


def doubled(place: Path, blocks: Sequence[Block]) -> Path:
    """Write a playbook in which each task runs in check mode, normally, and a second time, where it supports that."""
    plays: list[dict[str, Any]] = []
    for block in blocks:
        if block.kind == "tasks":
            plays.append(_play(block, _doubled(block.data)))
            continue
        for play in copy.deepcopy(block.data):
            for part in ("pre_tasks", "tasks", "post_tasks"):
                if part in play:
                    play[part] = _doubled(play[part])
            plays.append(play)
    return _written(place / "doubled.yml", plays)


def doubled_records(hosts: ExampleHosts, folder: Path, blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """The results of the doubled blocks of a page. They run once for all tests."""
    page = blocks[0].page
    if page not in hosts.records:
        preparation = preparations.of(page)
        place = workplace(folder / "work", blocks, preparation)
        hosts.servers(preparation)
        playbook = doubled(place, [block for block in blocks if block.kind in ("plays", "tasks")])
        hosts.records[page] = play(hosts, playbook, preparation).ends()
    return hosts.records[page]


def play(hosts: ExampleHosts, playbook: Path, preparation: Preparation, *options: str) -> Played:
    """Run a playbook that must succeed without warnings."""
    run = hosts.play(playbook.parent, preparation)
    played = run(playbook.name, *preparation.options, *options, **hosts.variables(preparation))
    assert played.status == 0, played.output
    assert unexpected_warnings(played, preparation) == [], played.output
    return played


def unexpected_warnings(played: Played, preparation: Preparation) -> list[str]:
    """The warnings that a page does not show by design."""
    return [warning for warning in played.warnings() if not any(text in warning for text in preparation.warnings)]


def _play(block: Block, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": block.place, "hosts": "localhost", "gather_facts": False, "tasks": tasks}


def _written(path: Path, plays: list[dict[str, Any]]) -> Path:
    path.write_text(yaml.safe_dump(plays, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _doubled(tasks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for printed in tasks:
        # A hidden result cannot be compared. The secrets in it belong to a simulator.
        task = {key: value for key, value in printed.items() if key != "no_log"}
        plain = {key: value for key, value in task.items() if key not in ("register", "notify")}
        name = str(task.get("name", ""))
        if "block" in task:
            parts: dict[str, Any] = {key: _doubled(task[key]) for key in ("block", "rescue", "always") if key in task}
            found.append({**task, **parts})
        elif {"check_mode", "until", "failed_when", "changed_when"} & set(task):
            found.append(task)
        elif supports(task, "idempotent"):
            found += [
                {**plain, "name": name + PREDICTED, "check_mode": True, "diff": True},
                {**task, "diff": True},
                {**plain, "name": name + AGAIN},
            ]
        elif not supports(task, "check_mode", "full"):
            found += [{**plain, "name": name + IN_CHECK_MODE, "check_mode": True}, task]
        else:
            found.append(task)
    return found


def leaves(tasks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The tasks, including those in blocks."""
    for task in tasks:
        if "block" in task:
            for part in ("block", "rescue", "always"):
                yield from leaves(task.get(part) or ())
        else:
            yield task


def tasks_of(block: Block) -> Iterator[dict[str, Any]]:
    if block.kind == "tasks":
        yield from leaves(block.data)
        return
    for play in block.data:
        for part in ("pre_tasks", "tasks", "post_tasks"):
            yield from leaves(play.get(part) or ())


def supports(task: Mapping[str, Any], attribute: str, default: str = "") -> bool:
    """Whether a task's module documents full support of an attribute; foreign modules get the `default`."""
    name = next((key.removeprefix(_PREFIX) for key in task if key.startswith(_PREFIX)), "")
    path = ROOT / "plugins" / "modules" / f"{name}.py"
    if not name or not path.exists():
        return default == "full"
    attributes = yaml.safe_load(documented(path, "DOCUMENTATION"))["attributes"]
    return bool(attributes[attribute]["support"] == "full")


def broken_promises(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Wrong predictions of check mode, and changes by a second run."""
    faults = []
    for before, record in pairwise(records):
        name = str(record["task"])
        if before["task"] == name + PREDICTED:
            faults += [
                f"{name}: predicted {key} {before['result'].get(key)!r}, then it was {record['result'].get(key)!r}"
                for key in _FORETOLD
                if _without_headers(before["result"].get(key)) != _without_headers(record["result"].get(key))
            ]
        if name.endswith(AGAIN) and record["result"].get("changed"):
            faults.append(f"{name}: changed {record['result'].get('changed_fields') or record['result']}")
    return faults


_ID = re.compile(r'(?:"[0-9A-F]{32}"|null)(?=[,}])| \([0-9A-F]{32}\)')


def _without_headers(value: Any) -> Any:
    """The differences of a task without headers and ids. A new runtime has its id only after the create."""
    if not isinstance(value, (list, dict)):
        return value
    entries = value if isinstance(value, list) else [value]
    shown = [
        {k: v for k, v in entry.items() if "header" not in k} if isinstance(entry, dict) else entry for entry in entries
    ]
    return _ID.sub("", json.dumps(shown, sort_keys=True))
