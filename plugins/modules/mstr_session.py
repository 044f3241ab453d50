#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_session
short_description: Log in to a Strategy (MicroStrategy) Library server once for a whole play
version_added: 1.0.0
description:
  - Logs in and returns the open session as a string. Set the option C(session) of the other modules to this string.
    They use the session and leave it open, so a play of many tasks needs only one login.
  - With O(state=absent), logs out of the session. Do this in an C(always) section, because servers limit the number of
    sessions of a user.
  - The task also logs in and out in check mode. It never reports a change, because it does not configure anything.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
options:
  state:
    description:
      - V(present) logs in. It ignores O(session), both in the task and in the environment.
      - V(absent) logs out of O(session), which is then required. If the session has already ended, the task succeeds,
        and RV(msg) reports it.
      - V(absent) leaves a session from an identity token open, because a logout would also log out the user who created
        the token. RV(msg) reports it.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each run with O(state=present) opens a new session.
seealso:
  - module: mstr.library.mstr_info
  - module: mstr.library.mstr_runtimes
    description: Manages many runtimes with one login, without a separate session.
  - ref: ansible_collections.mstr.library.docsite.guide_sessions_ends
    description: What ends a run, and what is left on the server.
"""

EXAMPLES = r"""
- name: Log in
  mstr.library.mstr_session:
    base_url: "{{ mstr_base_url }}"
    username: "{{ mstr_username }}"
    password: "{{ mstr_password }}"
  register: mstr
  no_log: true

- name: Run many tasks on one session
  # Set the session on the block, not on the play, because the task above creates it.
  module_defaults:
    group/mstr.library.mstr:
      session: "{{ mstr.session }}"
  block:
    - name: Create the runtime
      mstr.library.mstr_runtime:
        name: Nightly reports
        exec_timeout: 600
  always:
    - name: Log out
      mstr.library.mstr_session:
        state: absent
"""

RETURN = r"""
session:
  description:
    - The open session, for the option O(session) of other tasks. It is a secret, so set C(no_log=true) on the task that
      logs in.
  returned: O(state=present)
  type: str
  sample: NTZk…
msg:
  description: In one line, what was done. After a failure, what failed.
  returned: always
  type: str
  sample: Logged in to https://mstr.example.com/MicroStrategyLibrary.
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._session.connection import Connection, connection_from
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import encode
from ansible_collections.mstr.library.plugins.module_utils._text import with_escaped_forms


def prepare(params: Mapping[str, Any]) -> None:
    """Raises ValidationError if there is no session to log out of."""
    if params["state"] == "absent" and not params["session"]:
        raise auth.ValidationError(["session is missing; set it to the one that state: present returned"])


def connection(params: Mapping[str, Any]) -> Connection:
    """The connection; a login ignores a session that is already open. Raises ValidationError."""
    return connection_from({**params, "session": None} if params["state"] == "present" else params)


def open_or_close(task: auth.Task, _request: None) -> Mapping[str, Any]:
    """Log in, or log out."""
    session = task.session
    if task.params["state"] == "present":
        secret_options = [name for name, option in auth.argument_spec().items() if option.get("no_log")]
        values = [task.params[name] for name in secret_options if task.params[name]]
        text = session.handed_over = encode(session.snapshot(), session.secrets | with_escaped_forms(values))
        return {"changed": False, "session": text, "msg": f"Logged in to {session.base_url}."}
    if session.delegated:
        why = "it shares the session of the identity token's owner"
        return {"changed": False, "msg": f"Left the session on {session.base_url} open, because {why}."}
    if session.end_session():
        return {"changed": False, "msg": f"Logged out of {session.base_url}."}
    return {"changed": False, "msg": f"The session on {session.base_url} had already ended."}


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(state={"type": "str", "choices": ["present", "absent"], "default": "present"}),
        open_or_close,
        prepare=prepare,
        connection=connection,
    )


if __name__ == "__main__":
    main()
