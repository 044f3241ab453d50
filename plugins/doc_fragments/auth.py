# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The connection options, the same on every module."""

    DOCUMENTATION = r"""
options:
  base_url:
    description:
      - URL of the Library server, such as C(https://mstr.example.com/MicroStrategyLibrary). A trailing C(/), C(/api) or
        C(/app) is ignored. Required unless O(session) is set, which contains it; a different one is refused.
    type: str
  username:
    description: The user name, for O(login_mode=standard) and O(login_mode=ldap).
    type: str
  password:
    description: The password of O(username). It may be empty, but only in the task.
    type: str
  api_token:
    description: An API token of the user.
    type: str
  identity_token:
    description:
      - An identity token, for users who sign in through a browser (SAML, OIDC). The task uses their session and leaves
        it open.
    type: str
  login_mode:
    description:
      - How to log in. By default, the one kind of credential that is set decides; a user name and a password mean
        V(standard).
    type: str
    choices: [standard, ldap, anonymous, api_token, identity_token]
  session:
    description:
      - An open session of M(mstr.library.mstr_session), which the task leaves open. O(base_url) and credentials serve
        to log in again after it has ended.
    type: str
  validate_certs:
    description: Whether the server's TLS certificate must be valid. With V(false), the task warns.
    type: bool
    default: true
  ca_path:
    description: A PEM file with the certificates of the CAs to trust. By default, E(REQUESTS_CA_BUNDLE) applies.
    type: path
  client_cert:
    description: A PEM file with the client certificate, and its key if O(client_key) is not set.
    type: path
  client_key:
    description: A PEM file with the unencrypted private key of O(client_cert).
    type: path
  timeout:
    description:
      - Seconds to wait for a connection, and for the next data of a response. A whole response may take ten times this
        long, and have 64 MB.
    type: float
    default: 30
  retries:
    description:
      - How many times to resend a request, and to log in again after the session has ended. A read is sent again after
        a failed connection and after 429, 502, 503 and 504, with pauses of at most 60 seconds; a write only if a read
        shows that something is still missing.
    type: int
    default: 3
requirements:
  - python >= 3.9
  - requests
notes:
  - A connection option that is not set, null or empty in the task and in C(module_defaults) comes from the variable of
    the inventory's host, such as C(mstr_base_url), with C(delegate_to), too. Without one, it comes from an environment
    variable, such as E(MSTR_BASE_URL) for O(base_url), where the module runs.
  - Credentials (user and password, token, session) come whole from the first of these that has any; so do
    O(client_cert) and O(client_key). Those of a variable are sent only to the C(mstr_base_url) of the host.
  - If E(MSTR_BASE_URL) or E(MSTR_SERVERS) (with commas) is set, a password or token from the environment is sent only
    to these servers.
  - With a local connection, Ansible searches for a relative path in O(ca_path), O(client_cert) and O(client_key) as
    M(ansible.builtin.copy) does.
  - Proxies come from variables such as E(HTTPS_PROXY). Redirects are not followed, and C(~/.netrc) is not read.
  - Every task closes the session that it opened, even after a failure, a timeout or a signal, but not after SIGKILL.
seealso:
  - ref: ansible_collections.mstr.library.docsite.guide_troubleshooting
    description: Messages, their causes and what to do.
"""
