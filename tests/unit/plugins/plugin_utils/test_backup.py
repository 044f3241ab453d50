"""The backup of one environment, without a playbook: its file, its second file, and what check mode makes of it."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.file import parsed
from ansible_collections.mstr.library.plugins.module_utils._model.src import read_definitions
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks import backup, playbooks
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.destination import Stat, write
from unit.support.action import LocalAction

DEFAULT = {"name": "(Default) MicroStrategy", "id": "0F35652CA7D041978BF0CBCB67531203", "is_default": True}
RUNTIME = {"name": "Etl", "id": "A" * 32, "is_default": False, "exec_timeout": 60, "whitelist": ["10.0.0.0/8"]}


class FakeAction(LocalAction):
    """The action of an environment whose server has the given runtimes. It counts the writes of mstr_runtimes."""

    def __init__(self, folder, check_mode=False, runtime=RUNTIME, **variables):
        self.started_in, self.check_mode, self.written = str(folder), check_mode, 0
        self.runtimes = [DEFAULT, runtime]
        run = {"began": "20261130T041500Z"}
        self.task_vars = {"inventory_hostname": "prod", "mstr_runtimes": [], "mstr_run": run, **variables}
        self.task_vars.setdefault("mstr_runtimes_backup_dest", str(folder / "bk.yml"))
        self.result = {"changed": True, "msg": "1 updated.", "runtimes": []}
        self.unread, self.is_stopped, self.down = [], False, False

    def run_module(self, name, options, check_mode=None, on_stop=None):
        self.options_of_module = options
        if self.down:
            return {"failed": True, "changed": False, "msg": "It is down."}
        if name == "mstr_runtime_info":
            self.read = options
            return {"runtimes": self.runtimes, "unread": self.unread, "server_time": "2026-11-30T04:15:02Z"}
        if self.check_mode or check_mode:
            return dict(self.result)
        self.written += 1
        self.seen = parsed(Path(self.dest).read_text())
        if self.is_stopped:
            self.said = on_stop(self.result)
            raise KeyboardInterrupt
        return dict(self.result)

    @property
    def dest(self):
        """The newest file."""
        return max(Path(self.started_in).glob("bk*.yml"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture
def action(tmp_path):
    return FakeAction(tmp_path)


def test_check_mode_makes_the_backup_in_memory(tmp_path):
    result = playbooks.apply(FakeAction(tmp_path, check_mode=True))
    assert (result["backup"]["written"], result["backup"]["dest"]) == (False, str(tmp_path / "bk.yml"))
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_an_incomplete_list(action):
    del action.runtimes[0]
    with pytest.raises(ValidationError, match=r"So a backup may lack others, too\. Nothing was changed\."):
        playbooks.apply(action)
    assert action.written == 0


def test_a_second_backup_keeps_the_first(tmp_path):
    """The name has the time of the run; a second run of that second gets a number. Only the owner can read it."""
    first, second = (playbooks.apply(FakeAction(tmp_path))["backup"]["dest"] for _run in range(2))
    assert (first, second) == (str(tmp_path / BK), str(tmp_path / BK.replace("Z", "Z-2")))
    assert {str(path) for path in tmp_path.iterdir()} == {first, second}
    assert (tmp_path / BK).stat().st_mode & 0o077 == 0


def test_the_role_by_itself_has_the_time_of_its_host(tmp_path):
    """A playbook that ran before has left its own."""
    action = FakeAction(tmp_path)
    action.args = {}
    dest = playbooks.apply(action)["backup"]["dest"]
    assert re.fullmatch(rf"{tmp_path}/bk\.\d{{8}}T\d{{6}}Z\.yml", dest)
    assert dest != str(tmp_path / BK)


def test_two_environments_never_write_one_backup(tmp_path, monkeypatch):
    """The role by itself, too: the paths of two hosts may be written in two ways and mean one file."""
    action = FakeAction(tmp_path, ansible_play_hosts=["prod", "test"])
    monkeypatch.setattr(
        action,
        "of_hosts",
        lambda hosts, _: {host: {"mstr_runtimes_backup_dest": f"{tmp_path}/./bk.yml"} for host in hosts},
    )
    with pytest.raises(MstrError, match="Several environments would be written to one file"):
        playbooks.apply(action)
    assert action.written == 0


@pytest.mark.parametrize("more", [{}, {"failed": True}, {"runtimes": [{"name": "A", "action": "none"}]}])
def test_a_run_that_wrote_nothing_has_no_backup(action, tmp_path, more):
    """Whatever somebody else has at that place stays."""
    (tmp_path / "bk.yml").write_text("mine")
    action.result |= {"changed": False, **more}
    assert playbooks.apply(action)["backup"]["dest"] == ""
    assert action.seen["unfinished"]
    assert [path.name for path in tmp_path.iterdir()] == ["bk.yml"]


@pytest.mark.parametrize(
    "result",
    [
        {"changed": True, "failed": True, "runtimes": [{"name": "A", "id": "B" * 32, "action": "unknown"}]},
        {"changed": False, "failed": True, "scripts": [{"name": "s", "action": "failed"}]},
    ],
)
def test_a_write_of_unknown_outcome_is_a_write(action, tmp_path, result):
    action.result |= result
    assert playbooks.apply(action)["backup"]["dest"] == str(tmp_path / BK)


def earlier(folder, *days, **content):
    """Backups of these days of November."""
    for day in days:
        path = folder / f"bk.202611{day:02}T041500Z.yml"
        fields = {"environment": "prod", "restore": True, "runtimes": [{"id": "A" * 32, "name": "Etl"}], **content}
        path.write_text(yaml.safe_dump(fields, sort_keys=False))


def kept(folder):
    return sorted(path.name[3:11] for path in folder.glob("bk.*"))


@pytest.mark.parametrize(
    ("result", "gone"),
    [
        ({}, {"20261102"}),
        ({"failed": True}, ()),
        ({"changed": False}, ()),
        ({"module_stdout": "", "failed": True}, ()),
    ],
    ids=["changed", "failed", "wrote nothing", "killed"],
)
def test_only_so_many_backups_are_kept(tmp_path, result, gone):
    """The oldest go, after a run without a failure, but no unfinished, foreign or other file, and none in a check."""
    earlier(tmp_path, 2, 5, 6)
    earlier(tmp_path, 1, unfinished=True)
    earlier(tmp_path, 3, environment="test")
    (tmp_path / "bk.20261104T041500Z.yml").write_text("notes")
    (tmp_path / "bk.yml").write_text("x")
    before = kept(tmp_path)
    assert playbooks.apply(FakeAction(tmp_path, True, mstr_runtimes_backup_keep=1))["backup"]["dest"]
    assert kept(tmp_path) == before
    action = FakeAction(tmp_path, mstr_runtimes_backup_keep=3)
    action.result |= result
    playbooks.apply(action)
    assert set(before) - set(kept(tmp_path)) == set(gone)
    assert ("20261130" in kept(tmp_path)) == (result != {"changed": False})


@pytest.mark.parametrize("keep", ["0", -1, "x", 1.5])
def test_how_many_backups_to_keep(tmp_path, keep):
    action = FakeAction(tmp_path, mstr_runtimes_backup_keep=keep)
    with pytest.raises(ValidationError, match=rf"^mstr_runtimes_backup_keep must be .*, not '{keep}'\.$"):
        playbooks.apply(action)
    assert action.written == 0


class RemoteAction(FakeAction):
    """The same where the modules run on another host: Ansible's own modules work on its files."""

    transport = "ssh"

    def stat(self, path):
        return Stat.local(path)

    def run_plain_module(self, name, options):
        path = Path(options.get("path") or options.get("src") or options["paths"][0])
        if name == "ansible.legacy.find":
            line = re.compile(options.get("contains", ""))
            files = [file for file in path.iterdir() if any(map(line.match, file.read_text().splitlines(True)))]
            return {"files": [{"path": str(file)} for file in files]}
        if name == "ansible.legacy.slurp":
            return {"content": base64.b64encode(path.read_bytes()).decode()}
        assert (name, options["state"]) == ("ansible.legacy.file", "absent")
        path.unlink()
        return {}

    def run_action(self, name, options, check_mode=None, on_stop=None):
        assert name == "ansible.legacy.copy"
        Path(options["dest"]).write_text(options["content"])
        return {}


