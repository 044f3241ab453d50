"""What people get to see of a job, as AWX 24.6.1 shows it: on its page, in its API, as a download, and in a message.

The page and the API cut the output of each event (EVENT_STDOUT_MAX_BYTES_DISPLAY). The download is the output of
PostgreSQL's COPY, which escapes backslashes; only line ends are restored (awx/main/models/unified_jobs.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2.sandbox

EVENT_BYTES = 1024
_COLOURS = re.compile(r"\x1b\[[0-9;]*[mK]")
_COPY = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f", "\v": r"\v"})


def events_shown(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """The output of each event as the API returns it."""
    shown = []
    for event in events:
        raw = event["stdout"].encode()
        cut = raw[: EVENT_BYTES - 3].decode(errors="ignore") + "…"
        shown.append(event["stdout"] if len(raw) <= EVENT_BYTES else cut)
    return shown


def page(events: Iterable[Mapping[str, Any]]) -> str:
    """What somebody copies from the page of a job."""
    text = "\n".join(shown for shown in events_shown(events) if shown)
    return _COLOURS.sub("", text).replace("\r", "")


def download(events: Iterable[Mapping[str, Any]]) -> str:
    """The output of a job as `stdout/?format=txt_download` returns it."""
    rows = [event["stdout"].translate(_COPY) for event in events if event["stdout"]]
    return _COLOURS.sub("", "\n".join(rows).replace(r"\r\n", "\n"))


def message(template: str, job: Mapping[str, Any]) -> str:
    """The body of a message about a job."""
    return jinja2.sandbox.ImmutableSandboxedEnvironment().from_string(template).render(job=job)
