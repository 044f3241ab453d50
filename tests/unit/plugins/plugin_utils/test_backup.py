"""The backup of one environment, and its export, without a playbook."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.src import read_definitions
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks import apply, export, tasks
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.action import Action

DEFAULT = {"name": "(Default) MicroStrategy", "id": "0F35652CA7D041978BF0CBCB67531203", "is_default": True}
RUNTIME = {"name": "Etl", "id": "A" * 32, "is_default": False, "exec_timeout": 60, "whitelist": ["10.0.0.0/8"]}
SCRIPT = {"id": "B" * 32, "name": "Load", "project": {"id": "C" * 32, "name": "Sales"}}
BK = "bk.20261130T041500Z.yml"


class FakeAction(Action):
    """The action of an environment whose server has the given runtimes, on the control node, in a run of one host.

    `seen`: the backup while the module runs.
    """

    check_mode, transport, _templar = False, "local", SimpleNamespace(template=dict, available_variables={})
    args: ClassVar[dict[str, str]] = {"result": "x"}  # of the playbook

    def of_hosts(self, hosts, wanted):
        return {host: {} for host in hosts}

    def server(self):
        return f"https://{self.task_vars['inventory_hostname']}.example.com/L"

    def __init__(self, folder, runtime=RUNTIME, **variables):
        self.started_in, self.extra, self.seen = str(folder), {}, None
        self.runtimes, self.unread = [{**DEFAULT, "scripts": []}, {**runtime, "scripts": [SCRIPT]}], []
        run = {"began": "20261130T041500Z"}
        self.task_vars = {"inventory_hostname": "prod", "mstr_runtimes": [], "mstr_run": run, **variables}
        self.task_vars.setdefault("mstr_runtimes_backup_dest", "bk.yml")
        self.result = {"changed": True, "msg": "1 updated.", "runtimes": [], "summary": {}}
        self.is_stopped, self.raised = False, None

    def extra_vars(self):
        return self.extra

    def run_module(self, name, options, check_mode=None, on_stop=None):
        if name == "mstr_runtime_info":
            return {"runtimes": self.runtimes, "unread": self.unread}
        self.options_of_module, path = options, Path(self.started_in, BK)
        self.seen = path.read_text() if path.exists() else None
        if self.is_stopped:
            self.said = on_stop(self.result)
            raise KeyboardInterrupt
        if self.raised:
            raise self.raised
        return dict(self.result)


@pytest.fixture
def action(tmp_path):
    return FakeAction(tmp_path)


def test_backup_is_what_apply_takes(action, tmp_path):
    """All runtimes with their ids, the default one, too, and their scripts. It is never changed afterwards."""
    assert apply.apply(action)["backup"] == str(tmp_path / BK)
    source = read_definitions(str(tmp_path / BK))
    assert (source.restore, source.server) == (True, "https://prod.example.com/L")
    assert [(entry["id"], entry["name"]) for entry in source.runtimes] == [
        (DEFAULT["id"], DEFAULT["name"]),
        (RUNTIME["id"], "Etl"),
    ]
    assert source.scripts == [{"id": "B" * 32, "name": "Load", "project": "C" * 32, "runtime": "Etl"}]
    assert (tmp_path / BK).read_text() == action.seen
    assert (tmp_path / BK).stat().st_mode & 0o077 == 0


def test_no_backup_is_replaced(tmp_path):
    """The name has the time of the run; a second run of that second gets a number."""
    first, second = (apply.apply(FakeAction(tmp_path))["backup"] for _run in range(2))
    assert (first, second) == (str(tmp_path / BK), str(tmp_path / BK.replace("Z", "Z-2")))


def test_role_by_itself_has_the_time_of_its_host(action, tmp_path):
    """A playbook that ran before has left its own."""
    action.args = {}
    path = apply.apply(action)["backup"]
    assert re.fullmatch(rf"{tmp_path}/bk\.\d{{8}}T\d{{6}}Z\.yml", path)
    assert path != str(tmp_path / BK)


def test_check_mode_writes_no_backup(action, tmp_path):
    action.check_mode = True
    assert not apply.apply(action).get("backup")
    assert list(tmp_path.iterdir()) == []


def test_backup_of_an_incomplete_list(action):
    del action.runtimes[0]
    with pytest.raises(ValidationError, match=r"So a backup may lack others, too\. Nothing was changed\."):
        apply.apply(action)
    assert not hasattr(action, "options_of_module")


def test_backup_that_cannot_be_written(action, tmp_path, monkeypatch):
    """Nothing is changed, and no part of a file stays."""

    def disk_is_full(path, parts, *, private):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "write", disk_is_full)
    with pytest.raises(ValidationError, match=rf"{BK} could not be written: No space left on device\. Nothing was cha"):
        apply.apply(action)
    assert (hasattr(action, "options_of_module"), list(tmp_path.iterdir())) == (False, [])


def test_backup_is_a_regular_file(action, tmp_path):
    os.mkfifo(tmp_path / "bk.yml")
    action.args, action.runtimes = {}, None  # it is refused before the first request
    with pytest.raises(ValidationError, match=r"^mstr_runtimes_backup_dest .*bk\.yml is a pipe \(FIFO\)"):
        apply.apply(action)
    assert not hasattr(action, "options_of_module")


@pytest.mark.parametrize(
    ("work", "variable"),
    [(apply.apply, "mstr_runtimes_backup_dest"), (export.export, "mstr_export_dest")],
    ids=["backup", "export"],
)
def test_files_need_a_local_connection(action, work, variable):
    action.transport = "ssh"
    with pytest.raises(ValidationError, match=f"^{variable} needs ansible_connection: local, .* of prod is ssh.$"):
        work(action)


def test_two_environments_never_write_one_backup(action, tmp_path, monkeypatch):
    """The role by itself: the paths of two hosts may be written in two ways and mean one file."""
    action.args = {}
    action.task_vars["ansible_play_hosts"] = ["prod", "test"]
    paths = {"prod": "bk.yml", "test": f"{tmp_path}/./bk.yml"}
    monkeypatch.setattr(
        action, "of_hosts", lambda hosts, _needed: {host: {"mstr_runtimes_backup_dest": paths[host]} for host in hosts}
    )
    with pytest.raises(MstrError, match="Several environments would be written to one file"):
        apply.apply(action)


@pytest.mark.parametrize("more", [{}, {"failed": True, "error": None}, {"runtimes": [{"name": "A", "action": "none"}]}])
def test_run_that_wrote_nothing_has_no_backup(action, tmp_path, more):
    """Whatever somebody else has at that place stays."""
    (tmp_path / "bk.yml").write_text("mine")
    action.result |= {"changed": False, **more}
    assert apply.apply(action)["backup"] is None
    assert action.seen
    assert [path.name for path in tmp_path.iterdir()] == ["bk.yml"]


@pytest.mark.parametrize(
    "result",
    [
        {"changed": True, "failed": True, "runtimes": [{"name": "A", "id": "B" * 32, "action": "unknown"}]},
        {"changed": False, "failed": True, "scripts": [{"name": "s", "action": "failed"}]},
        {"changed": False, "failed": True, **MstrError("A fault.").to_result(), "action": "unknown"},
    ],
    ids=["runtime", "script", "fault"],
)
def test_write_of_unknown_outcome_keeps_the_backup(action, tmp_path, result):
    action.result |= result
    assert apply.apply(action)["backup"] == str(tmp_path / BK)


@pytest.mark.parametrize(
    "result",
    [
        {"msg": "MODULE FAILURE: No start of json char found", "module_stdout": "", "rc": -9},
        {"msg": "An error in mstr.library's action plugin: KeyError."},
        {"msg": "Task failed.", "exception": "(traceback unavailable)"},
        {},
    ],
)
def test_result_that_proves_nothing_keeps_the_backup(action, tmp_path, result):
    """It is not the module's: the process was killed, or an exception ended it."""
    action.result = {"failed": True, "changed": False, **result}
    assert apply.apply(action)["backup"] == str(tmp_path / BK)


