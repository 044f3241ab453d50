# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results on many runtimes as one short text, between the tasks of an audit.

Ansible walks through every value of a result several times: when a task returns it, when a variable holds it and when
a template uses it. With thousands of runtimes this takes most of the time of an audit. A text is one value.

Pure.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

# The variable by which the action plugin recognizes a task of the playbook mstr.library.audit.
SWITCH = "mstr_called_by_audit"
_KEY = "packed"
# What Ansible itself reads in a result.
_PLAIN = ("msg", "failed", "skipped", "unreachable", "warnings", "deprecations", "exception", "error")


def adapted(result: dict[str, Any]) -> dict[str, Any]:
    """The result of a task of an audit, which changes nothing, with everything but the message in one text."""
    plain = {key: value for key, value in result.items() if key in _PLAIN or key.startswith("_ansible")}
    rest = {key: value for key, value in result.items() if key not in plain and key != "invocation"}
    return {**plain, "changed": False, _KEY: text_of(rest)}


def unpacked(result: Any) -> Any:
    """A result, as the task returned it."""
    if not (isinstance(result, Mapping) and _KEY in result):
        return result
    return {**{key: value for key, value in result.items() if key != _KEY}, **content_of(result[_KEY])}


def text_of(content: Mapping[str, Any]) -> str:
    """The text that `content_of` reads."""
    return base64.b64encode(zlib.compress(json.dumps(content, default=str).encode(), 1)).decode()


def content_of(text: str) -> dict[str, Any]:
    """The content. Raises ValueError if it is not such a text."""
    try:
        content = json.loads(zlib.decompress(base64.b64decode(text)))
    except (zlib.error, ValueError):
        raise ValueError("is not a packed report") from None
    return dict(content)
