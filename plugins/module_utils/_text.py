# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts for people: cleaned, cut, masked, counted and listed; the texts in a value; and the forms of a secret.

Imports nothing of the collection, of ansible or of requests.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import product
from typing import Any
from urllib.parse import quote, quote_plus

# C0 and C1 controls, and the marks that change the direction of text: a server's message must not drive a terminal.
HIDDEN = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"
_CONTROLS = re.compile(f"[\x00-\x1f{HIDDEN}]+")
_ESCAPES = re.compile("\x1b(\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|.)")
# Half of a character, which cannot be written as UTF-8.
SURROGATE = re.compile("[\ud800-\udfff]")
UNREAD = "\ufffd"  # stands for it
LONGEST_TEXT = 1000  # characters that people are shown of a text in a response
_READ_LIMIT = 20_000
# From Python 3.14 on, fromisoformat also accepts the hour 24.
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?[0-5]\d)?", re.ASCII)
NAMES_IN_MESSAGE = 10
DEEPEST = 100


def cut(text: str, limit: int, length: int = 0) -> str:
    """The text, or its beginning with the number of its characters; `length`: of a longer text that it was before."""
    if len(text) <= limit and not length:
        return text
    more = f"… ({length or len(text)} characters)"
    return f"{text[: limit - len(more)]}{more}" if limit > 4 * len(more) else f"{text[: limit - 1]}…"


def clean(value: object, limit: int = LONGEST_TEXT, secrets: Iterable[str] = ()) -> str:
    """Foreign text made safe for a message: one line, no control characters, no secrets, at most `limit` characters."""
    # Cut before the regular expressions run, because a text of 60 MB would take seconds. Mask secrets before the last
    # cut, because that might leave half of a secret, which would no longer be recognized.
    full_text = str(value)
    text = masked(full_text[:_READ_LIMIT], secrets)
    # Mask again: an escape sequence inside a secret hides the secret until the sequence is removed.
    return cut(masked(one_line(text), secrets), limit, len(full_text) if len(full_text) > _READ_LIMIT else 0)


def one_line(text: str) -> str:
    """A text of any length on one line, without control characters."""
    return SURROGATE.sub("?", " ".join(_CONTROLS.sub(" ", _ESCAPES.sub("", text)).split()))


def printable(text: str) -> str:
    """The text without what would drive a terminal, and with a character in place of each half of one."""
    lines = (_CONTROLS.sub(" ", _ESCAPES.sub("", line)) for line in text.split("\n"))
    return SURROGATE.sub(UNREAD, "\n".join(lines))


def counted(number: int, noun: str) -> str:
    """A number with its noun, such as "1 script"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def first_lines(lines: list[str], most: int, rest: str) -> list[str]:
    """The lines, at most so many. Then `rest`, such as `and {} more lines`, has the number of the others."""
    more = len(lines) - most
    return [*lines[:most], rest.format(more)] if more > 0 else lines


def listed(texts: Sequence[str], most: int = NAMES_IN_MESSAGE, separator: str = ", ") -> str:
    """The texts with commas, at most `most` of them: "a, b and 7 more"."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return separator.join(texts[:most]) + more


def with_full_stop(sentence: str) -> str:
    """The sentence with one full stop."""
    return f"{sentence.rstrip('.')}."


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that somebody probably meant; None if none is similar."""
    from difflib import get_close_matches  # only a misspelled name needs it

    return next(iter(get_close_matches(name, sorted(names), 1, 0.75)), None)


def entry_label(place: str, entry: Any) -> str:
    """How messages name an entry of a list: by its place, and by the name in it."""
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return f"{place} {name!r}" if name and isinstance(name, str) else place


def texts_in(value: Any, option: str = "") -> Iterator[tuple[str, str]]:
    """Every text and number in a value, with the option that has it, such as `runtimes[0].name`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = f"{option}.{key}" if option else str(key)
            yield from texts_in(inner, name)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from texts_in(inner, f"{option}[{index}]")
    elif isinstance(value, str):
        yield option, value
    elif value is not None and not isinstance(value, bool):
        yield option, str(value)