def test_backups_on_another_host(tmp_path):
    """They are found, named, kept, removed and marked there, with modules of Ansible."""
    earlier(tmp_path, 2, 3)
    earlier(tmp_path, 1, unfinished=True)
    earlier(tmp_path, 4, environment="test")
    path = str(tmp_path / "bk.20261101T041500Z.yml")
    result = playbooks.apply(RemoteAction(tmp_path, mstr_runtimes_backup_keep=2))
    assert result["backup"]["unfinished"] == [path]
    assert kept(tmp_path) == ["20261101", "20261103", "20261104", "20261130"]
    action = RemoteAction(tmp_path, mstr_restore_src="bk.yml")
    with pytest.raises(ValidationError, match=rf"(?s)The newest:\n  {tmp_path}/bk.20261130.*{path}: 1 runtime, unfin"):
        playbooks.restore(action)
    action.task_vars["mstr_restore_src"] = path
    action.result["changed"] = False
    assert playbooks.restore(action)["restored"].endswith("; 3 newer backups exist")
    assert not read_definitions(path).unfinished
    assert len(kept(tmp_path)) == 4, "it wrote nothing, so it has no backup of its own"


HOST = {**RUNTIME, "name": "Host", "id": "C" * 32, "whitelist": ["db.example.com"]}


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_a_backup_cannot_have(tmp_path, check_mode):
    """It is named, a purge spares it, and a run that leaves it alone is not stopped by it."""
    action = FakeAction(tmp_path, check_mode, HOST, mstr_runtimes_purge_exclude=["Vendor *"])
    result = playbooks.apply(action)
    assert action.options_of_module["purge_exclude"] == ["Vendor *", "C" * 32]
    assert result["backup"]["left_out"] == ["Host", "C" * 32]
    warning, spared = result["warnings"]
    assert warning.startswith(f"No definition can express 'Host' ({'C' * 32}): whitelist[0] 'db.example.com' is not a ")
    assert warning.endswith(". It is not in the backup.")
    assert spared == "A purge spares what no definition can express."


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    "entry",
    [{"name": "Host"}, {"id": "c" * 32}, {"name": "New", "previous_names": ["Host"]}],
    ids=["name", "id", "previous name"],
)
def test_what_a_backup_cannot_have_stays(tmp_path, entry, check_mode):
    """A run that would change or delete it fails before any write; one that only names it does not."""
    action = FakeAction(tmp_path, check_mode, HOST, mstr_runtimes=[entry])
    action.result["runtimes"] = [{"name": "Host", "id": "C" * 32, "action": "updated"}]
    with pytest.raises(ValidationError, match=r"^The run would change or delete 'Host' \(C{32}\), but .*\n.*db\.examp"):
        playbooks.apply(action)
    assert (action.written, list(tmp_path.iterdir())) == (0, [])
    action.result["runtimes"][0]["action"] = "none"
    assert not playbooks.apply(action).get("failed")


