#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_script_run
short_description: Run Python code on a runtime of a MicroStrategy (Strategy) Library server
version_added: 0.1.0
description:
  - Runs code that is not a saved script, waits until it ends, and returns what it printed and its result object.
  - A run that does not end V(ready) fails the task, and shows the end of its stderr.
  - When O(run_timeout) is over, when a signal reaches the task, or when Ansible no longer waits for the task, the run
    is stopped on the server.
  - While the script runs, an outage of the server does not fail the task. It polls until O(run_timeout) is over.
  - A start whose response was lost is never repeated. The task fails and says that the script may be running.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
options:
  code:
    description:
      - The Python code. Use the lookup P(ansible.builtin.file#lookup) for code in a file.
      - Logs and job events show the code, so put no secrets into it, or set C(no_log) on the task.
    type: str
    required: true
  runtime:
    description: The name of the runtime. Without O(runtime) and O(runtime_id), the server's default runtime is used.
    type: str
  runtime_id:
    description: The id of the runtime.
    type: str
  run_timeout:
    description: Seconds after which the run is stopped on the server. The option O(timeout) belongs to the connection.
    type: float
    default: 600
attributes:
  check_mode:
    support: partial
    details: The task is skipped, and nothing is sent.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each task runs the code.
"""

EXAMPLES = r"""
- name: Print the version of pandas that scripts get
  mstr.library.mstr_script_run:
    runtime: Nightly reports
    code: |
      import pandas
      print(pandas.__version__)
  register: run

- name: Run code from a file on the server's default runtime
  mstr.library.mstr_script_run:
    code: "{{ lookup('ansible.builtin.file', 'smoke_test.py') }}"
    run_timeout: 60
"""

RETURN = r"""
msg:
  description: What was done, in one line; in check mode, why nothing was; after a failure, what failed.
  returned: always
  type: str
  sample: Ran the script on the runtime 'Nightly reports' (3B9A7C7E4D0F4E2A9B1C2D3E4F506172).
status:
  description:
    - How the run ended. V(cancelled) also if the task stopped it, for example because O(run_timeout) was over.
      Null if it is not known.
  returned: when it was started
  type: str
  choices: [ready, error, expired, cancelled]
  sample: ready
stdout:
  description: What the code printed; for a run that was stopped, what the task had read until then.
  returned: when it was started
  type: str
  sample: "2.2.3\n"
stdout_lines:
  description: The lines of RV(stdout).
  returned: when it was started
  type: list
  elements: str
  sample: ["2.2.3"]
stderr:
  description: What the code printed to stderr, likewise.
  returned: when it was started
  type: str
  sample: ""
stderr_lines:
  description: The lines of RV(stderr).
  returned: when it was started
  type: list
  elements: str
  sample: []
result:
  description:
    - The result object of the code; null if it has none, or if the run did not end V(ready).
    - The server decides which value becomes the result object. If a play depends on a value, print it as JSON.
  returned: when it was started
  type: raw
  sample: {"rows": 3}
runtime_id:
  description: The id of the runtime; null for the server's default runtime.
  returned: when it was started
  type: str
  sample: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
evaluation_id:
  description: The server's id of the run.
  returned: when it was started
  type: str
  sample: 8F1C6F0E4B7A4C0D9C3E2A1B0F9E8D7C
skipped:
  description: True in check mode.
  returned: in check mode
  type: bool
  sample: true
"""

import math
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._api import RuntimeApi, one_named
from ansible_collections.mstr.library.plugins.module_utils._names import id_from
from ansible_collections.mstr.library.plugins.module_utils._script import Script, run_script


def prepare(params: Mapping[str, Any]) -> Script:
    """The options, checked. Raises ValidationError."""
    faults = []
    if not params["code"].strip():
        faults.append("code is empty")
    if not (math.isfinite(params["run_timeout"]) and params["run_timeout"] > 0):
        faults.append(f"run_timeout must be more than 0 seconds, not {params['run_timeout']}")
    try:
        identity = id_from(params["runtime_id"])
    except auth.ValidationError as exc:
        faults += [f"runtime_{fault}" for fault in exc.faults]
    if faults:
        raise auth.ValidationError(faults)
    return Script(params["code"], identity, params["run_timeout"])


def run(task: auth.Task, script: Script) -> Mapping[str, Any]:
    """Run the code, but not in check mode: nobody can predict what it does."""
    if task.check_mode:
        return {"changed": False, "skipped": True, "msg": "Code is not run in check mode."}
    name = task.params["runtime"]
    if name is not None:
        runtime = one_named(RuntimeApi(task.library).everything(), name)
        if runtime is None:
            raise auth.ValidationError([f"no runtime has the name {name!r}; the script was not run"])
        script = script._replace(runtime_id=runtime.id, runtime_name=name)
    return run_script(task.library, script, time.monotonic, task.stop.pause, task.progress)


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(
            code={"type": "str", "required": True},
            runtime={"type": "str"},
            runtime_id={"type": "str"},
            run_timeout={"type": "float", "default": 600.0},
        ),
        run,
        prepare=prepare,
        mutually_exclusive=[("runtime", "runtime_id")],
    )


if __name__ == "__main__":
    main()
