"""`make bench`: measures what the modules cost, and prints the table of docs/docsite/rst/guide_own_module.rst.

make bench                     all rows, which takes some minutes
make bench ARGS="--only ping"  the rows whose text contains this
make bench ARGS="--commit ID"  against an earlier commit in place of other tools: CPU time of all processes

The machines for this are shared, so times vary: the figure to compare is the ratio of two consecutive runs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simulator.harness import Simulator
from simulator.profiles import PROFILES
from support import ansible

from dev.paths import ROOT

ANSIBLE = ansible.programs()
HEADER = ("work", "against", "ratio (spread)", "as a module", "wall time in s", "CPU in s", "memory in MB", "requests")
TO_COMMIT = ("work", "CPU ratio (spread)", "as a module", "memory in MB")
SLOW_MS = 20


class Way(NamedTuple):
    """A command that does the work, what prepares the server before each run, and where the collection is."""

    command: Sequence[str]
    before: Callable[[], None]
    collections: str = ansible.COLLECTIONS
    status: int = 0  # with which it ends

    def as_module(self) -> Way:
        """The same with all tasks as modules."""
        return self._replace(command=[*self.command, "-e", json.dumps({"mstr_in_process": False})])


class Sample(NamedTuple):
    """What one run took: seconds, seconds, megabytes of its largest process, and requests."""

    wall: float
    cpu: float
    memory: float
    requests: int


def definitions(count: int) -> list[dict[str, Any]]:
    """So many definitions, each with the usual fields."""
    return [
        {
            "name": f"Runtime {index:04}",
            "description": f"Number {index}",
            "whitelist": [f"10.{index // 256}.{index % 256}.0/24", "192.168.1.1/32"],
            "packages": [{"name": "pandas", "version": "2.2.3"}, {"name": "requests", "version": "2.32.3"}],
            "resource": {"cpu": 0.5, "mem": 512},
            "exec_timeout": 600,
            "min_cached_instances": 0,
            "max_cached_instances": 3,
        }
        for index in range(count)
    ]


def _as_api(definition: dict[str, Any]) -> dict[str, Any]:
    """What the server holds for a definition."""
    known = {key: definition[key] for key in ("name", "description", "whitelist", "packages")}
    limits = {"execTimeout": 600, "minCachedInstances": 0, "maxCachedInstances": 3}
    return {**known, **limits, "resource": {"cpu": "0.5", "mem": 512}}


class Bench:
    """The simulator, and the ways to use it."""

    def __init__(self, simulator: Simulator, folder: Path, profile: str) -> None:
        self.simulator, self.folder, self.profile = simulator, folder, profile

    def rows(self) -> Iterator[tuple[str, Way, str, Way | None]]:
        """Each row of the table: the work, our way, against what, and the other way if there is one."""
        holds_ten, holds_100, empty = self.holding(10), self.holding(100), self.holding(0, latency_ms=SLOW_MS)
        no_op = {"name": "Runtime 0000", "exec_timeout": 600, "whitelist": ["192.168.1.1", "10.0.0.0/24"]}
        ping = self.ad_hoc("ansible.builtin.ping", {}, holds_ten)
        yield "one task, no change", self.ad_hoc("mstr.library.mstr_runtime", no_op, holds_ten), "ping", ping
        ten, pings = self.play("ten", _TEN, holds_ten, 10), self.play("pings", _TEN_PINGS, holds_ten, 10)
        yield "ten tasks, no change", ten, "ten ping", pings
        bulk = self.play("bulk", _BULK, holds_100, 100)
        yield "100 runtimes, no change", bulk, "mstrio-py, list and compare", self.vendor(holds_100, 100)
        create, one_by_one = self.play("bulk", _BULK, empty, 100), self.vendor(empty, 100)
        yield f"100 created, {SLOW_MS} ms a request", create, "mstrio-py, one by one", one_by_one
        src, holds_1000 = self.play("src", _BULK_SRC, self.holding(1000), 1000), self.holding(1000)
        thousand = self.vendor(holds_1000, 1000)
        yield "1,000 runtimes from src, no change", src, "mstrio-py, list and compare", thousand
        yield "audit of 50 environments with 200 runtimes each", self.audit(50, 200), "", None
        # For the requests: guarded deletions that are refused, and audits with schedules.
        guarded = {"name": "Runtime 0000", "state": "absent", "protect_used": True}
        info = {"include_scripts": True, "include_tasks": True}
        for profile in PROFILES:
            before = self.holding_scripts(profile)
            delete = self.ad_hoc("mstr.library.mstr_runtime", guarded, before)
            yield f"refused deletion, 2,000 scripts, {profile}", delete._replace(status=2), "", None
            audit = self.ad_hoc("mstr.library.mstr_runtime_info", info, before)
            yield f"all runtimes with 2,000 scripts and 10 tasks, {profile}", audit, "", None

    def holding(self, count: int, **switches: Any) -> Callable[[], None]:
        """What prepares a fresh server with the runtimes of the first `count` definitions."""

        def prepare() -> None:
            self.simulator.reset(self.profile, **switches)
            wanted = definitions(count)
            for start in range(0, count, 200):
                self.simulator.seed(*map(_as_api, wanted[start : start + 200]))
            self.simulator.clear_requests()

        return prepare

    def holding_scripts(self, profile: str) -> Callable[[], None]:
        """What prepares a server with 2,000 scripts in 10 projects, each project with a planned task."""

        def prepare() -> None:
            self.simulator.reset(profile)
            self.simulator.seed(*map(_as_api, definitions(1)))
            for number in range(10):
                run = {"time": "2026-11-25T02:00:00.000Z", "status": "success"}
                scripts = [{"name": f"s{index}", "runtime": "Runtime 0000", "last_run": run} for index in range(200)]
                self.simulator.seed(projects=[{"name": f"P{number}", "scripts": scripts, "tasks": [{"script": "s0"}]}])
            self.simulator.clear_requests()

        return prepare

    def file(self, count: int) -> str:
        """A file with so many definitions."""
        path = self.folder / f"definitions-{count}.json"
        path.write_text(json.dumps(definitions(count)), encoding="utf-8")
        return str(path)

    def ad_hoc(self, module: str, args: dict[str, Any], before: Callable[[], None]) -> Way:
        """One task, run by the command `ansible`."""
        options = ["-a", json.dumps(args)] if args else []
        return Way([str(ANSIBLE / "ansible"), "localhost", "-m", module, *options], before)

    def play(self, name: str, task: str, before: Callable[[], None], count: int) -> Way:
        """A play with this task, which knows a file of `count` definitions."""
        playbook = self.folder / f"{name}.yml"
        playbook.write_text(_PLAY + task, encoding="utf-8")
        variables = json.dumps({"file": self.file(count)})
        return Way([str(ANSIBLE / "ansible-playbook"), str(playbook), "-e", variables], before)

    def vendor(self, before: Callable[[], None], count: int) -> Way:
        """The vendor's client: it lists, compares, and writes runtimes one by one."""
        return Way([sys.executable, "-c", _VENDOR, self.file(count)], before)

    def audit(self, environments: int, runtimes: int) -> Way:
        """The playbook `audit` with definitions, a policy, and a page as its report. One server stands for all."""
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(ANSIBLE / "python"),
            "mstr_runtimes_src": self.file(runtimes),
            "mstr_runtimes_policy": {"networks_within": ["10.0.0.0/8", "192.168.0.0/16"]},
        }
        hosts = dict.fromkeys(f"environment{index}" for index in range(environments))
        inventory = self.folder / "audit.json"
        inventory.write_text(json.dumps({"all": {"vars": variables, "hosts": hosts}}), encoding="utf-8")
        report = f"mstr_report_dest={self.folder / 'audit.html'}"
        command = [str(ANSIBLE / "ansible-playbook"), "-i", str(inventory), ansible.AUDIT, "-e", report]
        return Way(command, self.holding(runtimes))

    def run(self, way: Way) -> Sample:
        """Run once. If the command fails, end with its output."""
        way.before()
        output = self.folder / "output.txt"
        collections = {"ANSIBLE_COLLECTIONS_PATH": way.collections}
        env = ansible.environment(self.folder / "home", **self.simulator.environment(), **collections)
        with output.open("wb") as file:
            start = time.perf_counter()
            process = subprocess.Popen(way.command, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
            _pid, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != way.status:
            sys.exit(f"{' '.join(way.command)} failed:\n{output.read_text(errors='replace')[-4000:]}")
        cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        return Sample(wall, cpu, memory, len(self.simulator.requests()))

    def cells(self, ours: Way, theirs: Way | None, rounds: int) -> list[str]:
        """Run all ways of a row in turn, after one run of each that does not count."""
        ways = [ours, theirs, ours.as_module()] if theirs else [ours]
        samples = [[self.run(way) for way in ways] for _ in range(rounds + 1 if theirs else 1)]
        columns = list(zip(*samples[1:] or samples, strict=True))
        ratios = ["", ""]
        if theirs:
            times = [[sample.wall for sample in column] for column in columns]
            in_process, as_module = (_ratios(of_ours, times[1]) for of_ours in times[::2])
            ratios = [_with_spread(in_process), f"{statistics.median(as_module):.2f}"]
        medians = [[statistics.median(figures) for figures in zip(*column, strict=True)] for column in columns[:2]]
        pairs = zip((".2f", ".2f", ".0f", ".0f"), zip(*medians, strict=True), strict=True)
        return [*ratios, *(" / ".join(format(each, form) for each in pair) for form, pair in pairs)]

    def to_commit(self, ours: Way, collections: str, rounds: int) -> list[str]:
        """The CPU time in process and as a module, each to that of an earlier commit: medians of pairs. Our memory."""
        cells, memory = [], 0.0
        for way in (ours, ours.as_module()):
            pairs = [(self.run(way), self.run(way._replace(collections=collections))) for _ in range(rounds + 1)][1:]
            cells.append(_with_spread([now.cpu / then.cpu for now, then in pairs]))
            memory = memory or max(now.memory for now, _then in pairs)
        return [*cells, f"{memory:.0f}"]


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [our / their for our, their in zip(ours, theirs, strict=True)]


def _with_spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def checked_out(commit: str, folder: Path) -> str:
    """A folder of collections with this one as it was at a commit."""
    library = folder / "ansible_collections" / "mstr" / "library"
    library.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=library, input=archive, check=True)
    return str(folder)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of a row (default: %(default)s)")
    parser.add_argument("--only", default="", help="only rows whose text contains this")
    parser.add_argument("--commit", help="an earlier commit to compare with, in place of other tools")
    parser.add_argument("--profile", choices=list(PROFILES), default="newest", help="default: %(default)s")
    args = parser.parse_args()
    print(".. csv-table::\n   :header-rows: 1\n")
    with tempfile.TemporaryDirectory() as folder, Simulator() as simulator:
        bench = Bench(simulator, Path(folder), args.profile)
        earlier = args.commit and checked_out(args.commit, Path(folder, "earlier"))
        rows = {row[0]: row for row in bench.rows()}.values() if earlier else bench.rows()
        table = csv.writer(sys.stdout, lineterminator="\n")
        print(end="   ")
        table.writerow(TO_COMMIT if earlier else HEADER)
        for work, ours, against, theirs in rows:
            if args.only in f"{work} {against}":
                print(end="   ")
                more = () if earlier else (against, *bench.cells(ours, theirs, args.rounds))
                table.writerow([work, *(more or bench.to_commit(ours, earlier, args.rounds))])
                sys.stdout.flush()


_PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    definitions: "{{ lookup('ansible.builtin.file', file) | from_json }}"
  tasks:
    - """
_BULK = 'mstr.library.mstr_runtimes: {runtimes: "{{ definitions }}"}'
_BULK_SRC = 'mstr.library.mstr_runtimes: {src: "{{ file }}"}'
_FOR_EACH = """
      loop: "{{ definitions }}"
      loop_control: {label: "{{ item.name }}"}
"""
_TEN = 'mstr.library.mstr_runtime: "{{ item }}"' + _FOR_EACH
_TEN_PINGS = "ansible.builtin.ping:" + _FOR_EACH
_VENDOR = """
import json, os, sys
from mstrio import config
from mstrio.connection import Connection
from mstrio.python_execution.runtime import Runtime, list_runtimes

config.verbose = False
login = {"username": os.environ["MSTR_USERNAME"], "password": os.environ["MSTR_PASSWORD"], "login_mode": 1}
connection = Connection(os.environ["MSTR_BASE_URL"], **login)
have = {runtime.name: runtime for runtime in list_runtimes(connection)}
fields = ("name", "description", "exec_timeout", "min_cached_instances", "max_cached_instances")
for wanted in json.load(open(sys.argv[1])):
    options = {**wanted, "resource": {**wanted["resource"], "cpu": str(wanted["resource"]["cpu"])}}
    runtime = have.get(wanted["name"])
    if runtime is None:
        Runtime.create(connection, **options)
    elif (
        any(getattr(runtime, field) != wanted[field] for field in fields)
        or sorted(runtime.whitelist) != sorted(wanted["whitelist"])
        or sorted((package.name, package.version) for package in runtime.packages)
        != sorted((package["name"], package["version"]) for package in wanted["packages"])
        or (runtime.resource.cpu, runtime.resource.mem) != (options["resource"]["cpu"], wanted["resource"]["mem"])
    ):
        runtime.alter(**options)
connection.close()
"""

if __name__ == "__main__":
    main()