BK = "bk.20261130T041500Z.yml"


def backup_in(folder):
    return read_definitions(str(folder / BK))


CREATED = {"name": "New", "id": "B" * 32, "action": "created"}
UPDATED = {
    "name": "Etl",
    "id": "A" * 32,
    "action": "updated",
    "changes": [
        {"field": "resource", "before": None, "after": {"cpu": 1.0, "mem": None}},
        {"field": "exec_timeout", "before": 600, "after": 60},
    ],
}


@pytest.mark.parametrize("failed", [False, True])
def test_what_a_run_created_is_absent(action, tmp_path, failed):
    """Also after a failure. Until its end, the backup says that the run has not ended."""
    replaced = {"name": "Etl", "id": "C" * 32, "action": "replaced"}
    old = {"name": "Etl", "id": "D" * 32, "action": "deleted"}
    action.result |= {"failed": failed, "runtimes": [CREATED, UPDATED, replaced, old]}
    result = playbooks.apply(action)
    assert action.seen["unfinished"] is True
    source = backup_in(tmp_path)
    absent = [entry for entry in source.runtimes if entry.get("state") == "absent"]
    assert absent == [{"id": x * 32, "name": name, "state": "absent"} for x, name in (("B", "New"), ("C", "Etl"))]
    assert (source.environment, source.server) == ("prod", "https://prod.example.com/L")
    assert source.server_time == "2026-11-30T04:15:02Z"
    assert not source.unfinished
    assert result["backup"]["not_restored"] == [
        "resource of 'Etl', which was never set",
        "owner and ACL of 'Etl'",
        "the runtimes of scripts, because mstr_runtimes_backup_scripts is false",
    ]


