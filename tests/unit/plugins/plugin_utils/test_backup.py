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
    options_of_module = None

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
        self.backup = Path(folder, BK)

    def extra_vars(self):
        return self.extra

    def run_module(self, name, options, check_mode=None, on_stop=None):
        if name == "mstr_runtime_info":
            return {"runtimes": self.runtimes, "unread": self.unread}
        self.options_of_module = options
        self.seen = self.backup.read_text() if self.backup.exists() else None
        if self.is_stopped:
            self.said = on_stop(self.result)
            raise KeyboardInterrupt
        if self.raised:
            raise self.raised
        return dict(self.result)


@pytest.fixture
def action(tmp_path):
    return FakeAction(tmp_path)


def refused(action, sentence, work=apply.apply):
    """Whether this sentence refuses the work before the module runs."""
    with pytest.raises(ValidationError, match=sentence):
        work(action)
    return action.options_of_module is None


def test_backup_is_what_apply_takes(action):
    """All runtimes with their ids, the default one, too, and their scripts. It is never changed afterwards."""
    assert apply.apply(action)["backup"] == str(action.backup)
    source = read_definitions(str(action.backup))
    assert (source.restore, source.server) == (True, "https://prod.example.com/L")
    names_by_id = {entry["id"]: entry["name"] for entry in source.runtimes}
    assert names_by_id == {DEFAULT["id"]: DEFAULT["name"], RUNTIME["id"]: "Etl"}
    assert source.scripts == [{"id": "B" * 32, "name": "Load", "project": "C" * 32, "runtime": "Etl"}]
    assert action.backup.read_text() == action.seen
    assert action.backup.stat().st_mode & 0o077 == 0


def test_no_backup_is_replaced(tmp_path):
    """The name has the time of the run; a second run of that second gets a number."""
    first, second = (apply.apply(FakeAction(tmp_path))["backup"] for _run in range(2))
    assert (first, second) == (str(tmp_path / BK), str(tmp_path / BK.replace("Z", "Z-2")))


def test_role_by_itself_has_the_time_of_its_host(action, tmp_path):
    """A playbook that ran before has left its own."""
    action.args = {}
    path = apply.apply(action)["backup"]
    assert re.fullmatch(rf"{tmp_path}/bk\.\d{{8}}T\d{{6}}Z\.yml", path)
    assert path != str(action.backup)


def test_check_mode_writes_no_backup(action, tmp_path):
    action.check_mode = True
    assert not apply.apply(action).get("backup")
    assert list(tmp_path.iterdir()) == []


def test_backup_of_an_incomplete_list(action):
    del action.runtimes[0]
    assert refused(action, r"So a backup may lack others, too\. Nothing was changed\.")


def test_backup_that_cannot_be_written(action, tmp_path, monkeypatch):
    """Nothing is changed, and no part of a file stays."""

    def disk_is_full(path, parts, *, private):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "write", disk_is_full)
    assert refused(action, rf"{BK} could not be written: No space left on device\. Nothing was changed")
    assert list(tmp_path.iterdir()) == []


def test_backup_is_a_regular_file(action, tmp_path):
    os.mkfifo(tmp_path / "bk.yml")
    action.args, action.runtimes = {}, None  # it is refused before the first request
    assert refused(action, r"^mstr_runtimes_backup_dest .*bk\.yml is a pipe \(FIFO\)")


@pytest.mark.parametrize(
    ("work", "variable"),
    [(apply.apply, "mstr_runtimes_backup_dest"), (export.export, "mstr_export_dest")],
    ids=["backup", "export"],
)
def test_files_need_a_local_connection(action, work, variable):
    action.transport = "ssh"
    assert refused(action, f"^{variable} needs ansible_connection: local, .* of prod is ssh.$", work)


@pytest.mark.parametrize("hosts", [["prod", "test"], ["test"]], ids=["both", "prod has failed"])
def test_two_environments_never_write_one_backup(action, tmp_path, monkeypatch, hosts):
    """The role by itself: the paths of two hosts may be written in two ways and mean one file.

    On a host that has failed, the role still runs in `always` of a block.
    """
    action.args = {}
    action.task_vars["ansible_play_hosts"] = hosts
    other = {"mstr_runtimes_backup_dest": f"{tmp_path}/./bk.yml"}
    monkeypatch.setattr(action, "of_hosts", lambda hosts, _needed: dict.fromkeys(hosts, other))
    assert refused(action, "Several environments would be written to one file")


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
        {"summary": {}, "changed": True, "runtimes": [{"name": "A", "id": "B" * 32, "action": "unknown"}]},
        {"summary": {}, "scripts": [{"name": "s", "action": "failed"}]},
        {**MstrError("A fault.").to_result(), "action": "unknown"},
        {"msg": "MODULE FAILURE: No start of json char found", "module_stdout": "", "rc": -9},
        {},
    ],
    ids=["runtime", "script", "fault", "killed", "nothing"],
)
def test_result_that_proves_nothing_keeps_the_backup(action, result):
    """A write of unknown outcome, or a result that is not the module's."""
    action.result = {"failed": True, "changed": False, **result}
    assert apply.apply(action)["backup"] == str(action.backup)


