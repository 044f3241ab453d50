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
      - Where the Library server answers, such as C(https://mstr.example.com/MicroStrategyLibrary).
        A trailing C(/), C(/api) or C(/app) does no harm.
      - Required unless O(session) is given, which carries it. Beside a session, a URL of another server is refused.
      - If not given, the environment variable E(MSTR_BASE_URL) is used.
    type: str
  username:
    description:
      - The user, for O(login_mode=standard) and O(login_mode=ldap).
      - If not given, the environment variable E(MSTR_USERNAME) is used.
    type: str
  password:
    description:
      - The password of O(username). An empty one is legal, and is given as option, never by environment.
      - If not given, the environment variable E(MSTR_PASSWORD) is used.
    type: str
  api_token:
    description:
      - An API token of the user, for O(login_mode=api_token).
      - If not given, the environment variable E(MSTR_API_TOKEN) is used.
    type: str
  identity_token:
    description:
      - An identity token, for O(login_mode=identity_token).
        The way for users who sign in through a browser (SAML, OIDC).
      - Such a session shares the session of the token's giver, so no module ever logs it out.
      - If not given, the environment variable E(MSTR_IDENTITY_TOKEN) is used.
    type: str
  login_mode:
    description:
      - How to log in. It follows from the one kind of credential that is given, whether as option or by environment.
      - Two kinds and no O(login_mode) are an error, and so is no credential at all.
        A guest login wants O(login_mode=anonymous).
      - If not given, the environment variable E(MSTR_LOGIN_MODE) is used.
    type: str
    choices: [standard, ldap, anonymous, api_token, identity_token]
  session:
    description:
      - An open session, as M(mstr.library.mstr_session) returns it. The task leaves it open.
      - It wins over credentials, which then serve only to log in again when the session has died.
      - If not given, the environment variable E(MSTR_SESSION) is used.
    type: str
  validate_certs:
    description:
      - Whether the server's TLS certificate must be valid. It wins over the environment variables of requests.
      - With V(false), each task warns.
      - If not given, the environment variable E(MSTR_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file with the certificates of the CAs to trust. It wins over E(REQUESTS_CA_BUNDLE), which works otherwise.
      - If not given, the environment variable E(MSTR_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - A file with the client's certificate, and its key unless O(client_key) is given.
      - If not given, the environment variable E(MSTR_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - A file with the unencrypted key of O(client_cert).
      - If not given, the environment variable E(MSTR_CLIENT_KEY) is used.
    type: path
  timeout:
    description:
      - Seconds to wait for a connection, and between two bytes of an answer.
        A whole call ends at ten times that, and an answer at 64 MB.
      - If not given, the environment variable E(MSTR_TIMEOUT) is used.
    type: float
    default: 30
  retries:
    description:
      - How often a call is sent again that the server was too busy for, and how often a task may log in again when its
        session died. V(0) is never.
      - Reads are sent again after a failed connection and the statuses 429, 502, 503 and 504, writes after 429 alone.
        The pause grows, and follows C(Retry-After) up to 60 seconds.
      - A write whose answer was lost is looked up first, for some seconds, and only what is missing is done again.
      - If not given, the environment variable E(MSTR_RETRIES) is used.
    type: int
    default: 3
requirements:
  - python >= 3.9
  - requests
notes:
  - All modules of this collection are in the action group C(mstr.library.mstr), so that C(module_defaults) sets the
    connection once for a play or a block.
  - An environment variable is read where the module runs, and counts as not set when it is empty.
  - Proxies are taken from the usual environment variables. Redirects are not followed, and nothing is read from
    C(~/.netrc).
  - Whoever logs in logs out, in every outcome that a process lives to see. A task that is killed by SIGKILL cannot;
    its session stays open on the server until the server's own timeout ends it.
"""
