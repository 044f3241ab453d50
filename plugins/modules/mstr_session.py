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
  - Logs in, and returns the open session as one opaque string for the option O(session) of the other modules, which
    leave it open. So a play of many tasks costs one login and one logout.
  - With O(state=absent), logs the session out. Do that in C(always), for a server limits the sessions of a user.
  - Nothing is configured, so the task never reports a change, and works the same in check mode.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
options:
  state:
    description:
      - V(present) logs in. An O(session) that is given, also by the environment, is ignored.
      - V(absent) logs O(session) out, and is content when the session is gone already. A session from an identity token
        is left open, since it shares the session of the token's giver; the result's C(msg) says so.
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
  # On the block, not on the play: the login above would need the session that it makes.
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
  description: The open session, a secret. Give it to O(session) of other tasks, and register it with C(no_log).
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
