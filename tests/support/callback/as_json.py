"""Prints one JSON document. It replaces ansible.posix.json, because ansible-core has no such callback."""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: as_json
type: stdout
short_description: Prints one JSON document
description: Prints one JSON document.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "as_json"

    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps({"changed": stats.changed}))
