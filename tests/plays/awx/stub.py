"""A stub of ansible.controller 4.7: what it is called with must fit the options of the real modules.

The options are those of awx.awx, with the login of 4.7: `aap_token`, and neither `controller_oauthtoken` nor a module
`token`. Its modules are action plugins, so that a task takes no process. They store what they get, in the folder
`stored`, and report a change if it differs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.ansible import Play

MODULES = (
    "credential",
    "credential_type",
    "execution_environment",
    "host",
    "inventory",
    "job_template",
    "project",
    "role",
    "schedule",
    "workflow_job_template",
    "workflow_job_template_node",
)
_LOGIN = {"aap_token": {"type": "str"}, "controller_host": {}, "controller_username": {}, "controller_password": {}}
_KEPT = ("type", "choices", "required", "aliases", "elements")
_ACTION = """
import json
from pathlib import Path

from ansible.plugins.action import ActionBase

NAME, OPTIONS, STORED = {name!r}, json.loads({options!r}), Path({stored!r})


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        given = dict(self._task.args)
        self.validate_argument_spec(argument_spec=OPTIONS)
        names = [given.get(name) for name in ("workflow_job_template", "identifier", "name")]
        key = " ".join(filter(None, names)) or json.dumps(given, sort_keys=True)
        path = STORED / (NAME + ".json")
        things = json.loads(path.read_text()) if path.exists() else {{}}
        before = things.get(key, {{}})
        state = given.pop("state", "present")
        after = before if before and state == "exists" else {{**before, **given}}
        if not task_vars["ansible_check_mode"]:
            path.write_text(json.dumps({{**things, key: after}}))
        return {{"changed": after != before}}
"""
# What others have made exists once, and nothing else that the role looks up.
_LOOKUP = """
DOCUMENTATION = '''
name: controller_api
options: {_terms: {}, host: {type: str}, username: {type: str}, query_params: {type: dict}}
'''

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(direct=kwargs)
        assert self.get_option("host"), "the host is not passed on"
        return [{}] if terms[0] in ("organizations", "credentials", "notification_templates") else []
"""


def documented(tools: Play) -> dict[str, dict[str, Any]]:
    """The options of the modules of awx.awx, by the module's name."""
    names = [f"awx.awx.{module}" for module in MODULES]
    documentation = json.loads(tools.run(["ansible-doc", "--json", "--type", "module", *names]).output)
    return {module: documentation[f"awx.awx.{module}"]["doc"]["options"] for module in MODULES}


class Stub:
    """The stub, with the options of each module, installed below `folder`."""

    def __init__(self, folder: Path, options: dict[str, dict[str, Any]]) -> None:
        self.collections, self.stored = folder / "collections", folder / "stored"
        plugins = self.collections / "ansible_collections" / "ansible" / "controller" / "plugins"
        for kind in ("action", "lookup", "modules"):
            (plugins / kind).mkdir(parents=True)
        (plugins / "lookup" / "controller_api.py").write_text(_LOOKUP)
        self.stored.mkdir()
        for module, documented_options in options.items():
            own = {name: spec for name, spec in documented_options.items() if "controller_" not in name}
            spec = {name: {key: spec[key] for key in _KEPT if key in spec} for name, spec in (own | _LOGIN).items()}
            action = _ACTION.format(name=module, options=json.dumps(spec), stored=str(self.stored))
            (plugins / "action" / f"{module}.py").write_text(action)
            (plugins / "modules" / f"{module}.py").write_text("")

    def objects(self, module: str) -> dict[str, dict[str, Any]]:
        """What a module got, by the names of the objects."""
        path = self.stored / f"{module}.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}
