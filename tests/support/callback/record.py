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


def _noted(event):
    """A method that writes the event and its result."""

    def method(self, result, ignore_errors=False):
        task = getattr(result, "task", None) or result._task
        host = getattr(result, "host", None) or result._host
        seen = getattr(result, "result", None) or result._result
        name = task.get_name() if hasattr(task, "get_name") else str(task)
        note = {"event": event, "host": host.get_name(), "task": name, "action": task.action, "result": seen}
        with Path(os.environ["MSTR_TEST_RECORD"]).open("a") as file:
            file.write(json.dumps(note, default=str) + "\n")

    return method


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    v2_runner_on_ok = _noted("ok")
    v2_runner_on_failed = _noted("failed")
    v2_runner_on_skipped = _noted("skipped")
    v2_runner_on_unreachable = _noted("unreachable")
    v2_runner_on_async_ok = _noted("async ok")
    v2_runner_retry = _noted("retry")
    v2_runner_item_on_ok = _noted("item ok")
    v2_runner_item_on_failed = _noted("item failed")
    v2_runner_item_on_skipped = _noted("item skipped")
    v2_on_file_diff = _noted("diff")
