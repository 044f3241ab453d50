# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds values that Ansible masks only because they happen to contain the text of a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def passwords_in(url: str | None) -> set[str]:
    """The password in a base URL. Such a URL is refused, and Ansible must not show the password with the arguments."""
    found = re.search("//[^/@]*?:([^/@]+)@", url or "")
    return {found.group(1)} if found else set()


def masked_by_coincidence(result: Mapping[str, Any], secrets: Iterable[object]) -> str | None:
    """A warning if Ansible will mask real values in the result, because it masks a secret's text everywhere."""
    facts = {key: value for key, value in result.items() if key not in ("msg", "error")}
    # Search the whole text first, because a walk through a thousand runtimes takes longer than the rest of a task.
    whole = json.dumps(facts, ensure_ascii=False, default=str)
    escaped = {str(secret): json.dumps(str(secret), ensure_ascii=False)[1:-1] for secret in secrets}
    found = {secret for secret, text in escaped.items() if secret and text in whole}
    if not found:
        return None
    names = sorted({name for name, text in _texts(facts) if any(secret in text for secret in found)})
    if not names:
        return None
    return (
        f"The result does not show the real value of {', '.join(names)}: it contains a secret of this task, "
        "which Ansible masks everywhere. To avoid this, use a longer secret."
    )


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text and number in a result, with its place, such as C(runtime.name)."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            yield from _texts(one, f"{name}[{index}]")
    elif value is not None and not isinstance(value, bool):
        yield name, str(value)
