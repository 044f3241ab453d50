# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible does with options and results: a clearer sentence for options that it refuses, and what it masks."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ansible.module_utils.common.validation import check_type_dict

from ._errors import REFUSED, text_error
from ._secrets import SHORTEST_SECRET
from ._text import MASK, SURROGATE, clean, masked, nearest, printable, texts_in

_HALF = "contains half of a character (a lone surrogate); remove it"
_NUL = "contains a NUL character; remove it"
_LARGEST = 2**63 - 1

_BOOLEANS = ("true", "false", "yes", "no", "on", "off", "y", "n", "t", "f", "1", "0", "1.0", "0.0")


def all_without_errors(spec: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The options of a task without what is wrong in them, as they were written, and a sentence for each error."""
    specs = {name: own for option, own in spec.items() for name in (option, *own.get("aliases", ()))}
    rest: dict[str, Any] = {}
    errors: list[str] = []
    for name, value in params.items():
        if name in specs:
            rest[name] = without_errors(value, specs[name], errors, name)
        elif name.startswith("_ansible_"):
            rest[name] = value
        else:
            errors.append(_unknown(name, specs, errors))
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
    if value is None:
        return None
    if spec.get("no_log"):
        return _secret(value, errors, option)
    if str(spec.get("type")) == "list":
        return _list(value, spec, errors, option, from_file)
    if spec.get("options"):
        return _options(value, spec["options"], errors, option, from_file)
    kind = str(spec.get("type") or "str")
    error = _value_error(value, kind, spec.get("choices"), from_file)
    if error is None:
        return value
    unit = _UNITS.get(option.rpartition(".")[2])
    if unit and error.endswith(" number"):
        error += f" of {unit}"
    errors.append(f"{option} {error}" if option else error)
    # Ansible makes a text of anything.
    return str(value) if kind in _TEXTS and not spec.get("choices") else None


def _secret(value: Any, errors: list[str], option: str) -> Any:
    if not isinstance(value, (Mapping, list)):
        return value
    # Ansible would make a text of it, and show it in a warning.
    whole = "; give result.session, not the whole result of mstr_session" if option == "session" else ""
    errors.append(f"{option} must be a text{whole}")
    return None


def _list(value: Any, spec: Mapping[str, Any], errors: list[str], option: str, from_file: bool) -> Any:
    options = spec.get("options") or {}
    if isinstance(value, list):
        of_entry = {"type": spec.get("elements", "str"), "options": options}
        return [_entry(entry, of_entry, errors, f"{option}[{index}]", from_file) for index, entry in enumerate(value)]
    # Ansible splits a text at commas. Names may contain commas, and a mapping does not come from that.
    is_split = not isinstance(value, Mapping) and not options and not callable(spec["type"])
    if is_split:
        return value
    advice = _packages_advice(value, options, "[{}]")
    errors.append(f"{option} {_short(value)} is not a list{advice}")
    return None


def _entry(entry: Any, spec: Mapping[str, Any], errors: list[str], place: str, from_file: bool) -> Any:
    """An entry of a list; what stands for it if it is refused."""
    options = spec["options"]
    kept = None
    if entry is None:
        errors.append(f"{place} is null; remove it, or write a value")
    elif "state" in options:
        name = entry.get("name") if isinstance(entry, Mapping) else None
        label = f"{place} {name!r}" if name and isinstance(name, str) else place
        own: list[str] = []
        kept = without_errors(entry, spec, own, "", from_file)
        errors += [f"{label}: {error}" for error in own]
    else:
        kept = without_errors(entry, spec, errors, place, from_file)
    if kept is not None:
        return kept
    return {key: REFUSED for key in options if key == "name" or options[key].get("required")} or REFUSED


def _options(
    value: Any, options: Mapping[str, Any], errors: list[str], option: str, from_file: bool
) -> dict[str, Any] | None:
    given = value if from_file else _mapping_in(value)
    if not isinstance(given, Mapping):
        advice = _packages_advice(value, options)
        errors.append(f"{option} {_short(value)} is not a mapping of options{advice}".lstrip())
        return None
    start = f"{option}." if option else ""
    rest = {}
    for key, inner in given.items():
        if key in options:
            rest[key] = without_errors(inner, options[key], errors, f"{start}{key}", from_file)
        else:
            errors.append(_unknown(key, options, errors, start))
    required = [key for key, spec in options.items() if spec.get("required")]
    errors += [f"{start}{key} is missing" for key in required if given.get(key) is None]
    rest = {key: inner for key, inner in rest.items() if inner is not None}
    return rest if rest.keys() >= set(required) else None


def _mapping_in(value: Any) -> Any:
    """The mapping in JSON or key=value, which Ansible also accepts in a task; else the value itself."""
    if isinstance(value, str) and re.search("[={]", value.replace("==", "")):
        with suppress(Exception):
            return check_type_dict(value)
    return value


_PINNED = re.compile(r"\s*([\w.-]+)(?:\s*==\s*([\w.+!-]+))?\s*", re.ASCII)


def _packages_advice(value: Any, options: Mapping[str, Any], form: str = "{}") -> str:
    """What to write in place of a text such as `pandas==2.2.3`, if these are the options of a package."""
    match = _PINNED.fullmatch(value) if isinstance(value, str) and {"name", "version"} <= options.keys() else None
    if not match:
        return ""
    version = f', version: "{match[2]}"' if match[2] else ""
    return "; write " + form.format(f"{{name: {match[1]}{version}}}")


def _unknown(option: Any, options: Collection[str], errors: Iterable[str], start: str = "") -> str:
    """The error of an option that does not exist. Of several errors, only the first lists those that do."""
    near = nearest(str(option), options)
    known = f"; the options are {', '.join(sorted(options))}"
    more = f"; the nearest one is {start}{near}" if near else known
    is_known = any(known in error for error in errors)
    return f"{_short(f'{start}{option}')[1:-1]} is not an option{'' if is_known and not near else more}"


# What numbers count, for messages.
_UNITS = {"mem": "MB", **dict.fromkeys(("exec_timeout", "run_timeout", "timeout", "wait_timeout"), "seconds")}
_TEXTS = ("str", "path")


def _value_error(value: Any, kind: str, choices: Iterable[str] | None, from_file: bool) -> str | None:
    if kind in ("int", "float"):
        return _number_error(value, kind)
    if kind in _TEXTS:
        return _text_error(value, choices, from_file)
    if kind == "bool" and str(value).strip().lower() not in _BOOLEANS:
        return f"{_short(value)} is not true or false"
    return None


def _text_error(value: Any, choices: Iterable[str] | None, from_file: bool) -> str | None:
    if isinstance(value, str) and SURROGATE.search(value):
        return f"{_short(value)} {_HALF}"
    is_whole_number = isinstance(value, int) and not isinstance(value, bool)
    if from_file or not is_whole_number:
        error = text_error(value)
        if error:
            return error
    if choices and str(value) not in choices:
        valid = " or ".join(choices)
        return f"{_short(value)} is not valid; choose {valid}"
    return None


def _number_error(value: Any, kind: str) -> str | None:
    number = _number(value)
    if number is None:
        return f"{_short(value)} is not a {'whole ' if kind == 'int' else ''}number"
    if isinstance(number, float) and not math.isfinite(number):
        return f"must be a finite number, not {_short(value)}"
    if abs(number) > _LARGEST:
        return f"is too large; the largest number is {_LARGEST}"
    is_whole = number == int(number)
    if kind == "int" and not is_whole:
        return f"{_short(value)} is not a whole number"
    return None


def _number(value: Any) -> int | float | None:
    """The number that Ansible would read; None if the value is not a number."""
    if isinstance(value, str):
        try:
            return int(value) if re.fullmatch(r"\s*[+-]?[0-9]{1,30}\s*", value) else float(value)
        except ValueError:
            return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number else None


def _short(value: Any) -> str:
    return clean(repr(value), 60)


def unloggable_errors(params: Mapping[str, Any]) -> list[str]:
    """A sentence for each text with half a character (a lone surrogate) or a NUL, which Ansible cannot show or log.

    No text is quoted, because it may be a secret, and Ansible would not find it in the escaped form.
    """
    halves = [f"{name} {_HALF}" for name, text in texts_in(params) if SURROGATE.search(text)]
    return halves + [f"{name} {_NUL}" for name, text in texts_in(params) if "\0" in text]


def loggable(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options with a blank or a mark in place of what Ansible cannot log."""
    return dict(_mapped(params, lambda value: printable(value) if isinstance(value, str) else value))


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


def without_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """A value of a result with asterisks in place of each secret. A number is masked only for a secret that is long."""
    # Most results contain none, and are searched once.
    text = json.dumps(value, default=str)
    found = [secret for secret in secrets if json.dumps(secret)[1:-1] in text]
    return _mapped(value, partial(_masked, found)) if found else value


def _masked(secrets: Iterable[str], value: Any) -> Any:
    if isinstance(value, str):
        return masked(value, secrets)
    is_number = isinstance(value, (int, float))
    return MASK if is_number and any(len(text) >= SHORTEST_SECRET and text in str(value) for text in secrets) else value


_OWN_KEY = re.compile("[a-z_]+")


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with each text and each number changed, also in a key, unless it is a plain word, such as our own."""
    if isinstance(value, Mapping):
        return {
            key if _OWN_KEY.fullmatch(str(key)) else change(key): _mapped(inner, change) for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_mapped(entry, change) for entry in value]
    return change(value)
