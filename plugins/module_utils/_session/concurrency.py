# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `concurrency` of several modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import ValidationError

HIGHEST = 16
CONCURRENCY_OPTION: dict[str, Any] = {"concurrency": {"type": "int", "default": 4}}


def check_concurrency(params: Mapping[str, Any]) -> None:
    """Raises ValidationError if the number of parallel requests is out of range."""
    if not 1 <= params["concurrency"] <= HIGHEST:
        raise ValidationError([f"concurrency must be from 1 to {HIGHEST}, not {params['concurrency']}"])
