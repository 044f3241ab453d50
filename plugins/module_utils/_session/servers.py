# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""To which servers a secret from the environment may be sent. It and the address may come from different people.

Only a task with a secret from the environment imports this file.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._errors import ErrorList, ValidationError, listed
from .connection import Connection, checked_url


def with_own_login(connection: Connection, secrets: list[str], environ: Mapping[str, str]) -> Connection:
    """The connection, without a login that belongs to other servers if there is a session. Raises ValidationError.

    `secrets`: the options that come from the environment.
    """
    servers = (environ.get("MSTR_SERVERS") or "").split(",")
    addresses = {"MSTR_BASE_URL": [environ.get("MSTR_BASE_URL") or ""], "MSTR_SERVERS": servers}
    with ErrorList() as errors:
        allowed = [
            errors.check(checked_url, text, name) for name, texts in addresses.items() for text in texts if text.strip()
        ]
    if not allowed or connection.base_url in allowed:
        return connection
    if connection.session:
        return connection._replace(login=None)
    variables = " and ".join(f"MSTR_{option.upper()}" for option in secrets)
    raise ValidationError(
        [
            f"{variables} of the environment may be sent only to {listed(allowed)} (MSTR_BASE_URL and MSTR_SERVERS), "
            f"not to base_url {connection.base_url}. If that server is right, add it to MSTR_SERVERS, or set "
            f"{' and '.join(secrets)} in the task."
        ]
    )
