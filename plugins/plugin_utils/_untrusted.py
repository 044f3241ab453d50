# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks what a filter returns as no template, on every ansible-core."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common import json as _core_json

if hasattr(_core_json, "get_module_encoder"):

    def untrusted(value: Any) -> Any:
        """The value, unchanged: from ansible-core 2.19 on, what a filter returns is no template."""
        return value
else:
    from ansible.utils.unsafe_proxy import wrap_var as untrusted

__all__ = ["untrusted"]