def test_an_amount_that_stays_unset_is_not_lost(tmp_path):
    """The run sets the CPU and the disk; only the disk was never set."""
    action = FakeAction(tmp_path, runtime={**RUNTIME, "resource": {"cpu": 0.5, "mem": 512}})
    amounts = {"cpu": 1.0, "mem": 512, "disk": 10, "proc_count": None}
    change = {"field": "resource", "before": {"cpu": 0.5, "mem": 512}, "after": amounts}
    action.result["runtimes"] = [{**UPDATED, "changes": [change]}]
    assert playbooks.apply(action)["backup"]["not_restored"] == ["resource.disk of 'Etl', which was never set"]


def stopped(action):
    """Run an apply that a signal stops after a create."""
    action.result["runtimes"], action.is_stopped = [CREATED], True
    with pytest.raises(KeyboardInterrupt):
        playbooks.apply(action)


def test_a_stopped_run_completes_its_backup(action, tmp_path):
    """It has what the run created. Without a write, there is none."""
    stopped(action)
    assert action.said == f"1 updated. The backup of what was there before is {tmp_path / BK}"
    assert not backup_in(tmp_path).unfinished
    assert backup_in(tmp_path).runtimes[-1]["id"] == "B" * 32
    (tmp_path / BK).unlink()
    action.result["changed"] = False
    stopped(action)
    assert (action.said, list(tmp_path.iterdir())) == ("1 updated. Nothing was changed.", [])


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("is_down", [True, False])
def test_an_unfinished_backup_is_named(tmp_path, check_mode, is_down):
    """By every later run on its environment, also by one that fails, until it is restored."""
    earlier(tmp_path, 1, 4, unfinished=True)
    earlier(tmp_path, 2, unfinished=True, environment="test")
    action = FakeAction(tmp_path, check_mode)
    action.down = is_down
    paths = [str(tmp_path / f"bk.202611{day}T041500Z.yml") for day in ("04", "01")]
    assert playbooks.apply(action)["backup"]["unfinished"] == paths
    restore = FakeAction(tmp_path, check_mode, mstr_restore_src=paths[1])
    restore.down = is_down
    assert playbooks.restore(restore)["backup"]["unfinished"] == paths[:1]
    assert read_definitions(paths[1]).unfinished is (check_mode or is_down)


