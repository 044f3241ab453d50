# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible does with options and results: a clearer sentence for options that it refuses, and what it masks."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ._errors import REFUSED, SURROGATE, clean, text_error, texts

_HALF = "contains half of a character (a lone surrogate); remove it"
_LARGEST = 2**63 - 1

_BOOLEANS = ("true", "false", "yes", "no", "on", "off", "y", "n", "t", "f", "1", "0", "1.0", "0.0")


def all_without_errors(spec: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The options of a task without what is wrong in them, as they were written, and a sentence for each error."""
    specs = {name: own for option, own in spec.items() for name in (option, *own.get("aliases", ()))}
    errors: list[str] = []
    rest = {name: value for name, value in params.items() if name in specs or name.startswith("_ansible_")}
    rest |= {name: without_errors(params[name], specs[name], errors, name) for name in specs if name in params}
    unknown = [name for name in params if name not in rest]
    if unknown:
        from ._remedies import unknown_option  # only a task that fails needs it

        errors += [unknown_option(name, name, specs) for name in unknown]
    return rest, errors


def without_errors(
    value: Any, spec: Mapping[str, Any], errors: list[str], option: str = "", from_file: bool = False
) -> Any:
    """The value without nulls, and without what Ansible would convert, or refuse without naming all errors.

    None if nothing is left. In a list, `REFUSED` takes the place of such an entry, so that the others keep their
    indexes. An option inside the value that is null counts as not given, so that a default is used. `errors` gets a
    sentence for each error, with `option`, the name of `value` in messages. In a file, a number is not text: YAML may
    have dropped a zero or a colon. In a task, it may be the result of a template.
    """
    kind, options = str(spec.get("type") or "str"), spec.get("options") or {}
    if value is None or (spec.get("no_log") and not isinstance(value, (Mapping, list))):
        return value
    if spec.get("no_log"):
        # Ansible would make a text of it, and show it in a warning.
        whole = "; give result.session, not the whole result of mstr_session" if option == "session" else ""
        errors.append(f"{option} must be a text{whole}")
        return None
    if kind == "list" and isinstance(value, list):
        return _in_list(value, {**spec, "type": spec.get("elements", "str")}, errors, option, from_file)
    if options and kind != "list" and isinstance(value, Mapping):
        return _mapping(value, options, errors, option, from_file)
    error = None
    if kind == "list":
        # Ansible splits a text at commas. Names may contain commas, and a mapping does not come from that.
        if isinstance(value, Mapping) or options or callable(spec["type"]):
            from ._remedies import list_remedy  # only a task that fails needs it

            repair = list_remedy(value, options, option)
            error = f"{_short(value)} is not a list{repair and f'; write {repair}'}"
    elif options:
        # Ansible also accepts JSON and key=value.
        if from_file or not (isinstance(value, str) and re.search("[={]", value.replace("==", ""))):
            from ._remedies import entry_remedy  # only a task that fails needs it

            repair = entry_remedy(value, options)
            error = f"{_short(value)} is not a mapping of options{repair and f'; write {repair}'}"
    elif kind in ("int", "float"):
        error = _number_error(value, kind, option.rpartition(".")[2])
    elif kind in ("str", "path"):
        error = _text_error(value, spec.get("choices"), from_file)
    elif kind == "bool" and str(value).strip().lower() not in _BOOLEANS:
        error = f"{_short(value)} is not true or false"
    if error is None:
        return value
    errors.append(f"{option} {error}" if option else error)
    # Ansible makes a text of anything.
    return str(value) if kind in ("str", "path") and not spec.get("choices") else None


def _in_list(value: list[Any], spec: Mapping[str, Any], errors: list[str], option: str, from_file: bool) -> list[Any]:
    options = spec.get("options") or {}
    refused = {key: REFUSED for key in options if key == "name" or options[key].get("required")} or REFUSED
    kept = []
    for index, entry in enumerate(value):
        here, before = f"{option}[{index}]", len(errors)
        if entry is None:
            errors.append(f"{here} is null; remove it, or write a value")
        elif "state" in options:
            name = entry.get("name") if isinstance(entry, Mapping) else None
            label = f"{here} {name!r}" if name and isinstance(name, str) else here
            entry = without_errors(entry, spec, errors, "", from_file)
            errors[before:] = [f"{label}: {error}" for error in errors[before:]]
        else:
            entry = without_errors(entry, spec, errors, here, from_file)
        kept.append(refused if entry is None else entry)
    return kept


def _mapping(
    value: Mapping[Any, Any], options: Mapping[str, Any], errors: list[str], option: str, from_file: bool
) -> dict[str, Any] | None:
    start = f"{option}." if option else ""
    rest = {}
    for key, inner in value.items():
        if key in options:
            rest[key] = without_errors(inner, options[key], errors, f"{start}{key}", from_file)
            continue
        from ._remedies import unknown_option  # only a task that fails needs it

        text = _short(f"{start}{key}")[1:-1] if isinstance(key, str) else repr(key)
        errors.append(unknown_option(text, str(key), options))
    required = [key for key, spec in options.items() if spec.get("required")]
    errors += [f"{start}{key} is missing" for key in required if value.get(key) is None]
    rest = {key: inner for key, inner in rest.items() if inner is not None}
    return rest if rest.keys() >= set(required) else None


def _text_error(value: Any, choices: Iterable[str] | None, from_file: bool) -> str | None:
    if isinstance(value, str) and SURROGATE.search(value):
        return f"{_short(value)} {_HALF}"
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    error = None if is_whole and not from_file else text_error(value)
    if not error and choices and str(value) not in choices:
        return f"{_short(value)} is not valid; choose {' or '.join(choices)}"
    return error


def _number_error(value: Any, kind: str, name: str) -> str | None:
    read = value
    if isinstance(value, str):
        try:
            read = int(value) if re.fullmatch(r"\s*[+-]?[0-9]{1,30}\s*", value) else float(value)
        except ValueError:
            from ._remedies import unit_remedy  # only a task that fails needs it

            return f"{_short(value)} is not a {'whole ' if kind == 'int' else ''}number{unit_remedy(value, name)}"
    if isinstance(read, bool) or not isinstance(read, (int, float)):
        return f"{_short(value)} is not a number"
    if isinstance(read, float) and not math.isfinite(read):
        return f"must be a finite number, not {_short(value)}"
    if abs(read) > _LARGEST:
        return f"is too large; the largest number is {_LARGEST}"
    return f"{_short(value)} is not a whole number" if kind == "int" and read != int(read) else None


def _short(value: Any) -> str:
    return clean(repr(value), 60)


def unicode_errors(params: Mapping[str, Any]) -> list[str]:
    """A sentence for each text with half a character (a lone surrogate), which nothing can show or log.

    No text is quoted, because it may be a secret, and Ansible would not find it in the escaped form.
    """
    return [f"{name} {_HALF}" for name, text in texts(params) if SURROGATE.search(text)]


def secret_values(spec: Mapping[str, Any], params: Mapping[str, Any]) -> set[str]:
    """What Ansible must mask even if it refuses the options: the values of secret options, and credentials in base_url.

    ansible-core 2.16 and 2.19 stop collecting secrets at the first value that is not a mapping where one is expected,
    and then show all options with their values.
    """
    values = {str(params[name]) for name, option in spec.items() if option.get("no_log") and params.get(name)}
    for url in (params.get("base_url"), os.environ.get("MSTR_BASE_URL")):
        if re.search("[@?#;]", str(url)):
            from ._remedies import url_secrets  # such a URL is refused

            values |= url_secrets(str(url))
    return values


def masking_warning(result: Mapping[str, Any], secrets: Iterable[object]) -> str | None:
    """A warning if Ansible will mask real values in the result, because it masks a secret's text everywhere."""
    facts = {key: value for key, value in result.items() if key not in ("msg", "error")}
    # Search the whole text first, because a walk through a thousand runtimes takes longer than the rest of a task.
    whole = json.dumps(facts, ensure_ascii=False, default=str)
    hidden = {str(secret) for secret in secrets if secret}
    shown = [secret for secret in hidden if json.dumps(secret, ensure_ascii=False)[1:-1] in whole]
    names = shown and sorted({name for name, text in texts(facts) if any(secret in text for secret in shown)})
    if not names:
        return None
    return (
        f"The result does not show the real value of {', '.join(names)}: it contains a secret of this task, "
        "which Ansible masks everywhere. To avoid this, use a longer secret."
    )
