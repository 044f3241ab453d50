# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call of the API: what is sent, and after which statuses a call of its kind is sent again."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

READ, WRITE, LOGIN = "read", "write", "login"

# A read changes nothing, so it is always safe to repeat. A 503 to a login means that the server is still starting. A
# write is never sent again by the session, see `Session.request`; a 429 is waited out before its caller looks.
RETRY_STATUSES: Mapping[str, frozenset[int]] = {
    READ: frozenset({429, 502, 503, 504}),
    LOGIN: frozenset({429, 503}),
    WRITE: frozenset({429}),
}

_TOKEN = "X-MSTR-AuthToken"
_PROJECT = "X-MSTR-ProjectID"


class Call(NamedTuple):
    """A call to `path` below /api. `operation`: for messages, such as "list the runtimes".

    `project`: the id of a project. `polling`: the caller asks again by itself, so there is one attempt, even after the
    server was given up. `timeout`: in seconds, if it is not that of the connection. `why`: for the trace, if the call
    is one that another call led to.
    """

    kind: str
    method: str
    path: str
    operation: str
    json: Any = None
    params: Mapping[str, Any] | None = None
    project: str | None = None
    token: str | None = None
    polling: bool = False
    timeout: float | None = None
    why: str = ""

    @property
    def name(self) -> str:
        """For messages, such as `GET /api/runtimes`."""
        return f"{self.method} /api{self.path}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that only this call has."""
        headers = {_TOKEN: self.token, _PROJECT: self.project}
        return {name: value for name, value in headers.items() if value}

    @property
    def subject(self) -> Hashable:
        """The object that the call is about, as far as the call shows it. All creates have the same path."""
        name = self.json.get("name") if self.method == "POST" and isinstance(self.json, Mapping) else None
        return self.path, str(self.params), self.project, str(name)
