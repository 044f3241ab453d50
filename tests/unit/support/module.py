"""Runs a module in this process as Ansible does, and gives what it prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings


class Run:
    """`result` is the JSON that a module printed, `status` its exit status."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.result: dict[str, Any] = {}
        self.status: Any = None

    def __call__(self, main: Callable[[], None], **params: Any) -> dict[str, Any]:
        """Beside the options of the module: `check_mode`, `diff` and `no_log`."""
        flags = {f"_ansible_{name}": params.pop(name, False) for name in ("check_mode", "diff", "no_log")}
        raw = json.dumps({"ANSIBLE_MODULE_ARGS": {**params, **flags}}).encode()
        self._monkeypatch.setattr(basic, "_ANSIBLE_ARGS", raw)
        self._monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        self._begin_anew()
        with pytest.raises(SystemExit) as end:
            main()
        self.status = end.value.code
        printed = self._capsys.readouterr().out
        self.result = json.loads(printed) if printed else {}
        self.result.pop("_ansible_new_secrets", None)  # ansible-core 2.22 takes them from a module to mask them
        return self.result

    def _begin_anew(self) -> None:
        """What one process keeps of another module, or of a plugin of the controller, in newer releases of Ansible."""
        for name in ("_global_warnings", "_global_deprecations"):
            getattr(warnings, name, {}).clear()
        internal = sys.modules.get("ansible.module_utils._internal")
        if internal is not None:
            self._monkeypatch.setattr(internal, "is_controller", False, raising=False)

    @property
    def warnings(self) -> list[str]:
        texts = self.result.get("warnings", [])
        return [text if isinstance(text, str) else text["event"]["msg"] for text in texts]