@pytest.mark.parametrize(
    ("changes", "is_new"),
    [
        ({"name": None, "exec_timeout": None}, True),
        ({"id": "A" * 32}, True),
        ({"description": None}, False),
        ({"name": "Theirs"}, False),
        ({}, False),
    ],
    ids=["create", "replacement", "update", "rename", "delete"],
)
def test_an_unknown_outcome_is_no_creation(action, tmp_path, changes, is_new):
    """A colleague may have created a runtime after the backup: no way back deletes it."""
    fields = [{"field": field, "before": before, "after": 5} for field, before in changes.items()]
    action.result["runtimes"] = [{**CREATED, "action": "unknown", "changes": fields}]
    playbooks.apply(action)
    assert any(entry.get("state") == "absent" for entry in backup_in(tmp_path).runtimes) is is_new


@pytest.fixture
def full_disk(monkeypatch):
    """A function that lets the disk be full for texts for which `is_too_large` is true."""

    def fill(is_too_large):
        def write_or_fail(path, parts, *, private):
            if is_too_large("".join(parts)):
                raise OSError(28, "No space left on device")
            write(path, parts, private=private)

        monkeypatch.setattr(backup, "write", write_or_fail)

    return fill


def test_a_full_disk_before_a_run(action, tmp_path, full_disk):
    """Nothing is changed, and no part of a file stays."""
    full_disk(lambda text: True)
    with pytest.raises(ValidationError, match=rf"{BK} could not be written: No space left on device\. Nothing was cha"):
        playbooks.apply(action)
    assert (action.written, list(tmp_path.iterdir())) == (0, [])


def test_a_stopped_run_whose_disk_is_full(action, tmp_path, full_disk):
    """Its last line still says where the backup is, and what it lacks."""
    full_disk(lambda text: CREATED["id"] in text)
    stopped(action)
    where = f"1 updated. The backup of what was there before is {tmp_path / BK}"
    assert action.said.startswith(f"{where}, but it does not delete what this run created: mstr_runtimes_backup_dest ")


def test_a_killed_process_leaves_the_mark(action, tmp_path):
    """Without a result of the module, nobody knows what it created."""
    action.result = {"failed": True, "changed": False, "msg": "MODULE FAILURE", "module_stdout": "", "rc": 137}
    assert playbooks.apply(action)["backup"]["unfinished"] == [str(tmp_path / BK)]
    assert backup_in(tmp_path).unfinished


@pytest.mark.parametrize("failed", [False, True])
def test_a_backup_that_is_not_completed(action, tmp_path, full_disk, failed):
    """It is an error of a run without others, and else a warning, which no line for a runtime hides."""
    full_disk(lambda text: "\nunfinished: true" not in text)
    action.result |= {"failed": failed, "msg": "1 of 1 runtimes failed: x", "warnings": ["w"]}
    result = playbooks.apply(action)
    said = result["warnings"][-1] if failed else result["msg"]
    assert said.startswith("The backup is not complete, so it does not delete what this run created: mstr_runtimes_ba")
    assert result["failed"]
    assert result["msg"].startswith("1 of 1") is failed
    assert backup_in(tmp_path).unfinished


@pytest.mark.parametrize(
    ("variables", "with_scripts"),
    [
        ({"mstr_runtimes": [{"name": "A"}]}, False),
        ({"mstr_runtimes": [{"name": "A", "state": "absent"}]}, True),
        ({"mstr_runtimes": [{"name": "A", "replace_on_change": True}]}, True),
        ({"mstr_runtimes_purge": True}, True),
        ({"mstr_runtimes_scripts": [{"name": "s"}]}, True),
        ({"mstr_runtimes_purge": True, "mstr_runtimes_backup_scripts": False}, False),
        ({"mstr_runtimes_backup_scripts": True}, True),
    ],
)
def test_a_backup_has_the_scripts_that_may_move(action, variables, with_scripts):
    action.task_vars |= variables
    action.runtimes = [DEFAULT, {**RUNTIME, "scripts": []}]
    action.result["runtimes"] = [{"name": "Etl", "id": RUNTIME["id"], "action": "deleted"}]
    result = playbooks.apply(action)
    assert result["backup"]["with_scripts"] is with_scripts
    assert bool(action.read.get("include_scripts")) is with_scripts


