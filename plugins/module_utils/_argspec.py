# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Option specs that modules share, beside the connection's in `auth`.

Floor 3.
"""

from __future__ import annotations

from typing import Any

from ._fields import FIELDS, PURGEABLE


def definition_options() -> dict[str, Any]:
    """The options that define one runtime."""
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "id": {"type": "str"},
        **{field.name: dict(field.spec) for field in FIELDS},
        **{f"purge_{option}": {"type": "bool", "default": True} for option in PURGEABLE},
        "journal_comment": {"type": "str"},
    }
