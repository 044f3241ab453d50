"""Runs programs of ansible-core, above all ansible-playbook: variables, inventory, command line, parsed result."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev import envs

# The folder with the installed collection. A release names the one that it tries out.
COLLECTIONS = os.environ.get("MSTR_TEST_COLLECTIONS") or str(Path(os.environ["DEV_RUN"], "collections"))
APPLY, AUDIT, EXPORT = "mstr.library.apply", "mstr.library.audit", "mstr.library.export"
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
CALLBACKS = Path(__file__).parent / "callback"
_TIME_LIMIT_S = 1800  # for one run
STARTED: list[subprocess.Popen[str]] = []  # by a test, which may have failed before they ended
# A developer's own server, controller and Ansible settings.
_FOREIGN = ("ANSIBLE_", "CONTROLLER_", "MSTR_", "TOWER_")
# With MSTR_TEST_WAY=module all tasks run as modules, as if ansible-playbook could not run them in its own process.
_AS_MODULES = {
    "ANSIBLE_VARS_ENABLED": "host_group_vars,as_module",
    "ANSIBLE_VARS_PLUGINS": str(Path(__file__).parent / "vars"),
}
# Tests read standard output, so Ansible prints no recurring notices and no colours.
_QUIET = {
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_NOCOLOR": "true",
    "ANSIBLE_NOCOWS": "true",
    "ANSIBLE_RETRY_FILES_ENABLED": "false",
}


def own_variables(**more: str) -> dict[str, str]:
    """The caller's variables without those that name a real server or change how Ansible works."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)} | more


def programs(name: str = "", version: str = "") -> Path:
    """The folder with the programs of an environment: by default of this one, with the newest ansible-core.

    On a machine without this version of Python, the test is skipped.
    """
    if not name:
        return Path(sys.executable).parent
    try:
        return envs.ensure(name, version)
    except envs.NotHere as why:
        import pytest  # the benchmark runs without it

        pytest.skip(str(why))


def core_fixture(cores: Iterable[str]) -> Any:
    """A fixture: the folder of one ansible-core's programs. A test that uses it runs on each of them."""
    import pytest

    params = [pytest.param(core, marks=[] if core == envs.NEWEST else pytest.mark.matrix) for core in cores]

    @pytest.fixture(params=params)
    def core(request: pytest.FixtureRequest) -> Path:
        return programs(f"ansible-{request.param}")

    return core


