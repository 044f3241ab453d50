"""Wraps Display.display as ansible-runner 2.4.0 of AWX 24 does: in a worker it writes to the worker's own streams."""

from __future__ import annotations

import sys
from multiprocessing import parent_process
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

_display = Display.display


def _wrapped(self: Display, *args: Any, **options: Any) -> Any:
    if parent_process() is not None:
        stream = sys.stderr if options.get("stderr") else sys.stdout
        stream.write("a mark of an event\n")
    return _display(self, *args, **options)


Display.display = _wrapped


class CallbackModule(CallbackBase):
    """Receives nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "wrap_display"
    CALLBACK_NEEDS_ENABLED = True
