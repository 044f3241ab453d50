#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_info
short_description: Check the connection to a Strategy (MicroStrategy) Library server
version_added: 1.0.0
description:
  - Logs in, reads the user, the release of the server and the number of runtimes that the user can see, and logs out.
    The module changes nothing.
  - Run it first on a new server. If it succeeds, the address, the credentials, the certificate and the privilege to
    read runtimes are correct. If it fails, the message states what to fix.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
attributes:
  check_mode:
    support: full
    details: The module only reads.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: mstr.library.mstr_runtime_info
  - module: mstr.library.mstr_session
  - module: mstr.library.mstr_probe
  - ref: ansible_collections.mstr.library.docsite.guide_getting_started
    description: The first steps on a new server.
"""

EXAMPLES = r"""
- name: Check the connection
  mstr.library.mstr_info:
  register: info

- name: Show the server, the user and the number of runtimes
  ansible.builtin.debug:
    var: info.msg

- name: Check that the server offers the Python version of the runtimes
  ansible.builtin.assert:
    that: not info.python_versions or '3.12.4' in info.python_versions
    fail_msg: "This server offers only {{ info.python_versions | default([], true) | join(', ') }}"
"""

RETURN = r"""
msg:
  description: In one line, the server, its release, the user and the number of runtimes. After a failure, what failed.
  returned: always
  type: str
  sample: >-
    Logged in to https://mstr.example.com/MicroStrategyLibrary (Intelligence Server 11.6.1000.00123) as Administrator;
    12 runtimes are visible (with the default one). Python versions: 3.12.4, 3.13.1.
server:
  description: The server.
  returned: success
  type: dict
  contains:
    base_url:
      description: The URL of the Library server, without a trailing C(/api).
      type: str
    iserver_version:
      description: The release of the Intelligence Server. Null if the server does not reveal it.
      type: str
    web_version:
      description: The release of the Library. Null if the server does not reveal it.
      type: str
  sample:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    iserver_version: 11.6.1000.00123
    web_version: 11.6.1000.00123
user:
  description: The user who logged in.
  returned: success
  type: dict
  contains:
    id:
      description: The id of the user.
      type: str
    name:
      description: The full name of the user.
      type: str
  sample:
    id: 54F3D26011D2896560009A8E67019608
    name: Administrator
session:
  description: The session.
  returned: success
  type: dict
  contains:
    timeout:
      description:
        - Seconds without a request after which the server ends a session.
        - Null if the server does not report it.
      type: int
  sample:
    timeout: 1800
runtimes:
  description: The number of runtimes that the user can see, including the default runtime of the server.
  returned: success
  type: int
  sample: 12
python_versions:
  description: The Python versions that the server offers. Null on an older server that does not offer this list.
  returned: success
  type: list
  elements: str
  sample: ["3.12.4", "3.13.1"]
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError, ConnectError
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import counted_runtimes, lists_default
from ansible_collections.mstr.library.plugins.module_utils._session.response import OBJECT
from ansible_collections.mstr.library.plugins.module_utils._session.session import Session
from ansible_collections.mstr.library.plugins.module_utils._text import clean
from ansible_collections.mstr.library.plugins.module_utils._work.api import RuntimeApi


def connection_info(session: Session) -> dict[str, Any]:
    """The result: server, user, session and runtimes. Raises MstrError if one of the requests fails.

    Only the server's releases are optional: a hardened server responds with 401 [mstrio], and a gateway may close the
    connection.
    """
    user = session.get("/sessions/userInfo", operation="read who is logged in", shape=OBJECT)
    settings = session.get("/sessions", operation="read the session's settings")
    api = RuntimeApi(session)
    listed = api.list_all()
    versions = api.versions
    try:
        status = session.request("GET", "/status", operation="read the server's releases", renews=False).data()
    except (ApiError, ConnectError, ValueError):
        status = None
    server, identity = session.base_url, {"id": user.get("id"), "name": user.get("fullName")}
    releases = {
        name: _text_or_none(status.get(key)) if isinstance(status, Mapping) else None
        for name, key in (("iserver_version", "iServerVersion"), ("web_version", "webVersion"))
    }
    release = f" (Intelligence Server {clean(releases['iserver_version'])})" if releases["iserver_version"] else ""
    are = " is visible" if len(listed) == 1 else " are visible"
    visible = counted_runtimes(len(listed), lists_default(listed), are)
    offered = f" Python versions: {clean(', '.join(versions))}." if versions else ""
    name = clean(identity["name"] or "a user without a name")
    return {
        "changed": False,
        "server": {"base_url": server, **releases},
        "user": {key: _text_or_none(value) for key, value in identity.items()},
        "session": {"timeout": settings.get("timeout") if isinstance(settings, Mapping) else None},
        "runtimes": len(listed),
        "python_versions": None if versions is None else list(versions),
        "msg": f"Logged in to {server}{release} as {name}; {visible}.{offered}",
    }


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def main() -> None:
    """Entry point."""
    auth.run(auth.argument_spec(), lambda task, _request: connection_info(task.session))


if __name__ == "__main__":
    main()