@pytest.mark.parametrize(
    ("raised", "sentence"),
    [
        (AnsibleError("Invalid template."), "Invalid template."),
        (KeyError("s3cret"), "A fault in mstr.library: KeyError in test_backup.py, line "),
    ],
)
def test_exception_keeps_the_backup(action, tmp_path, raised, sentence):
    action.raised = raised
    result = apply.apply(action)
    assert (result["failed"], result["backup"]) == (True, str(tmp_path / BK))
    assert result["msg"].startswith(sentence)


def test_fault_of_one_environment(action):
    """It ends in a sentence, in the report of the run, too, and stops no other environment."""
    action.raised = KeyError("environments")
    action.args = {"task": "apply", "result": "x"}
    action.task_vars |= {"mstr_runtimes_backup_dest": "", "mstr_run": {"id": "1"}}
    result = tasks.work(action)
    assert result["error"].startswith("A fault in mstr.library: KeyError in test_backup.py, line ")
    assert "failed" not in result


def test_fault_of_a_step(action, monkeypatch):
    """With the traceback at -vvv, but not with the text of the exception, which may be a value."""

    def faulty(_action):
        raise KeyError("s3cret")

    shown = []
    monkeypatch.setattr(ActionBase, "run", lambda *_args: {})
    monkeypatch.setattr(Display, "vvv", lambda _self, text, host: shown.append(text))
    monkeypatch.setattr(action, "_task", SimpleNamespace(args={"task": "x"}), raising=False)
    monkeypatch.setattr(action, "_connection", SimpleNamespace(transport="local"), raising=False)
    monkeypatch.setattr(action, "tasks", {"x": faulty}, raising=False)
    result = action.run(None, {"inventory_hostname": "prod"})
    assert result["failed"]
    assert result["msg"].startswith("A fault in mstr.library: KeyError in test_backup.py, line ")
    assert "in faulty" in shown[0]
    assert "s3cret" not in shown[0].replace('raise KeyError("s3cret")', "")


