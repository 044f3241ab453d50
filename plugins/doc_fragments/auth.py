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
        C(/app) is ignored, and so is the rest of an address from a browser, such as C(/app/library/home).
      - Required unless O(session) is set, because a session contains the URL. If both are set and name different
        servers, the task fails.
      - If not set, E(MSTR_BASE_URL) is used.
    type: str
  username:
    description:
      - The user name, for O(login_mode=standard) and O(login_mode=ldap).
      - If not set, E(MSTR_USERNAME) is used.
    type: str
  password:
    description:
      - The password of O(username). An empty password is allowed, but only in the task. An empty environment variable
        counts as not set.
      - If not set, E(MSTR_PASSWORD) is used.
    type: str
  api_token:
    description:
      - An API token of the user, for O(login_mode=api_token).
      - If not set, E(MSTR_API_TOKEN) is used.
    type: str
  identity_token:
    description:
      - An identity token, for O(login_mode=identity_token).
        Use it for users who sign in through a browser (SAML, OIDC).
      - The task then uses the session of the user who created the token. No module logs out of it, because that would
        also log out this user.
      - If not set, E(MSTR_IDENTITY_TOKEN) is used.
    type: str
  login_mode:
    description:
      - How to log in. By default, the task derives it from the credential that is set in the task or in the
        environment. A user name and a password mean V(standard).
      - If no credential is set, or more than one kind without O(login_mode), the task fails.
        To log in as a guest, set V(anonymous).
      - If not set, E(MSTR_LOGIN_MODE) is used.
    type: str
    choices: [standard, ldap, anonymous, api_token, identity_token]
  session:
    description:
      - An open session, as M(mstr.library.mstr_session) returns it. The task uses it and leaves it open.
      - If O(base_url) and credentials are set, too, the task uses them only to log in again after the session has
        ended. Without O(base_url), it never sends them to the server that the session names.
      - If not set, E(MSTR_SESSION) is used.
    type: str
  validate_certs:
    description:
      - Whether the server's TLS certificate must be valid. This option overrides the environment variables of the
        Python library requests.
      - With V(false), the task accepts any certificate and warns.
      - If not set, E(MSTR_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with the certificates of the CAs to trust, on the host where the module runs.
      - If not set, E(MSTR_CA_PATH) is used. If neither is set, E(REQUESTS_CA_BUNDLE) applies.
    type: path
  client_cert:
    description:
      - A PEM file with the client certificate, on the host where the module runs. If O(client_key) is not set, the file
        must also contain the key.
      - If not set, E(MSTR_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - A PEM file with the unencrypted private key of O(client_cert), on the host where the module runs.
      - If not set, E(MSTR_CLIENT_KEY) is used.
    type: path
  timeout:
    description:
      - Seconds to wait for a connection, and for the next data of a response.
      - A request fails if its whole response takes more than ten times this long, or is larger than 64 MB.
      - If not set, E(MSTR_TIMEOUT) is used.
    type: float
    default: 30
  retries:
    description:
      - How many times to resend a request that failed because the server was busy or could not be reached, and how
        many times to log in again after the session has ended. V(0) means never.
      - A read is sent again after a failed connection and after the statuses 429, 502, 503 and 504. The pause between
        two tries grows, or is what C(Retry-After) says, but at most 60 seconds.
      - If the server stays busy or down, the task's other calls fail at once instead of being tried in turn.
      - If the response to a write was lost, or is 429, or says that the session has ended, the task first reads whether
        the server has executed it. It writes again only what is missing. The start of a script is never repeated.
      - If not set, E(MSTR_RETRIES) is used.
    type: int
    default: 3
requirements:
  - python >= 3.9
  - requests
notes:
  - At C(-vvv), the task shows a line for each request, with its method, path, status and duration. If it runs as a
    module, the result has these lines under C(trace).
  - The module reads environment variables on the host where it runs.
  - A password or token from the environment is sent only to the server in E(MSTR_BASE_URL), or to one of those in
    E(MSTR_SERVERS), which are separated by commas, if one of these variables is set. Any other O(base_url) is refused.
  - With a local connection, Ansible searches for a relative path in O(ca_path), O(client_cert) and O(client_key) as
    M(ansible.builtin.copy) does - in the directory C(files) of the role, then in that of the playbook, then next to the
    playbook. In an ad-hoc command, and on a remote host, it starts at the working directory. In an environment
    variable, use an absolute path.
  - A connection option that is null or empty counts as not set, both in the task and in the environment. The exception
    is an empty O(password) in the task.
  - Proxies come from the usual environment variables, such as E(HTTPS_PROXY). Percent-encode special characters of the
    user name and the password in a proxy URL.
  - The module does not follow redirects, and reads nothing from C(~/.netrc).
  - Every task closes the session that it opened, even after a failure, a timeout or a signal. A task that SIGKILL ends
    cannot do so; its session stays open until the server times it out.
seealso:
  - ref: ansible_collections.mstr.library.docsite.guide_sessions
    description: How tasks log in and log out, and how to share one session.
  - ref: ansible_collections.mstr.library.docsite.guide_troubleshooting
    description: Messages, their causes and what to do.
"""
