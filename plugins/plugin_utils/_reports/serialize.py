# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports on many runtimes as one short text, between the tasks of an audit.

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


def json_text(report: Mapping[str, Any]) -> str:
    """A report as JSON, for a file."""
    return json.dumps(report, indent=2, ensure_ascii=False)


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
