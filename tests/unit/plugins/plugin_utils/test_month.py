"""A month of an administrator: a change a day, an audit every night, and the way back from each day."""

from __future__ import annotations

import copy
import random

import pytest
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._model.file import read_text
from ansible_collections.mstr.library.plugins.module_utils._work.audit import AUDIT_OPTIONS, audit, audit_inputs_from
from ansible_collections.mstr.library.plugins.module_utils._work.inputs_many import MANY_OPTIONS, inputs_for_many
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import ensure_many
from ansible_collections.mstr.library.plugins.module_utils._work.runtime_info import INFO_OPTIONS, query_from, read
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks import playbooks
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.destination import write
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.final_report import (
    FinishedRun,
    reports_of,
    run_report,
)
from ansible_collections.mstr.library.plugins.plugin_utils._reports.since import earlier_from
from unit.support.action import LocalAction
from unit.support.server import Server

HOSTS, KEEP, DAYS = ("dev", "int", "prod"), 7, 30
DEFAULT = "0F35652CA7D041978BF0CBCB67531203"


def with_defaults(spec, options):
    return {**{name: entry.get("default") for name, entry in spec.items()}, "retries": 0, **options}


class Environment(LocalAction):
    """The action of one environment, whose modules work on a server in memory."""

    def __init__(self, host, folder):
        self.server_in_memory, self.definitions, self.is_down = Server(), [], False
        self.started_in, self.name, self.nights = str(folder), host, {}

    def play(self, work, began, **variables):
        variables = {"mstr_runtimes_backup_dest": f"{self.name}.yml", "mstr_runtimes_backup_keep": KEEP, **variables}
        self.task_vars = {"inventory_hostname": self.name, "mstr_run": {"began": began}, **variables}
        return work(self)

    def run_module(self, name, options, check_mode=None, on_stop=None):
        if self.is_down:
            return {"failed": True, "changed": False, "msg": "It is down."}
        server, checks = self.server_in_memory, self.check_mode or bool(check_mode)
        try:
            if name == "mstr_runtime_info":
                params = with_defaults(INFO_OPTIONS, options)
                return dict(read(server.task(checks, **params), query_from(params)))
            params = with_defaults(MANY_OPTIONS, options)
            return dict(ensure_many(server.task(checks, **params), inputs_for_many(auth.checked_entry, params)))
        except MstrError as exc:
            return {"changed": False, **exc.to_result(), "failed": True}

    @property
    def state(self):
        """The fields of each runtime, by id, without what changes by itself."""
        runtimes = self.server_in_memory.runtimes
        return {
            identity: {key: runtimes[identity].get(key) or None for key in ("name", "execTimeout", "whitelist")}
            for identity in runtimes
            if identity != DEFAULT
        }

    def change(self, rng, day):
        """A change of the definitions, or by a colleague on the server."""
        mine = [entry for entry in self.definitions if "state" not in entry]
        theirs, runtimes = list(self.state), self.server_in_memory.runtimes
        what = rng.choice(["add", "edit", "rename", "drop", "their new", "their edit", "their deletion", "nothing"])
        if what == "add" or not mine:
            self.definitions.append({"name": f"r{day}", "exec_timeout": day})
        elif what == "edit":
            rng.choice(mine).update(exec_timeout=1000 + day, whitelist=[f"10.{day}.0.0/16"])
        elif what == "rename":
            entry = rng.choice(mine)
            entry.update(name=f"renamed{day}", previous_names=[entry["name"]])
        elif what == "drop" and len(mine) > 1:
            self.definitions.remove(rng.choice(mine))
        elif what == "their new":
            self.server_in_memory.add({"name": f"theirs{day}", "execTimeout": 5})
        elif what == "their edit" and theirs:
            identity = rng.choice(theirs)
            runtimes[identity] = {**runtimes[identity], "execTimeout": 2000 + day}
        elif what == "their deletion" and theirs:
            del runtimes[rng.choice(theirs)]

    def audited(self, earlier):
        if self.is_down:
            found = {"failed": True, "msg": "It is down."}
            return {"run": "1", **reports_of(self.name, {}, applied=None, read=found, since=earlier)}
        params = with_defaults(AUDIT_OPTIONS, {"runtimes": copy.deepcopy(self.definitions)})
        task = auth.Task(**vars(self.server_in_memory.task(True, **params)))
        found = audit(task, audit_inputs_from(auth.checked_entry, params))
        more = {"read": found["read"], "applied": found["applied"], "previous_names": found["previous_names"]}
        return {"run": "1", **reports_of(self.name, {}, since=earlier, **more)}


def reported(since):
    """What an audit says of the day, by id."""
    said = {kind: {entry["id"] for entry in since[kind]} for kind in ("created", "deleted", "renamed", "changed")}
    replaced = {(entry["before"]["id"], entry["id"]) for entry in since["replaced"]}
    return {**said, "created": said["created"] | {new for _old, new in replaced}} | {
        "deleted": said["deleted"] | {old for old, _new in replaced}
    }


def happened(before, now):
    both = before.keys() & now.keys()
    return {
        "created": now.keys() - before.keys(),
        "deleted": before.keys() - now.keys(),
        "renamed": {key for key in both if before[key]["name"] != now[key]["name"]},
        "changed": {
            key for key in both for field in ("execTimeout", "whitelist") if before[key][field] != now[key][field]
        },
    }


@pytest.mark.parametrize("seed", range(3))
def test_every_night_for_a_month(tmp_path, seed):
    """Every change is reported exactly once, in the night after it, also after an outage or by a new environment.

    Every kept backup restores its day, and only so many are kept.
    """
    rng, path = random.Random(seed), tmp_path / "nights.json"
    environments = {host: Environment(host, tmp_path) for host in HOSTS}
    last_read, days = {}, {host: {} for host in HOSTS}
    for day in range(1, DAYS + 1):
        began, present = f"202611{day:02}T041500Z", [host for host in HOSTS if host != "prod" or day > 2]
        earlier = earlier_from(read_text(str(path))) if path.exists() else None
        results = {}
        for host in present:
            environment = environments[host]
            environment.is_down = rng.random() < 0.1
            environment.change(rng, day)
            before = environment.state
            definitions = copy.deepcopy(environment.definitions)
            done = environment.play(playbooks.apply, began, mstr_runtimes=definitions, mstr_runtimes_purge=True)
            assert bool(done.get("failed")) is environment.is_down, done
            if done["changed"]:
                days[host][done["backup"]["dest"]] = before
            results[host] = environment.audited(earlier)
        run = FinishedRun("audit", results, f"2026-11-{day:02}T05:00:00+00:00", reports=[str(path)], earlier=earlier)
        assert run_report(run, write).errors == {}
        entries = {entry["environment"]: entry for entry in earlier_from(read_text(str(path))).environments.values()}
        for host in present:
            now, since = environments[host].state, entries[host].get("since")
            if environments[host].is_down:
                continue
            if host in last_read:
                assert reported(since) == happened(last_read[host], now), (day, host)
            last_read[host] = now
    for host, environment in environments.items():
        environment.is_down = False
        found = sorted(tmp_path.glob(f"{host}.*.yml"), reverse=True)
        assert len(found) == KEEP
        assert [str(path) for path in found] == sorted(days[host], reverse=True)[:KEEP]
        for backup in found:
            none = {"mstr_runtimes_backup_dest": None}
            result = environment.play(playbooks.restore, "", mstr_restore_src=str(backup), **none)
            assert not result.get("failed"), result
            back = list(environment.state.values())
            assert [fields for fields in days[host][str(backup)].values() if fields not in back] == []
