"""The backup of one environment, without a playbook: its file, its second file, and what check mode makes of it."""

from __future__ import annotations

import re

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks import environment
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.destination import Stat

DEFAULT = {"name": "(Default) MicroStrategy", "id": "0F35652CA7D041978BF0CBCB67531203", "is_default": True}
RUNTIME = {"name": "Etl", "id": "A" * 32, "is_default": False, "exec_timeout": 60, "whitelist": ["10.0.0.0/8"]}


class FakeAction:
    """The action of an environment whose server has the given runtimes. It counts the writes of mstr_runtimes."""

    host, is_local = "prod", True

    def __init__(self, folder, check_mode=False, runtime=RUNTIME):
        self.started_in, self.check_mode, self.written = str(folder), check_mode, 0
        self.runtimes = [DEFAULT, runtime]
        self.task_vars = {"mstr_runtimes": [], "mstr_runtimes_backup_dest": str(folder / "bk.yml")}

    def given(self, name):
        return self.task_vars.get(name)

    def is_on(self, name):
        return bool(self.given(name))

    def of_hosts(self, hosts, wanted):
        return {host: {} for host in hosts}

    def options(self, names):
        return {option: self.given(name) for option, name in names.items() if self.given(name) is not None}

    def stat(self, path):
        return Stat.local(path)

    def run_module(self, name, options, check_mode=None, **switches):
        if name == "mstr_runtime_info":
            return {"runtimes": self.runtimes}
        self.written += not self.check_mode
        return {"changed": True, "msg": "1 updated."}


def test_check_mode_makes_the_backup_in_memory(tmp_path):
    result = environment.apply(FakeAction(tmp_path, check_mode=True))
    assert (result["backup"]["written"], result["backup"]["dest"]) == (False, str(tmp_path / "bk.yml"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_backup_that_cannot_be_made_fails_in_check_mode_too(tmp_path, check_mode):
    action = FakeAction(tmp_path, check_mode, {**RUNTIME, "whitelist": ["db.example.com"]})
    result = environment.apply(action)
    assert result["failed"]
    assert "db.example.com" in result["msg"]
    assert "mstr_runtimes_backup_exclude" in result["msg"]
    assert action.written == 0
    assert list(tmp_path.iterdir()) == []


def test_a_second_backup_keeps_the_first(tmp_path):
    """The same content is written to the same file; a different one gets a file with the time in its name."""
    first = environment.apply(FakeAction(tmp_path))["backup"]["dest"]
    text = (tmp_path / "bk.yml").read_text(encoding="utf-8")
    assert environment.apply(FakeAction(tmp_path))["backup"]["dest"] == first
    changed = {**RUNTIME, "exec_timeout": 90}
    others = [environment.apply(FakeAction(tmp_path, runtime={**changed, "others": str(i)}))["backup"] for i in (1, 2)]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 3
    assert all(re.fullmatch(r"bk(\.\d{8}T\d{6}Z(-\d)?)?\.yml", name) for name in names)
    assert {other["dest"] for other in others} == {str(tmp_path / name) for name in names if name != "bk.yml"}
    assert (tmp_path / "bk.yml").read_text(encoding="utf-8") == text
    assert (tmp_path / "bk.yml").stat().st_mode & 0o077 == 0


def test_definitions_that_are_not_given(tmp_path):
    action = FakeAction(tmp_path)
    del action.task_vars["mstr_runtimes"]
    with pytest.raises(ValidationError, match=r"^Set mstr_runtimes or mstr_runtimes_src; neither is set\.$"):
        environment.apply(action)
    assert (action.written, list(tmp_path.iterdir())) == (0, [])
