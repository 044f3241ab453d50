#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_probe
short_description: Find out how a Strategy (MicroStrategy) Library server behaves
version_added: 1.0.0
description:
  - The public documentation of the REST API does not describe every behaviour, and releases differ. The modules of this
    collection handle all known variants. This module finds out which variants your server has, as far as a module, a
    default or a guide depends on it.
  - It creates up to three runtimes, tests one question after another on them, deletes them and logs out, even after a
    failure, a signal or a lost response. If it cannot delete a runtime, the message names it.
  - The names of these runtimes start with C(mstr-library-probe-) and end with random characters. The module changes no
    other object.
  - It does not test what could harm others, such as deleting the default runtime or using up the sessions of a user.
  - RV(answers), RV(profile) and RV(product) contain no host name, user, id, name of an object or secret, so you can
    attach them to a public issue. The playbook C(mstr.library.probe) writes them to a file.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
options:
  scripts:
    description: Whether to also run up to three short scripts on the runtimes of the probe.
    type: bool
    default: false
  reach:
    description:
      - The address of a service in your network that accepts connections, as C(host:port). A script tries to connect to
        it, to find out what a script can reach if the whitelist of its runtime is empty. By default, this is not
        tested.
      - Requires O(scripts=true).
    type: str
  wait_timeout:
    description: Maximum number of seconds to wait until a runtime of the probe and its package are ready.
    type: float
    default: 120
  cleanup:
    description:
      - Whether to also delete the runtimes that an earlier probe left behind because it was killed. With V(false), a
        warning lists them.
      - Do not use it while another probe runs on the same server.
    type: bool
    default: false
attributes:
  check_mode:
    support: partial
    details: In check mode, the module only reads, and reports which questions it cannot answer without writing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each run creates and deletes runtimes.
seealso:
  - module: mstr.library.mstr_info
  - module: mstr.library.mstr_runtime
  - ref: ansible_collections.mstr.library.docsite.guide_servers
    description: What each answer means for you.
"""

EXAMPLES = r"""
- name: Find out how this server behaves
  mstr.library.mstr_probe:
  register: probe

- name: Show how many questions were answered
  ansible.builtin.debug:
    msg: "{{ probe.msg }}"

- name: Find out what a script can reach if the whitelist of its runtime is empty
  mstr.library.mstr_probe:
    scripts: true
    reach: 10.0.0.1:443
"""

RETURN = r"""
msg:
  description:
    - In one line, how many questions were answered, and whether the modules handle the answers.
    - If a runtime of the probe could not be deleted, its name.
  returned: success
  type: str
  sample: 26 of 32 questions answered; the modules handle all of them.
answers:
  description: The questions and their answers, in the order in which they were asked.
  returned: success
  type: list
  elements: dict
  contains:
    switch:
      description: The name of the question. The simulator has a switch with the same name.
      type: str
    question:
      description: The question.
      type: str
    value:
      description:
        - The answer. Null if the question could not be answered.
        - V(other) means a behaviour that this collection does not know.
      type: raw
    evidence:
      description: What the module observed, or why the question could not be answered.
      type: str
    handled:
      description: Whether the modules handle this behaviour. Null if the question could not be answered.
      type: bool
  sample:
    - switch: duplicate_names
      question: Can two runtimes have the same name?
      value: refuse
      evidence: A second runtime of the same name was refused with 409 ERR0015.
      handled: true
    - switch: script_metadata
      question: Does a script see the metadata of the installed packages?
      value: null
      evidence: "Needs a script; set scripts: true."
      handled: null
profile:
  description: >-
    The answers as settings for the simulator, which then behaves like this server.
    It contains only answers with a known behaviour, such as C(duplicate_names=refuse).
  returned: success
  type: dict
product:
  description: The releases of the product. A release is null if the server does not reveal it.
  returned: success
  type: dict
  contains:
    iserver_version:
      description: The release of the Intelligence Server.
      type: str
    web_version:
      description: The release of the Library.
      type: str
  sample: {iserver_version: 11.6.1000.00123, web_version: 11.6.1000.00123}
"""

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._probe.base import ProbeRun, Settings
from ansible_collections.mstr.library.plugins.module_utils._probe.probe import probe, settings_from


def ask(task: auth.Task, settings: Settings) -> Mapping[str, Any]:
    """Ask all questions."""
    settings = settings._replace(check_mode=task.check_mode)
    return probe(ProbeRun(task.session, settings, task.stop, time.monotonic, task.warn))


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(
            scripts={"type": "bool", "default": False},
            reach={"type": "str"},
            wait_timeout={"type": "float", "default": 120.0},
            cleanup={"type": "bool", "default": False},
        ),
        ask,
        prepare=settings_from,
    )


if __name__ == "__main__":
    main()
