"""What people get to see of a job, as AWX 24.6.1 shows it: on its page, in its API, as a download, and in a message.

The page and the API cut the output of each event (EVENT_STDOUT_MAX_BYTES_DISPLAY). The download is the output of
PostgreSQL's COPY, which escapes backslashes; only line ends are restored (awx/main/models/unified_jobs.py).
A message of a notification template is rendered once when it is saved, with a job that has no artifacts
(awx/api/serializers.py, awx/main/models/notifications.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2
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


class DescriptiveUndefined(jinja2.StrictUndefined):
    """What a name is that the job of the check does not have."""


def message(template: str, job: Mapping[str, Any]) -> str:
    """The body of a message about a job."""
    return jinja2.sandbox.ImmutableSandboxedEnvironment().from_string(template).render(job=job)


def faults_of_messages(messages: Mapping[str, Any] | None) -> list[str]:
    """Why a notification template cannot be saved, empty if it can."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=DescriptiveUndefined)
    job = {"id": 1, "status": "successful", "name": "A job", "artifacts": {}}
    faults = []
    for of in (messages or {}).values():
        try:
            json.loads(environment.from_string((of or {}).get("body") or "{}").render(job=job))
        except (jinja2.TemplateError, TypeError, ValueError) as exc:
            faults.append(f"Unable to render '{exc}'")
    return faults