@pytest.mark.parametrize("asked", [True, None])
def test_an_unread_project(action, asked):
    """It fails a backup whose scripts somebody asked for, and is a warning of any other."""
    action.unread = [{"project": "Sales", "script": None, "error": "x"}]
    action.task_vars |= {"mstr_runtimes_purge": True, "mstr_runtimes_backup_scripts": asked}
    if asked:
        with pytest.raises(ValidationError, match="Sales"):
            playbooks.apply(action)
    else:
        result = playbooks.apply(action)
        assert "Sales" in result["warnings"][0]
    assert action.written == (not asked)


@pytest.mark.parametrize("entry", [{"id": DEFAULT["id"].lower()}, {"name": DEFAULT["name"]}])
def test_a_default_runtime_that_is_in_no_backup(action, entry):
    """It is not changed: no definition can express it, or it is excluded."""
    action.result["runtimes"] = [{"name": DEFAULT["name"], "id": DEFAULT["id"], "action": "updated"}]
    action.runtimes[0] = {**DEFAULT, "whitelist": ["host"]}
    assert not playbooks.apply(action).get("failed")
    action.task_vars["mstr_runtimes"] = [entry]
    for whitelist, excluded in ((["host"], []), ([], ["(Default)*"])):
        action.runtimes[0] = {**DEFAULT, "whitelist": whitelist}
        action.task_vars["mstr_runtimes_backup_exclude"] = excluded
        with pytest.raises(ValidationError, match=r"^The run would change or delete '\(Default\) MicroStrategy' \("):
            playbooks.apply(action)


def test_a_restore_of_one_of_several(action, tmp_path):
    """It is never guessed: the newest ten are shown, also beside a plain file. The age comes first."""
    action.task_vars["mstr_restore_src"] = "none.yml"
    assert playbooks.restore(action)["left_alone"] == f"it has no backup {tmp_path}/none.yml, so it was left alone"
    earlier(tmp_path, *range(1, 13))
    earlier(tmp_path, 20, unfinished=True)
    paths = sorted(map(str, tmp_path.iterdir()), reverse=True)
    (tmp_path / "bk.yml").write_text("{restore: true, environment: prod, runtimes: []}")
    action.task_vars["mstr_restore_src"] = "bk.yml"
    with pytest.raises(ValidationError) as refusal:
        playbooks.restore(action)
    lines = refusal.value.sentence.splitlines()
    assert lines[1:] == [
        f"  {paths[0]}: 1 runtime, unfinished",
        *(f"  {path}: 1 runtime" for path in paths[1:10]),
        "To go back to the newest:",
        f"ansible-playbook -i inv mstr.library.restore --limit prod -e mstr_restore_src={paths[0]}",
    ]
    action.task_vars["mstr_restore_src"] = paths[4]
    text = Path(paths[4]).read_text()
    result = playbooks.restore(action)
    assert re.fullmatch(r"the backup of 2026-11-09 04:15 UTC, \d+ \w+ old; 4 newer backups exist", result["restored"])
    assert result["backup"]["dest"] == str(tmp_path / BK)
    assert Path(paths[4]).read_text() == text


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_policy_only_warns_in_a_restore(tmp_path, check_mode):
    """Of what is restored, by id, and with the exemptions of the host. Its own errors do not stop the way back."""
    opened = [{"name": name, "id": name * 32, "whitelist": ["0.0.0.0/0"]} for name in "ABCD"]
    content = {"environment": "prod", "server": "https://prod.example.com/L", "restore": True}
    absent = {"id": "E" * 32, "name": "E", "state": "absent"}
    (tmp_path / "old.yml").write_text(json.dumps({**content, "runtimes": [*opened, absent]}))
    action = FakeAction(tmp_path, check_mode, mstr_restore_src="old.yml")
    actions = {"A": "updated", "B": "none", "C": "created", "D": "updated", "E": "deleted"}
    action.result["runtimes"] = [{"name": name, "id": name * 32, "action": did} for name, did in actions.items()]
    action.task_vars["mstr_runtimes_policy"] = {"networks_within": ["10.0.0.0/8"]}
    exempt = [{"runtime": "D" * 32, "reason": "why", "until": "2999-12-31"}]
    action.task_vars["mstr_runtimes_exemptions"] = exempt
    said = ", although whitelist[0] '0.0.0.0/0' violates the policy networks_within: "
    restored = [text.partition(said)[0] for text in playbooks.restore(action)["warnings"]]
    assert restored == ["Runtime 'A' is restored", "Runtime 'C' is restored"]
    assert "policy" not in action.options_of_module
    action.task_vars["mstr_runtimes_policy"] = {"networks_within": ["x"]}
    [warning] = playbooks.restore(action)["warnings"]
    assert warning.startswith("Whether what is restored violates mstr_runtimes_policy is unknown: policy.networks_wit")
    action.task_vars["mstr_runtimes_policy"] = action.task_vars["mstr_runtimes_exemptions"] = None
    assert "warnings" not in playbooks.restore(action)


