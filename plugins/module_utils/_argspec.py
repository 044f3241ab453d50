# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Option specs that modules share, beside the connection's in `auth`.

Wing: Work.
"""

from __future__ import annotations

from typing import Any

from ._fields import FIELDS, PURGEABLE
from ._policy import POLICY_OPTIONS

WAIT_OPTIONS: dict[str, Any] = {
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    "wait_interval": {"type": "float", "default": 2.0},
}
POLICY_OPTION: dict[str, Any] = {"policy": {"type": "dict", "options": POLICY_OPTIONS}}
DEFINITION_OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "id": {"type": "str"},
    **{field.name: dict(field.spec) for field in FIELDS},
    **{f"purge_{option}": {"type": "bool", "default": True} for option in PURGEABLE},
    "journal_comment": {"type": "str"},
}
