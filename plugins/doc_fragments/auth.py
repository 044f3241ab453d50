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
      - URL of the Library server, such as C(https://mstr.example.com/MicroStrategyLibrary).
        A trailing C(/), C(/api) or C(/app) is ignored.
      - Required unless O(session) is set, which contains it. With a session, the URL of a different server is refused.
      - If not set, the environment variable E(MSTR_BASE_URL) is used.
    type: str
  username:
    description:
      - The user, for O(login_mode=standard) and O(login_mode=ldap).
      - If not set, the environment variable E(MSTR_USERNAME) is used.
    type: str
  password:
    description:
      - The password of O(username). An empty password is legal; it can only be set in the task, not by the environment.
      - If not set, the environment variable E(MSTR_PASSWORD) is used.
    type: str
  api_token:
    description:
      - An API token of the user, for O(login_mode=api_token).
      - If not set, the environment variable E(MSTR_API_TOKEN) is used.
    type: str
  identity_token:
    description:
      - An identity token, for O(login_mode=identity_token).
        Use it for users who sign in through a browser (SAML, OIDC).
      - Such a session shares the session of the user who created the token, so no module logs it out.
      - If not set, the environment variable E(MSTR_IDENTITY_TOKEN) is used.
    type: str
  login_mode:
    description:
      - How to log in. By default, it is derived from the one kind of credential that is set, in the task or in the
        environment.
      - Two kinds of credential without O(login_mode) are an error, and so is no credential.
        A guest login requires O(login_mode=anonymous).
      - If not set, the environment variable E(MSTR_LOGIN_MODE) is used.
    type: str
    choices: [standard, ldap, anonymous, api_token, identity_token]
  session:
    description:
      - An open session, as M(mstr.library.mstr_session) returns it. The task leaves it open.
      - It takes precedence over credentials, which then serve only to log in again after the session has ended.
      - If not set, the environment variable E(MSTR_SESSION) is used.
    type: str
  validate_certs:
    description:
      - Whether the server's TLS certificate must be valid. It overrides the environment variables of requests.
      - With V(false), each task warns.
      - If not set, the environment variable E(MSTR_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with the certificates of the CAs to trust. It overrides E(REQUESTS_CA_BUNDLE), which works otherwise.
      - If not set, the environment variable E(MSTR_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - A PEM file with the client's certificate, and its key unless O(client_key) is set.
      - If not set, the environment variable E(MSTR_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - A PEM file with the unencrypted key of O(client_cert).
      - If not set, the environment variable E(MSTR_CLIENT_KEY) is used.
    type: path
  timeout:
    description:
      - Seconds to wait for a connection, and between two bytes of a response.
        A whole call ends after ten times that, and a response at 64 MB.
      - If not set, the environment variable E(MSTR_TIMEOUT) is used.
    type: float
    default: 30
  retries:
    description:
      - How many times to resend a request that the server rejected as busy, and how many times a task may log in again
        after its session has ended. V(0) means never.
      - Reads are sent again after a failed connection and the statuses 429, 502, 503 and 504, writes only after 429.
        The pause grows, and follows C(Retry-After) up to 60 seconds.
      - A write whose response was lost is looked up first, for some seconds, and only what is missing is done again.
      - If not set, the environment variable E(MSTR_RETRIES) is used.
    type: int
    default: 3
requirements:
  - python >= 3.9
  - requests
notes:
  - All modules of this collection are in the action group C(mstr.library.mstr), so that C(module_defaults) sets the
    connection once for a play or a block.
  - An environment variable is read where the module runs.
  - A connection option that is null or empty counts as not set, in the task and in the environment. The exception is an
    empty O(password) in the task.
  - Proxies are taken from the usual environment variables. Special characters of the user name and the password in a
    proxy URL must be percent-encoded. Redirects are not followed, and nothing is read from C(~/.netrc).
  - Every task closes the session that it opened, also after a failure, a timeout or a signal. A task that is killed by
    SIGKILL cannot; its session stays open until the server times it out.
  - A signal that the process inherited as ignored, as under C(nohup), stays ignored.
"""
