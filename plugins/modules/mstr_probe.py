#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_probe
short_description: Record how a Strategy (MicroStrategy) Library server answers
version_added: 1.0.0
description:
  - The authors of this collection have no Library server, and the public documentation of its REST API leaves questions
    open. This module sends a fixed sequence of calls, in about a minute, and records the shape of each response.
  - It logs in, reads the releases, the server's own schema, the Python versions, the list of runtimes and the built-in
    runtime, searches one project for scripts, and reads two of these, their last runs and one planned task. It then
    creates a runtime, reads it, updates it, writes its rights as they are, tries to create another one of the same
    name, and waits for at most 60 seconds until the first one is ready. It changes no other object.
  - The names of its runtimes, at most two, start with C(mstr-library-probe-) and end with random characters. The module
    deletes them, even after a failure, a signal or a lost response. If it cannot, a warning names them.
  - A killed module cannot delete them. The next one names them in a warning.
  - RV(record) contains no host name, user, id, name of an object or secret, so you can attach it to a public issue. The
    playbook C(mstr.library.probe) writes it to a file.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
attributes:
  check_mode:
    support: partial
    details: In check mode, the module sends and records only the calls that read.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each run creates and deletes runtimes.
seealso:
  - module: mstr.library.mstr_info
  - ref: ansible_collections.mstr.library.docsite.guide_servers
    description: How servers differ.
"""

EXAMPLES = r"""
- name: Record how this server answers
  mstr.library.mstr_probe:
  register: probe

- name: Write the record to a file for a public issue
  ansible.builtin.copy:
    content: "{{ probe.record | to_nice_json }}"
    dest: server.probe.json
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
msg:
  description: In one line, how many calls were recorded.
  returned: success
  type: str
  sample: Recorded 27 calls.
record:
  description: What was recorded.
  returned: success
  type: dict
  contains:
    calls:
      description:
        - The calls, in the order in which their responses came.
        - In a path, C({id}) stands for an id.
      type: list
      elements: dict
      contains:
        method:
          description: The method of the call, such as C(GET).
          type: str
        path:
          description: The path of the call, without its query.
          type: str
        status:
          description: The HTTP status of the response. Null if none came.
          type: int
        milliseconds:
          description: The time from the request to the end of the response. Null if none came.
          type: int
        headers:
          description: The names of those headers of the response that this module knows. No value is recorded.
          type: list
          elements: str
        body:
          description:
            - The JSON of the response. Keys of up to 40 letters stay; any other key becomes C(<key>).
            - Null, true, false, empty texts, versions, error codes, and the words and numbers that the API uses for
              statuses and types stay.
              Any other value is replaced by its kind, such as C(<name>), C(<id>), C(<date>), C(<cidr>) or C(<number>).
            - A list contains each shape of its entries once. C(<no JSON>) stands for anything that is not JSON.
          type: raw
    schema:
      description:
        - Of the schema that the server generates, the operations for runtimes, scripts, tasks and objects, with the
          types that they use, without servers and descriptions. Null if the server has none.
      type: dict
  sample:
    calls:
      - method: POST
        path: /api/runtimes
        status: 409
        milliseconds: 31
        headers: [Content-Type, Date]
        body: {code: ERR0015, message: <name>, ticketId: <id>}
    schema: null
"""

import time

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._probe.probe import Probe, probe


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(),
        lambda task, _request: probe(Probe(task.session, task.stop, time.monotonic), task.check_mode, task.warn),
    )


if __name__ == "__main__":
    main()