def environment(home: Path, *, programs: Path | None = None, **more: str) -> dict[str, str]:
    """The variables for a program of ansible-core that writes its files below `home`.

    `programs`: a folder that comes first on PATH.
    """
    path = {} if programs is None else {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    ansible = {
        "ANSIBLE_ASYNC_DIR": str(home / "async"),
        "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        "ANSIBLE_REMOTE_TEMP": str(home / "remote"),
    }
    way = _AS_MODULES if os.environ.get("MSTR_TEST_WAY") == "module" else {}
    return own_variables(**path, **_QUIET, **ansible, **way) | more


@dataclass(frozen=True)
class Played:
    """A completed run. `output` includes the standard error, unless `stderr` has it.

    `records`: what callbacks received for each task. `report`: the report that the playbook wrote, if any.
    """

    status: int
    output: str
    stderr: str = ""
    records: list[dict[str, Any]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The output without line breaks, to find a sentence in it."""
        return " ".join(self.output.split())

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each environment in the report."""
        return {environment["environment"]: environment["outcome"] for environment in self.report["environments"]}

    def messages(self) -> dict[str, str]:
        """Why environments failed."""
        return {
            environment["environment"]: environment["message"]
            for environment in self.report["environments"]
            if environment["message"]
        }

    def lines(self) -> list[str]:
        """The lines about environments in the printed report."""
        names = tuple(f"{environment['environment']}: " for environment in self.report["environments"])
        return [line for line in self.output.splitlines() if line.startswith(names)]

    def notes(self) -> list[dict[str, Any]]:
        """The records of this collection's tasks."""
        return [record for record in self.records if record["action"].startswith("mstr.library.")]

    def ends(self) -> list[dict[str, Any]]:
        """One record for each task, without those of items and tries."""
        return [record for record in self.records if record["event"] in ("ok", "failed", "skipped", "unreachable")]

    def result(self, task: str) -> dict[str, Any]:
        [result] = [end["result"] for end in self.ends() if end["task"] == task]
        return dict(result)

    def ways(self) -> list[str]:
        """What each task reported at -vvv about the way that it ran."""
        return re.findall(r"mstr\.library\.\w+ runs (.*)", self.output)

    def warnings(self) -> list[str]:
        kinds = ("[WARNING]", "[DEPRECATION WARNING]", "[ERROR]")
        printed = [line for line in self.output.splitlines() if line.strip().startswith(kinds)]
        reported = [end["result"].get(key) for end in self.ends() for key in ("warnings", "deprecations")]
        return printed + [str(entry) for some in reported for entry in some or ()]


@dataclass
class Play:
    """A folder with an inventory, in which programs of one ansible-core run.

    `bin`: the folder of the programs. `env`: variables in addition to the usual ones. An inventory without hosts is
    not used.
    """

    folder: Path
    bin: Path = field(default_factory=programs)
    env: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, dict[str, Any]] = field(default_factory=lambda: {"localhost": {}})
    variables: dict[str, Any] = field(default_factory=lambda: dict(LOCAL))

    @property
    def version(self) -> tuple[int, ...]:
        """The version of the ansible-core."""
        [installed] = self.bin.parent.glob("lib/python*/site-packages/ansible_core-*.dist-info")
        return tuple(map(int, installed.name.split("-")[1].split(".")[:2]))

    def inventory(self, folder: str = "") -> Path:
        """Write the inventory with the current hosts and variables."""
        return self.write(str(Path(folder, "inventory.json")), {"all": {"vars": self.variables, "hosts": self.hosts}})

    def write(self, name: str, content: Any) -> Path:
        """Write a file in the folder. A value that is not text is written as JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def command(self, playbook: str | list[Any], *options: str, **variables: Any) -> list[str]:
        """The command line. `playbook`: its name, or its text or content, which is written to a file."""
        if not isinstance(playbook, str) or "\n" in playbook:
            playbook = str(self.write("play.yml", playbook))
        inventory = ("--inventory", str(self.inventory())) if self.hosts else ()
        extra = ("--extra-vars", json.dumps(variables)) if variables else ()
        return [str(self.bin / "ansible-playbook"), *inventory, playbook, *options, *extra]

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of a run."""
        recorded = {
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "MSTR_TEST_RECORD": str(self.folder / "record"),
        }
        return environment(self.folder / ".ansible", programs=self.bin, **{**recorded, **self.env, **more})

    def start(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        stderr: int = subprocess.STDOUT,
        **popen: Any,
    ) -> subprocess.Popen[str]:
        """Start a command in its own process session, as a shell with job control does."""
        STARTED.append(
            subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(**(env or {})),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
                **popen,
            )
        )
        return STARTED[-1]

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        typed: str = "",
        stderr: int = subprocess.STDOUT,
    ) -> Played:
        """Run a command to its end. `typed`: its input."""
        record, report, began = self.folder / "record", self.folder / "report.json", time.time_ns()
        record.unlink(missing_ok=True)
        with self.start(command, env=env, stdin=subprocess.PIPE, stderr=stderr) as process:
            try:
                output, errors = process.communicate(typed, timeout=_TIME_LIMIT_S)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        written = report.exists() and report.stat().st_mtime_ns > began
        read = json.loads(report.read_text(encoding="utf-8")) if written else {}
        return Played(process.returncode, output, errors or "", [json.loads(line) for line in lines], read)

    def __call__(
        self,
        playbook: str | list[Any],
        *options: str,
        env: Mapping[str, str] | None = None,
        stderr: int = subprocess.STDOUT,
        **variables: Any,
    ) -> Played:
        """Run a playbook to its end. `variables` override those of the inventory."""
        report = {"mstr_report_dest": "report.json"} if playbook in (APPLY, AUDIT) else {}
        return self.run(self.command(playbook, *options, **{**report, **variables}), env=env, stderr=stderr)


def play_of(*tasks: dict[str, Any], host: str = "a") -> list[Any]:
    """A playbook with these tasks on one host."""
    return [{"hosts": host, "gather_facts": False, "tasks": list(tasks)}]


# Its folder, and a file that cancels the job.
_JOB = """
import pathlib, sys
import ansible_runner
folder, cancelled = sys.argv[1:]
run = ansible_runner.run(
    private_data_dir=folder, playbook="play.yml", quiet=True, cancel_callback=pathlib.Path(cancelled).exists
)
print(run.status)
"""


class Runner:
    """A job of ansible-runner, which AWX uses, with a play and its inventory. It has started."""

    def __init__(self, play: Play, playbook: list[Any]) -> None:
        self._folder, self.cancelled = play.folder, play.folder / "cancelled"
        play.write("project/play.yml", playbook)
        play.inventory("inventory")
        path = f"{play.bin}{os.pathsep}{os.environ['PATH']}"
        self._process = play.start([sys.executable, "-c", _JOB, play.folder, self.cancelled], env={"PATH": path})

    def done(self) -> str:
        """Wait for the end, and return the status of the job."""
        output, _ = self._process.communicate(timeout=_TIME_LIMIT_S)
        return output

    def output(self) -> str:
        """The output that users see."""
        events = [json.loads(path.read_text()) for path in self._folder.glob("artifacts/*/job_events/*.json")]
        text = "\n".join(event["stdout"] for event in sorted(events, key=lambda event: event["counter"]))
        return text.replace("\r", "")
