# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible does with options and results: a clearer sentence for options that it refuses, and what it masks."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from ._errors import disguises

_SURROGATE = re.compile("[\ud800-\udfff]")
_SHORTEST_PART = 8  # characters


def option_error(sentence: str, spec: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Ansible's message about an invalid option, or a better one if it names neither the option nor the value."""
    if "dictionary requested" in sentence or "sub parameter field" in sentence:
        return "\n".join(_not_mappings(spec, params)) or sentence
    return sentence


def _not_mappings(spec: Mapping[str, Any], params: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """A sentence for each value that is not a mapping of sub-options, such as `packages: [pandas]`."""
    for name, one in spec.items():
        options, value = one.get("options") or {}, params.get(name)
        for index, entry in enumerate(value if isinstance(value, list) else [value]):
            here = f"{place}{name}[{index}]" if one.get("type") == "list" else f"{place}{name}"
            if isinstance(entry, Mapping):
                yield from _not_mappings(options, entry, f"{here}.")
            elif options and entry is not None and not re.search("[={]", str(entry)):  # Ansible also accepts key=value
                needed = next((key for key, sub in options.items() if sub.get("required")), None)
                form = f"; write {{{needed}: {entry}}}" if needed and isinstance(entry, str) else ""
                yield f"{here} {entry!r} is not a mapping of options{form}"


def unicode_faults(params: Mapping[str, Any]) -> list[str]:
    """A sentence for each text with half a character (a lone surrogate), which nothing can show or log."""
    return [f"{name} {text!r} is not valid Unicode text" for name, text in _texts(params) if _SURROGATE.search(text)]


def secret_values(spec: Mapping[str, Any], params: Mapping[str, Any]) -> set[str]:
    """What Ansible must mask even if it refuses the options: the values of secret options, and credentials in base_url.

    ansible-core 2.16 and 2.19 stop collecting secrets at the first value that is not a mapping where one is expected,
    and then show all options with their values.
    """
    found = {str(params[name]) for name, one in spec.items() if one.get("no_log") and params.get(name)}
    for url in (params.get("base_url"), os.environ.get("MSTR_BASE_URL")):
        found |= _url_secrets(str(url or ""))
    return with_disguises(found)


def with_disguises(texts: Iterable[str]) -> set[str]:
    """The texts, and the forms in which a server may repeat them."""
    return {form for text in texts for form in (text, *disguises(text))}


def _url_secrets(url: str) -> set[str]:
    """Whatever may be secret in a base URL: everything before the last @, the password there, and the query.

    Such a URL is refused, but Ansible shows the options of the task.
    """
    rest = url.split("//", 1)[-1]
    credentials, at, _place = rest.rpartition("@")
    user, _colon, password = credentials.partition(":")
    # Without a password, the user name is a token.
    parts = [password or user, unquote(password or user)]
    query = re.search(r"[?#].+", rest, re.DOTALL)
    if query:
        parts += re.split("[&=]", query.group()[1:])
    # A short part alone would mask half a result.
    found = {part for part in parts if len(part) >= _SHORTEST_PART}
    return found | ({credentials + at} if at else set()) | ({query.group()} if query else set())


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
    """Every text and number in a result, with its place, such as `runtime.name`."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            yield from _texts(one, f"{name}[{index}]")
    elif value is not None and not isinstance(value, bool):
        yield name, str(value)