FAULT = "A fault in mstr.library: KeyError in test_backup.py, line "


@pytest.mark.parametrize(
    ("raised", "sentence"), [(AnsibleError("Invalid template."), "Invalid template."), (KeyError("s3cret"), FAULT)]
)
def test_exception_keeps_the_backup(action, raised, sentence):
    action.raised = raised
    result = apply.apply(action)
    assert (result["failed"], result["backup"]) == (True, str(action.backup))
    assert result["msg"].startswith(sentence)


def test_fault_of_one_environment(action):
    """It ends in a sentence, in the report of the run, too, and stops no other environment."""
    action.raised = KeyError("environments")
    action.args = {"task": "apply", "result": "x"}
    action.task_vars |= {"mstr_runtimes_backup_dest": "", "mstr_run": {"id": "1"}}
    result = tasks.work(action)
    assert result["error"].startswith(FAULT)
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
    assert result["msg"].startswith(FAULT)
    assert "in faulty" in shown[0]
    assert "s3cret" not in shown[0].replace('raise KeyError("s3cret")', "")


@pytest.mark.parametrize(
    ("changed", "sentence"), [(True, "The backup of what was there before is {}"), (False, "Nothing was changed.")]
)
def test_stopped_run_names_its_backup(action, changed, sentence):
    action.is_stopped = True
    action.result["changed"] = changed
    with pytest.raises(KeyboardInterrupt):
        apply.apply(action)
    assert action.said == f"1 updated. {sentence.format(action.backup)}"
    assert action.backup.exists() is changed


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
    assert refused(action, r"^Set mstr_runtimes or mstr_runtimes_src; neither is set\.$")
    assert list(tmp_path.iterdir()) == []
    action.task_vars |= {"mstr_runtimes_src": "r.yml", "mstr_runtimes_backup_dest": None}
    apply.apply(action)
    assert action.options_of_module == {"src": str(tmp_path / "r.yml")}


def test_file_of_extra_variable_counts(action):
    """In place of the definitions of an inventory; else one of the two must go."""
    action.task_vars |= {"mstr_runtimes": [{"name": "A"}], "mstr_runtimes_src": "bk.yml"}
    assert refused(action, r"^Set only one of mstr_runtimes and mstr_runtimes_src")
    action.extra = {"mstr_runtimes_src": "bk.yml", "mstr_runtimes": []}
    assert refused(action, r"^Set only one of mstr_runtimes and mstr_runtimes_src")
    del action.extra["mstr_runtimes"]
    apply.apply(action)
    assert "runtimes" not in action.options_of_module


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ({"mstr_runtimes_purge_limit": None}, "mstr_runtimes_purge_limit is empty, which would switch off"),
        ({"mstr_runtimes_journal_comment": 5349}, "mstr_runtimes_journal_comment must be text"),
    ],
)
def test_an_answer_that_ansible_changed(action, extra, sentence):
    """The role refuses it, too. In an inventory, null means that a variable is not set."""
    action.args = {}
    action.task_vars |= extra
    apply.apply(action)
    action.extra, action.options_of_module = extra, None
    assert refused(action, f"^{sentence}")


def test_a_file_is_relative_to_the_start(action, tmp_path):
    action.task_vars["mstr_file"] = "file"
    assert action.options({"src": "mstr_file", "name": "mstr_file"}) == {"src": f"{tmp_path}/file", "name": "file"}


def test_exemptions_of_a_host(action):
    """They are added to those of the policy, whose rules stay."""
    action.task_vars["mstr_runtimes_policy"] = {"whitelist_required": True, "exemptions": [1]}
    action.task_vars["mstr_runtimes_exemptions"] = [2]
    apply.apply(action)
    assert action.options_of_module["policy"] == {"whitelist_required": True, "exemptions": [1, 2]}
