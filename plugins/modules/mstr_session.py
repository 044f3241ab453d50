#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_session
short_description: Log in to a MicroStrategy (Strategy) Library server once for a whole play
version_added: 0.1.0
description:
  - Logs in and returns the open session as one opaque string for the option O(session) of the other modules, which
    leave it open. A play of many tasks then needs one login and one logout.
  - With O(state=absent), logs the session out. Do that in C(always), because servers limit the sessions of a user.
  - The task configures nothing. So it never reports a change, and it works the same in check mode.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
options:
  state:
    description:
      - V(present) logs in. An O(session) in the task or in the environment is ignored.
      - V(absent) logs out of O(session). If the session has already ended, the task succeeds, and C(msg) says so.
      - V(absent) leaves a session from an identity token open, because it shares the session of the user who created
        the token. C(msg) says so.
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
    details: Each run with O(state=present) opens another session.
"""

EXAMPLES = r"""
- name: Log in
  mstr.library.mstr_session:
    base_url: "{{ mstr_base_url }}"
    username: "{{ mstr_username }}"
    password: "{{ mstr_password }}"
  register: mstr
  no_log: true

- name: Many tasks on one session
  # Set it on the block, not on the play: the login above creates this session.
  module_defaults:
    group/mstr.library.mstr:
      session: "{{ mstr.session }}"
  block:
    - name: A runtime
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
  description: The open session, a secret. Set O(session) of other tasks to it, and use C(no_log) on this task.
  returned: O(state=present)
  type: str
  sample: NTZk…
msg:
  description: What was done.
  returned: success
  type: str
  sample: Logged in to https://mstr.example.com/MicroStrategyLibrary.
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._connection import Connection, from_params


def prepare(params: Mapping[str, Any]) -> None:
    """Raises ValidationError where there is no session to end."""
    if params["state"] == "absent" and not params["session"]:
        raise auth.ValidationError(["session is missing; set it to the one that state: present returned"])


def connection(params: Mapping[str, Any]) -> Connection:
    """The connection; a login ignores a session that is already open. Raises ValidationError."""
    return from_params({**params, "session": None} if params["state"] == "present" else params)


def open_or_close(task: auth.Task, _request: None) -> Mapping[str, Any]:
    """Log in, or log out."""
    library = task.library
    if task.params["state"] == "present":
        session = library.session_string()
        return {"changed": False, "session": session, "msg": f"Logged in to {library.base_url}."}
    if library.delegated:
        why = "it shares the session of the identity token's owner"
        return {"changed": False, "msg": f"Left the session on {library.base_url} open, because {why}."}
    if library.end_session():
        return {"changed": False, "msg": f"Logged out of {library.base_url}."}
    return {"changed": False, "msg": f"The session on {library.base_url} had already ended."}


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