def is_deep(data: Any) -> bool:
    """Whether a value, which must not contain itself, has more than DEEPEST levels of lists and mappings."""
    level = [data]
    for _level in range(DEEPEST + 1):
        containers = [value for value in level if isinstance(value, (dict, list))]
        if not containers:
            return False
        level = []
        for container in containers:
            level += container.values() if isinstance(container, dict) else container
    return True


def time_in_utc(value: Any) -> str | None:
    """A time of the server as `2026-11-25T07:29:00Z`; other text unchanged, None for anything else.

    Servers write `2026-11-25T07:29:00.000+0000` [doc] or `2026-11-25 07:29:00`, which is in UTC [schema].
    """
    if not isinstance(value, str):
        return None
    found = _TIME.fullmatch(value.strip())
    if found is None:
        return value
    day, time, offset = found.groups("+0000")
    zone = "+00:00" if offset == "Z" else f"{offset[:3]}:{offset[-2:]}"
    try:
        # Ten times as fast as strptime, and every runtime has two times.
        moment = datetime.fromisoformat(f"{day} {time}{zone}").astimezone(timezone.utc)
    except (ValueError, OverflowError):  # such as February 30
        return value
    return f"{moment.replace(tzinfo=None).isoformat()}Z"


# --- secrets, and the forms in which a server may repeat them, all of which are masked

MASK = "********"
# What Ansible shows in place of a secret: inside a text, and in place of a value that is the whole secret.
ANSIBLE_MASKS = (MASK, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "$REDACTED$")
# Characters. A shorter part or form of a secret is not masked, because that would make results unreadable.
SHORTEST_SECRET = 8
_QUOTES = ('"', "&quot;", "&#34;", "&#034;")
_APOSTROPHES = ("'", "&#39;", "&#039;", "&#x27;", "&apos;")


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text with asterisks in place of each secret."""
    # The longest first, because one secret may be part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def with_escaped_forms(texts: Iterable[str]) -> set[str]:
    """The texts, and the forms in which a server may repeat them: for JSON, HTML or a URL, blanks collapsed, in base64.

    A form that is shorter than SHORTEST_SECRET and than the text is left out.
    """
    found: set[str] = set()
    for text in texts:
        forms = {text, *_in_json(text), *_in_url(text), *_in_html(text), *_in_base64(text), " ".join(text.split())}
        shortest = min(len(text), SHORTEST_SECRET)
        found.update(form for form in forms if len(form) >= shortest)
    return found


def _in_json(secret: str) -> set[str]:
    """With or without / and the marks of HTML, and with large or small digits."""
    forms = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    forms |= {re.sub("[<>&'=]", lambda match: f"\\u{ord(match.group()):04x}", form) for form in forms}
    forms |= {form.replace("/", "\\/") for form in forms}
    return forms | {re.sub(r"(?<=\\u)....", lambda match: match.group().upper(), form) for form in forms}


def _in_url(secret: str) -> set[str]:
    """With or without !'()* and ~, and with large or small digits."""
    raw = secret.encode("utf-8", "replace")
    forms = {encode(raw, safe=safe) for encode in (quote, quote_plus) for safe in ("", "/", "*", "!'()*")}
    forms |= {form.replace("~", "%7E") for form in forms}
    return forms | {re.sub("(?<=%)..", lambda match: match.group().lower(), form) for form in forms}


def _in_html(secret: str) -> set[str]:
    text = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    forms = {text.replace('"', double).replace("'", single) for double, single in product(_QUOTES, _APOSTROPHES)}
    return forms | {form.encode("ascii", "xmlcharrefreplace").decode("ascii") for form in forms}


def _in_base64(secret: str) -> set[str]:
    """Without the last digit, which also depends on what follows. That of a short text says too little."""
    raw = secret.encode("utf-8", "replace")
    if len(raw) <= 5:
        return set()
    digits = base64.b64encode(raw).decode("ascii")[: len(raw) * 8 // 6]
    return {digits, digits.replace("+", "-").replace("/", "_")}
