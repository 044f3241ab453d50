# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions that need a script: run only where the task allows it."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from .._errors import MstrError
from .._work.script import Script, run_script
from .creates import full, third
from .scratch import Scratch
from .words import OTHER, Answer, Unanswered, refused, why

_RUN_TIMEOUT = 60.0  # seconds
# Its last value, a variable that notebooks of the vendor use, or nothing: whichever the server takes for the result.
_RESULT = "result = 'variable'\n'value'\n"
_CONNECT = """\
import socket
try:
    socket.create_connection(({host!r}, {port}), timeout=10).close()
    print("reached")
except OSError:
    print("not reached")
"""


def _ran(scratch: Scratch, identity: str, code: str) -> dict[str, Any]:
    if not scratch.settings.scripts:
        raise Unanswered("Needs a script, which the option scripts allows.")
    scratch.may_write()
    try:
        return run_script(scratch.session, Script(code, identity, _RUN_TIMEOUT), scratch.clock, scratch.stop.pause)
    except MstrError as exc:
        scratch.stop.check()
        status = getattr(exc, "result", {}).get("status")
        raise Unanswered(f"The script ended with status {status}." if status else why(exc)) from exc


def first_script(scratch: Scratch) -> dict[str, Any]:
    """The result of the first script on the runtime with every field."""
    return _ran(scratch, scratch.once(full), _RESULT)


def after_a_script(scratch: Scratch) -> dict[str, Any]:
    """The runtime with every field, as it is after its first script."""
    scratch.once(first_script)
    return scratch.read(scratch.once(full))


# --- questions


def script_result(scratch: Scratch) -> Answer:
    """What a script returns."""
    found = scratch.once(first_script)["result"]
    value = {"value": "last_value", "variable": "variable", None: "nothing"}
    known = value.get(found, OTHER) if found is None or isinstance(found, str) else OTHER
    return known, "A script set the variable result and ended with a text; the server returned " + {
        "last_value": "the text.",
        "variable": "the variable.",
        "nothing": "nothing.",
        OTHER: "something else.",
    }[known]


def empty_whitelist(scratch: Scratch) -> Answer:
    """What a script can reach on a runtime with an empty whitelist."""
    if not scratch.settings.scripts:
        raise Unanswered("Needs a script, which the option scripts allows, and an address in the option reach.")
    if scratch.settings.reach is None:
        raise Unanswered("Needs an address that a script may try to connect to, in the option reach.")
    host, port = scratch.settings.reach
    try:
        address = ipaddress.ip_address(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, ValueError):
        raise Unanswered("The host in the option reach cannot be resolved where the module runs.") from None
    if _reached(scratch, [], str(address), port):
        return "everything", "A script on a runtime with an empty whitelist reached the address."
    # This proves that the whitelist blocks the script, not a firewall or a stopped service.
    if _reached(scratch, [f"{address}/{address.max_prefixlen}"], str(address), port):
        return "nothing", "A script reached the address with it in the whitelist, and not with an empty one."
    raise Unanswered("A script did not reach the address, not even with it in the whitelist.")


def _reached(scratch: Scratch, whitelist: list[str], host: str, port: int) -> bool:
    identity = scratch.once(third)
    refusal = scratch.patch(identity, {"whitelist": whitelist})
    if refusal:
        raise Unanswered(f"A whitelist for the trial was {refused(refusal)}.")
    return str(_ran(scratch, identity, _CONNECT.format(host=host, port=port))["stdout"]).split() == ["reached"]