def test_definitions_that_are_not_given(action, tmp_path):
    """A null in an inventory counts as not given."""
    action.task_vars["mstr_runtimes"] = None
    with pytest.raises(ValidationError, match=r"^Set mstr_runtimes or mstr_runtimes_src; neither is set\.$"):
        playbooks.apply(action)
    assert (action.written, list(tmp_path.iterdir())) == (0, [])
    (tmp_path / "r.yml").write_text("runtimes: [{name: A}]")
    action.task_vars |= {"mstr_runtimes_src": "r.yml", "mstr_runtimes_backup_dest": None}
    action.check_mode = True
    playbooks.apply(action)
    assert action.options_of_module == {"src": str(tmp_path / "r.yml")}


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key", "src"])
def test_a_file_is_relative_to_the_start(action, tmp_path, option):
    action.task_vars["mstr_file"] = "file"
    assert action.options({option: "mstr_file", "name": "mstr_file"}) == {option: f"{tmp_path}/file", "name": "file"}


def test_a_backup_is_a_regular_file(action, tmp_path):
    """The role alone refuses it before its first request, too."""
    os.mkfifo(tmp_path / "bk.yml")
    action.runtimes = None
    with pytest.raises(ValidationError, match=r"^mstr_runtimes_backup_dest .*bk\.yml is a pipe \(FIFO\)"):
        playbooks.apply(action)
    assert action.written == 0


def test_exemptions_of_a_host(action):
    """They are added to those of the policy, whose rules stay. An empty guard is refused."""
    action.task_vars |= {"mstr_runtimes_policy": {"whitelist_required": True, "exemptions": [1]}}
    action.task_vars |= {"mstr_runtimes_exemptions": [2]}
    playbooks.apply(action)
    assert action.options_of_module["policy"] == {"whitelist_required": True, "exemptions": [1, 2]}
    action.task_vars["mstr_runtimes_purge_limit"] = ""
    with pytest.raises(ValidationError, match=r"^mstr_runtimes_purge_limit is empty, which would switch off"):
        playbooks.apply(action)


@pytest.mark.parametrize(
    ("stat", "error"),
    [
        (Stat("a pipe (FIFO)"), r"is a pipe \(FIFO\), not a regular file"),
        (Stat.of_module({"isreg": True, "size": 600 << 20}), "is larger than 512 MB"),
    ],
)
def test_what_is_not_read_on_a_remote_host(stat, error):
    action = SimpleNamespace(is_local=False, stat=lambda path: stat)
    with pytest.raises(ValidationError, match=rf"^src '/x\.yml' {error}$"):
        backup.source_of(action, "/x.yml")
