# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparisons, and the maximum of each ratio. Some comparisons have no maximum."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from measure import Sample, Turns, Way, in_turn, run
from place import ANSIBLE, COLLECTIONS, HERE, MSTRIO, OLDEST, Place, settings
from simulator.harness import Simulator

SLOW_MS = 20
_NO_OP = {"name": "Runtime 0000", "exec_timeout": 600, "whitelist": ["192.168.1.1", "10.0.0.0/24"]}


@dataclass(frozen=True)
class Comparison:
    """A row: the work, our way, the other way, and the largest acceptable ratio."""

    group: str
    work: str
    against: str
    ours: Way
    theirs: Way
    target: float | None
    rounds: int
    # Whether to measure our way as a module, too.
    both_ways: bool = True

    def measure(self) -> Turns:
        """Run all ways in turn."""
        as_module = Place.as_module(self.ours) if self.both_ways else None
        return in_turn(self.ours, self.theirs, as_module, self.rounds)


def all_of(place: Place, rounds: int) -> Iterator[Comparison]:
    """Yield every row, each with a server in the required state."""
    few = max(rounds // 2, 3)
    ten, hundred, thousand = place.file(10), place.file(100), place.file(1000)
    holds = partial(partial, place.holding)

    no_op = place.ad_hoc("no-op", "mstr.library.mstr_runtime", _NO_OP, holds(10))
    ping = place.ad_hoc("ping", "ansible.builtin.ping", {})
    yield Comparison("one", "one task, nothing to do", "`ansible.builtin.ping`", no_op, ping, 0.80, rounds * 2)
    tasks = place.play("ten tasks", "ten_tasks.yml", holds(10), file=str(ten))
    pings = place.play("ten pings", "ten_pings.yml")
    yield Comparison("one", "ten tasks, nothing to do", "ten `ping`", tasks, pings, 0.40, rounds)
    session = place.play("on a session", "ten_tasks_on_a_session.yml", holds(10), file=str(ten))
    yield Comparison("one", "the same on one `mstr_session`", "without it", session, tasks, 1.0, rounds, False)
    by_uri = place.play("ten by uri", "uri_ten.yml", holds(10), file=str(ten))
    yield Comparison("one", "ten tasks, nothing to do", "the same by `uri`", tasks, by_uri, None, rounds)

    yield from _reading(place, few)

    bulk = place.play("bulk", "bulk.yml", holds(100), file=str(hundred))
    uri = place.play("uri", "uri.yml", holds(100), file=str(hundred))
    vendor = place.client("mstrio-py", "mstrio_apply.py", hundred, before=holds(100))
    yield Comparison("many", "100 runtimes, nothing to do", "the same by `uri`", bulk, uri, 0.35, rounds)
    yield Comparison("many", "100 runtimes, nothing to do", "mstrio-py, list and compare", bulk, vendor, 0.95, rounds)
    empty = holds(0, latency_ms=SLOW_MS)
    one_by_one = place.client("mstrio-py create", "mstrio_apply.py", hundred, before=empty)
    for how, options in (("", {}), (", concurrency 16", {"at_a_time": 16})):
        create = place.play("bulk create", "bulk.yml", empty, file=str(hundred), **options)
        work = f"100 created, {SLOW_MS} ms a request{how}"
        yield Comparison("many", work, "mstrio-py, one by one", create, one_by_one, 0.25, few)
    vendor_list = place.client("mstrio-py list", "mstrio_list.py", before=holds(1000))
    for how, programs in (("", ANSIBLE), (", oldest ansible-core", OLDEST)):
        from_file = place.play("src", "bulk_src.yml", holds(1000), programs=programs, file=str(thousand))
        work = f"1,000 unchanged, from `src`{how}"
        yield Comparison("many", work, "mstrio-py, reading the list", from_file, vendor_list, 1.0, few)


def _reading(place: Place, rounds: int) -> Iterator[Comparison]:
    """Read 200 complete objects (the list is incomplete; 50 ms per response), and the scripts of 50 runtimes."""
    incomplete = partial(place.holding, 200, latency_ms=50, list_omits=["whitelist", "resource"])

    def info(before: Callable[[], None], **options: object) -> Way:
        arguments, python = json.dumps(options), str(ANSIBLE / "python")
        return place.client(
            "info", "module_alone.py", COLLECTIONS, "mstr_runtime_info", arguments, before=before, python=python
        )

    yield Comparison(
        "many",
        "200 runtimes read whole, 50 ms a request",
        "one after another",
        info(incomplete),
        info(incomplete, concurrency=1),
        0.34,
        rounds,
        False,
    )
    yield Comparison(
        "many",
        "200 runtimes read whole, 50 ms a request",
        "mstrio-py `list_runtimes`, which leaves them incomplete",
        info(incomplete),
        place.client("mstrio-py list", "mstrio_list.py", before=incomplete),
        None,
        rounds,
        False,
    )
    used = partial(place.holding_scripts, 50, projects=4, scripts=50)
    yield Comparison(
        "many",
        "50 runtimes with their 200 scripts in 4 projects",
        "the runtimes alone",
        info(used, include_scripts=True),
        info(used),
        None,
        rounds,
        False,
    )
    scheduled = partial(place.holding_scripts, 50, projects=10, scripts=20, latency_ms=SLOW_MS, scheduled=True)
    yield Comparison(
        "many",
        f"50 runtimes with the tasks and last runs of 200 scripts in 10 projects, {SLOW_MS} ms a request",
        "one after another",
        info(scheduled, include_scripts=True, include_tasks=True),
        info(scheduled, include_scripts=True, include_tasks=True, concurrency=1),
        0.40,
        rounds,
        False,
    )


def environments(simulators: list[Simulator], folder: Path, rounds: int) -> Comparison:
    """Compare ten environments at once with one environment."""
    places = [Place(simulator, folder) for simulator in simulators]
    for place in places:
        place.holding(50)
    inventory = folder / "environments.yml"
    python = str(ANSIBLE / "python")
    hosts = {
        f"environment{index}": {
            "ansible_connection": "local",
            "ansible_python_interpreter": python,
            "mstr_base_url": place.simulator.base_url,
        }
        for index, place in enumerate(places)
    }
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    env = settings(simulators[0])
    env.pop("MSTR_BASE_URL", None)

    def way(name: str, which: str) -> Way:
        arguments = json.dumps({"file": str(places[0].file(50)), "bench_hosts": which})
        playbook = str(HERE / "plays" / "bulk.yml")
        command = [str(ANSIBLE / "ansible-playbook"), playbook, "-i", str(inventory), "--forks", "10", "-e", arguments]
        return Way(name, command, env, requests=lambda: sum(place.seen() for place in places))

    ten, single = way("ten environments", "all"), way("one environment", "environment0")
    return Comparison("many", "10 environments of 50, forks 10", "one environment of 50", ten, single, None, rounds)


def audits(simulator: Simulator, folder: Path) -> dict[str, Sample]:
    """Audit environments of 200 runtimes, all on one server, once each."""
    work = {
        f"{many} environment{'s' if many > 1 else ''}, policy{' and definitions' if compares else ''}": (many, compares)
        for many, compares in ((1, False), (10, False), (50, False), (50, True))
    }
    return {name: _audit(simulator, folder, many, 200, compares) for name, (many, compares) in work.items()}


def _audit(simulator: Simulator, folder: Path, environments: int, runtimes: int, compares: bool) -> Sample:
    place = Place(simulator, folder)
    place.holding(runtimes)
    variables: dict[str, Any] = {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(ANSIBLE / "python"),
        "mstr_runtimes_policy": {"networks_within": ["10.0.0.0/8"], "packages_never": ["requests<2.32"]},
    }
    if compares:
        variables |= {
            "mstr_runtimes_src": str(place.file(runtimes)),
            "mstr_runtimes_policy": {"networks_within": ["10.0.0.0/8", "192.168.0.0/16"]},
        }
    inventory = folder / "audit.json"
    hosts = dict.fromkeys(f"environment{index}" for index in range(environments))
    inventory.write_text(json.dumps({"all": {"vars": variables, "hosts": hosts}}), encoding="utf-8")
    report = f"mstr_report_dest={folder / 'audit.html'}"
    command = [str(ANSIBLE / "ansible-playbook"), "-i", str(inventory), "mstr.library.audit", "-e", report]
    return run(Way("audit", command, settings(simulator)))


def memory(place: Place) -> dict[int, float]:
    """The peak memory in MB of mstr_runtimes, by number of unchanged runtimes."""
    peaks = {}
    for count in (1, 100, 1000):
        arguments = json.dumps({"src": str(place.file(count))})
        python = str(ANSIBLE / "python")
        way = place.client(
            "bulk alone", "module_alone.py", COLLECTIONS, "mstr_runtimes", arguments,
            before=partial(place.holding, count), python=python,
        )  # fmt: skip
        peaks[count] = run(way).peak_mb
    return peaks


def growth(place: Place, counts: tuple[int, ...], most_single: int) -> dict[str, dict[int, float]]:
    """The seconds of each way to find nothing to do, by number of runtimes, from one run each."""
    seconds: dict[str, dict[int, float]] = {}
    for count in counts:
        file, before = place.file(count), partial(place.holding, count)
        bulk = place.play("bulk", "bulk.yml", before, file=str(file))
        ways = {
            "mstr_runtimes": bulk,
            "mstr_runtimes as a module": Place.as_module(bulk),
            "ansible.builtin.uri": place.play("uri", "uri.yml", before, file=str(file)),
        }
        if MSTRIO:
            ways["mstrio-py"] = place.client("mstrio-py", "mstrio_apply.py", file, before=before)
        if count <= most_single:
            ways["mstr_runtime in a loop"] = place.play("loop", "loop.yml", before, file=str(file))
        for name, way in ways.items():
            seconds.setdefault(name, {})[count] = run(way).seconds
    return seconds


def imports() -> list[tuple[str, float]]:
    """The milliseconds of each part of a task: the median of several processes without cached bytecode."""
    script = HERE / "clients" / "imports.py"
    runs: list[dict[str, float]] = []
    for _ in range(7):
        done = subprocess.run(
            [str(ANSIBLE / "python"), str(script), COLLECTIONS],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            check=True,
            capture_output=True,
            text=True,
        )
        runs.append(json.loads(done.stdout))
    return [(name, statistics.median(run[name] for run in runs)) for name in runs[0]]
