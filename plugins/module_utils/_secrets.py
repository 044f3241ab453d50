# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms in which a server may repeat a secret, all of which are masked.

Imports nothing of the collection, of ansible or of requests.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from itertools import product
from urllib.parse import quote, quote_plus

# Characters. A shorter part or form of a secret is not masked, because that would make results unreadable.
SHORTEST_SECRET = 8
_QUOTES = ('"', "&quot;", "&#34;", "&#034;")
_APOSTROPHES = ("'", "&#39;", "&#039;", "&#x27;", "&apos;")


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
