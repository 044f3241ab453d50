"""Writes what a callback receives for each task to $MSTR_TEST_RECORD, one JSON object per line."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: aggregate
short_description: Record results
description: Records results.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result):
        self._note("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._note("failed", result)

    def v2_runner_on_skipped(self, result):
        self._note("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._note("unreachable", result)

    def v2_runner_on_async_ok(self, result):
        self._note("async ok", result)

    def v2_runner_retry(self, result):
        self._note("retry", result)

    def v2_runner_item_on_ok(self, result):
        self._note("item ok", result)

    def v2_runner_item_on_failed(self, result):
        self._note("item failed", result)

    def v2_runner_item_on_skipped(self, result):
        self._note("item skipped", result)

    def v2_on_file_diff(self, result):
        self._note("diff", result)

    def _note(self, event, result):
        task = getattr(result, "task", None) or result._task
        host = getattr(result, "host", None) or result._host
        seen = getattr(result, "result", None) or result._result
        name = task.get_name() if hasattr(task, "get_name") else str(task)
        note = {"event": event, "host": host.get_name(), "task": name, "action": task.action, "result": seen}
        with Path(os.environ["MSTR_TEST_RECORD"]).open("a") as file:
            file.write(json.dumps(note, default=str) + "\n")
