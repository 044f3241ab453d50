# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that Ansible itself refuses: a clearer sentence, and the secrets among them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def option_error(sentence: str, spec: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Ansible's message about an invalid option, or a better one if it names neither the option nor the value."""
    if "dictionary requested" in sentence or "sub parameter field" in sentence:
        return "\n".join(_not_mappings(spec, params)) or sentence
    return sentence


def _not_mappings(spec: Mapping[str, Any], params: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """A sentence for each value that is not a mapping of sub-options, such as C(packages: [pandas])."""
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


def secrets_in(spec: Mapping[str, Any], params: Mapping[str, Any]) -> set[str]:
    """The values of secret options.

    ansible-core 2.16 and 2.19 stop collecting them at the first value that is not a mapping where one is expected, and
    then show all options with their values.
    """
    return {str(params[name]) for name, one in spec.items() if one.get("no_log") and params.get(name)}
