# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the result of every task as a line of JSON to the file in EXAMPLES_RECORD."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: notification
short_description: Results of tasks as lines of JSON
description: For tests alone.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Runs in addition to the callback that prints."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = False

    def _record(self, status: str, result: Any, **more: Any) -> None:
        task = getattr(result, "task", None) or result._task
        told = getattr(result, "result", None) or result._result
        entry = {"status": status, "task": task.name, "action": task.action, "result": told, **more}
        with Path(os.environ["EXAMPLES_RECORD"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result, ignored=ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)