def test_stopped_run_names_its_backup(action, tmp_path):
    action.is_stopped = True
    with pytest.raises(KeyboardInterrupt):
        apply.apply(action)
    assert action.said == f"1 updated. The backup of what was there before is {tmp_path / BK}"
    (tmp_path / BK).unlink()
    action.result["changed"] = False
    with pytest.raises(KeyboardInterrupt):
        apply.apply(action)
    assert (action.said, list(tmp_path.iterdir())) == ("1 updated. Nothing was changed.", [])


HOST = {**RUNTIME, "name": "Host", "id": "C" * 32, "whitelist": ["db.example.com"]}


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_no_definition_can_express(tmp_path, check_mode):
    """It is left out and named, and a purge of the run spares it."""
    action = FakeAction(tmp_path, HOST, mstr_runtimes_purge_exclude=["Vendor *"])
    action.check_mode = check_mode
    [warning] = apply.apply(action)["warnings"]
    assert action.options_of_module["purge_exclude"] == ["Vendor *", "C" * 32]
    assert warning.startswith(f"No definition can express 'Host' ({'C' * 32}): whitelist[0] 'db.example.com' is not a ")
    assert warning.endswith(". It is not in the backup, and a purge spares it.")
    assert check_mode or "Etl" not in action.seen


def test_scripts_that_could_not_be_read(action):
    """They are named, and stop nothing."""
    action.unread = [{"project": "Sales", "script": None, "error": "x"}, {"project": None, "error": "x"}]
    result = apply.apply(action)
    [warning] = result["warnings"]
    assert warning.startswith("The backup lacks scripts that could not be read: Sales, the list of projects.")
    assert result["backup"]


def test_definitions_that_are_not_given(action, tmp_path):
    """A null in an inventory counts as not given."""
    action.task_vars["mstr_runtimes"] = None
    with pytest.raises(ValidationError, match=r"^Set mstr_runtimes or mstr_runtimes_src; neither is set\.$"):
        apply.apply(action)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "r.yml").write_text("runtimes: [{name: A}]")
    action.task_vars |= {"mstr_runtimes_src": "r.yml", "mstr_runtimes_backup_dest": None}
    apply.apply(action)
    assert action.options_of_module == {"src": str(tmp_path / "r.yml")}


def test_file_of_extra_variable_counts(action):
    """In place of the definitions of an inventory; else one of the two must go."""
    action.task_vars |= {"mstr_runtimes": [{"name": "A"}], "mstr_runtimes_src": "bk.yml"}
    with pytest.raises(ValidationError, match=r"^Set only one of mstr_runtimes and mstr_runtimes_src"):
        apply.apply(action)
    action.extra = {"mstr_runtimes_src": "bk.yml"}
    apply.apply(action)
    assert "runtimes" not in action.options_of_module
    action.extra["mstr_runtimes"] = []
    with pytest.raises(ValidationError, match=r"^Set only one of mstr_runtimes and mstr_runtimes_src"):
        apply.apply(action)


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ({"mstr_runtimes_purge_limit": None}, "mstr_runtimes_purge_limit is empty"),
        ({"mstr_runtimes_journal_comment": 5349}, "mstr_runtimes_journal_comment must be text"),
    ],
)
def test_an_answer_that_ansible_changed(action, extra, sentence):
    """The role refuses it, too. In an inventory, null means that a variable is not set."""
    action.args = {}
    action.task_vars |= {"mstr_runtimes": [{"name": "A"}], **extra}
    apply.apply(action)
    action.extra = extra
    with pytest.raises(ValidationError, match=f"^{sentence}"):
        apply.apply(action)


def test_a_file_is_relative_to_the_start(action, tmp_path):
    action.task_vars["mstr_file"] = "file"
    assert action.options({"src": "mstr_file", "name": "mstr_file"}) == {"src": f"{tmp_path}/file", "name": "file"}


def test_exemptions_of_a_host(action):
    """They are added to those of the policy, whose rules stay. An empty guard is refused."""
    action.task_vars |= {"mstr_runtimes_policy": {"whitelist_required": True, "exemptions": [1]}}
    action.task_vars |= {"mstr_runtimes_exemptions": [2]}
    apply.apply(action)
    assert action.options_of_module["policy"] == {"whitelist_required": True, "exemptions": [1, 2]}
    action.args = {}
    action.task_vars["mstr_runtimes_purge_limit"] = ""
    with pytest.raises(ValidationError, match=r"^mstr_runtimes_purge_limit is empty, which would switch off"):
        apply.apply(action)
