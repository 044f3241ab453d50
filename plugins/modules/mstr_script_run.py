#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_script_run
short_description: Run Python code on a runtime of a Strategy (MicroStrategy) Library server
version_added: 1.0.0
description:
  - Runs Python code on the server, waits until it ends, and returns its output and its result object. The code is not
    saved as a script on the server.
  - If the run does not end with the status V(ready), the task fails and shows the end of its standard error output.
  - The task stops the run on the server when O(run_timeout) is over, when it receives a signal, or when Ansible no
    longer waits for it.
  - If the server cannot be reached while the script runs, the task does not fail. It keeps polling until O(run_timeout)
    is over.
  - If the response to the start was lost, the task does not start the script again. It fails and reports that the
    script may be running.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
options:
  code:
    description:
      - The Python code. To read it from a file, use the lookup P(ansible.builtin.file#lookup).
      - Logs and job events show the code. Do not put secrets into it, or set C(no_log=true) on the task.
    type: str
    required: true
  runtime:
    description:
      - The name or the id of the runtime on which to run the code. Names are case-sensitive. A value of 32 hexadecimal
        digits is an id.
      - If not set, the code runs on the default runtime of the server.
    type: str
  run_timeout:
    description:
      - Maximum number of seconds to wait for the run. Then the task stops the run on the server and fails.
      - The option O(timeout) is different. It limits a single request.
    type: float
    default: 600
attributes:
  check_mode:
    support: partial
    details: The task runs nothing and sends nothing to the server. RV(executed) is then V(false).
  diff_mode:
    support: none
  idempotent:
    support: none
    details: The task runs the code each time.
seealso:
  - module: mstr.library.mstr_runtime
  - module: mstr.library.mstr_runtime_info
  - ref: ansible_collections.mstr.library.docsite.guide_life_of_a_runtime
    description: How to test that a runtime works.
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
  description: In one line, what was done. In check mode, why nothing was done. After a failure, what failed.
  returned: always
  type: str
  sample: Ran the script on the runtime 'Nightly reports' (3B9A7C7E4D0F4E2A9B1C2D3E4F506172).
status:
  description:
    - How the run ended. V(cancelled) also means that the task stopped the run, for example because O(run_timeout) was
      over. Null if it is not known.
  returned: when the run was started
  type: str
  choices: [ready, error, expired, cancelled]
  sample: ready
stdout:
  description: The standard output of the code. If the run was stopped, the output that the task had read until then.
  returned: when the run was started
  type: str
  sample: "2.2.3\n"
stdout_lines:
  description: The lines of RV(stdout).
  returned: when the run was started
  type: list
  elements: str
  sample: ["2.2.3"]
stderr:
  description:
    - The standard error output of the code. If the run was stopped, the output that the task had read until then.
  returned: when the run was started
  type: str
  sample: ""
stderr_lines:
  description: The lines of RV(stderr).
  returned: when the run was started
  type: list
  elements: str
  sample: []
result:
  description:
    - The result object of the code. Null if the code has no such object, or if RV(status) is not V(ready).
    - The server decides which value becomes the result object. If your play depends on a value, print it as JSON and
      read RV(stdout).
  returned: when the run was started
  type: raw
  sample: {"rows": 3}
runtime_id:
  description: The id of the runtime. Null for the default runtime of the server.
  returned: when the run was started
  type: str
  sample: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
evaluation_id:
  description: The id of the run on the server.
  returned: when the run was started
  type: str
  sample: 8F1C6F0E4B7A4C0D9C3E2A1B0F9E8D7C
executed:
  description: Whether the code was run. V(false) in check mode.
  returned: in check mode, and when the run was started
  type: bool
  sample: true
"""

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._errors import ErrorList
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import is_id
from ansible_collections.mstr.library.plugins.module_utils._work.api import RuntimeApi, one_named
from ansible_collections.mstr.library.plugins.module_utils._work.script import Script, run_script


def prepare(params: Mapping[str, Any]) -> Script:
    """The options, checked. Raises ValidationError."""
    code, runtime, timeout = params["code"], params["runtime"], params["run_timeout"]
    with ErrorList() as errors:
        if not code.strip():
            errors.add("code is empty")
        errors.check_seconds(params, "run_timeout")
        if runtime is not None and not runtime.strip():
            errors.add("runtime is empty; omit it to use the default runtime")
    if runtime is not None and is_id(runtime):
        return Script(code, runtime.upper(), timeout)
    return Script(code, None, timeout, runtime)


def run(task: auth.Task, script: Script) -> Mapping[str, Any]:
    """Run the code. Not in check mode, because its effects cannot be predicted."""
    if task.check_mode:
        return {"changed": False, "executed": False, "msg": "Code is not run in check mode."}
    name = script.runtime_name
    if name is not None:
        runtime = one_named(RuntimeApi(task.session).list_all(), name)
        if runtime is None:
            raise auth.ValidationError([f"no runtime has the name {name!r}; the script was not run"])
        script = script._replace(runtime_id=runtime.id)
    return run_script(task.session, script, time.monotonic, task.stop.pause, task.progress)


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(
            code={"type": "str", "required": True},
            runtime={"type": "str"},
            run_timeout={"type": "float", "default": 600.0},
        ),
        run,
        prepare=prepare,
    )


if __name__ == "__main__":
    main()
