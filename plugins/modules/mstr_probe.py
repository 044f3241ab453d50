#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_probe
short_description: Find out how a Strategy (MicroStrategy) Library server behaves
version_added: 0.1.0
description:
  - The public documentation of the REST API leaves questions open, and releases differ. The modules of this collection
    handle the variants that are known. This module asks a server which variant it is.
  - It creates up to three runtimes, tries one question after another on them, deletes them and logs out, even after a
    failure, a signal or a lost response. If it cannot delete one, the message names it.
  - The names of these runtimes are C(mstr-library-probe-) and random characters. No other object is changed.
  - Nothing is tried that could harm others, such as deleting the default runtime or using up the sessions of a user.
    These questions are listed without an answer.
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
    description: Also run up to four scripts of a few lines on the runtimes of the probe.
    type: bool
    default: false
  reach:
    description:
      - A service that a script may try to connect to, as C(host:port). It answers what a script can reach if the
        whitelist of its runtime is empty. Choose an address of your network that accepts connections.
      - Needs O(scripts=true).
    type: str
  wait_timeout:
    description: How many seconds to wait until a runtime of the probe and its package are ready.
    type: float
    default: 120
  cleanup:
    description:
      - Also delete the runtimes that an earlier probe left because it was killed. Without this, a warning lists them.
      - Do not use it while another probe runs on the same server.
    type: bool
    default: false
attributes:
  check_mode:
    support: partial
    details: Only reads, and reports which questions need writing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each run creates and deletes runtimes.
seealso:
  - ref: Where a server may differ <ansible_collections.mstr.library.docsite.guide_servers>
    description: What each answer means for you.
"""

EXAMPLES = r"""
- name: Find out how this server behaves
  mstr.library.mstr_probe:
  register: probe

- name: Show what was found out, and what could not be
  ansible.builtin.debug:
    msg: "{{ probe.msg }}"

- name: Also find out what a script reaches if the whitelist of its runtime is empty
  mstr.library.mstr_probe:
    scripts: true
    reach: 10.0.0.1:443
"""

RETURN = r"""
msg:
  description:
    - How many questions were answered, and whether the modules handle the answers.
    - It also names the runtimes that could not be deleted.
  returned: success
  type: str
  sample: 42 of 50 questions answered; the modules handle all of them.
answers:
  description: The questions and their answers, in the order in which they were asked.
  returned: success
  type: list
  elements: dict
  contains:
    switch:
      description: The name of the question, which is also the name of a switch of the simulator.
      type: str
    question:
      description: The question.
      type: str
    value:
      description:
        - The answer. Null if the question could not be answered.
        - V(other) if the server behaves in a way that nobody has described yet.
      type: raw
    evidence:
      description: What was seen, or why the question could not be answered.
      type: str
    handled:
      description: Whether the modules handle this behaviour. Null without an answer.
      type: bool
  sample:
    - switch: duplicate_names
      question: Can two runtimes have the same name?
      value: refuse
      evidence: A second runtime of the same name was refused with 409 ERR0015.
      handled: true
    - switch: default_delete
      question: Can the built-in runtime be deleted?
      value: null
      evidence: "Never tried: every script without a runtime needs it."
      handled: null
profile:
  description: >-
    The answers as settings of the simulator, which then behaves like this server.
    It holds the questions that were answered with a behaviour that is known, such as C(duplicate_names=refuse).
  returned: success
  type: dict
product:
  description: The releases of the product, null if the server does not reveal them.
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
from ansible_collections.mstr.library.plugins.module_utils._probe import probe, settings_from
from ansible_collections.mstr.library.plugins.module_utils._probe_scratch import Scratch
from ansible_collections.mstr.library.plugins.module_utils._probe_words import Settings


def ask(task: auth.Task, settings: Settings) -> Mapping[str, Any]:
    """Ask all questions."""
    settings = settings._replace(check_mode=task.check_mode)
    return probe(Scratch(task.library, settings, task.stop, time.monotonic, task.warn))


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
