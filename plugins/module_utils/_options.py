# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and checks options before Ansible does, with clearer errors, and masks secrets in results."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ansible.module_utils.common.validation import check_type_bool, check_type_dict, check_type_list

from ._errors import REFUSED, text_error
from ._text import MASK, SHORTEST_SECRET, SURROGATE, clean, entry_label, masked, nearest, printable, texts_in

_HALF = "contains half of a character (a lone surrogate); remove it"
_NUL = "contains a NUL character; remove it"
_LARGEST = 2**63 - 1
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,30}\s*")
_PINNED = re.compile(r"\s*([\w.-]+)(?:\s*==\s*([\w.+!-]+))?\s*", re.ASCII)
# What numbers count, for messages.
_UNITS = {"mem": "MB", **dict.fromkeys(("exec_timeout", "run_timeout", "timeout", "wait_timeout"), "seconds")}
_TEXTS = ("str", "path")
_SECRET = "secret"


class OptionCheck:
    """Reads options as Ansible does, but goes on after an error, names its place, and says what to write.

    It leaves out nulls, because an option that is null counts as not given, and what is wrong. `errors`: a sentence for
    each error. `from_file`: the values are from a file, and Ansible does not see them: missing options get their
    defaults, and a number is not text, because YAML may have dropped a zero or a colon. In a task, it may be the result
    of a template.
    """

    def __init__(self, from_file: bool = False) -> None:
        self.errors: list[str] = []
        self._from_file = from_file

    def task(self, spec: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a task. Ansible itself then finds those that are missing."""
        specs = {name: own for option, own in spec.items() for name in (option, *own.get("aliases", ()))}
        internal = {name: value for name, value in params.items() if name.startswith("_ansible_")}
        given = {name: value for name, value in params.items() if name not in internal}
        return {**internal, **self._known(given, specs)}

    def value(self, value: Any, spec: Mapping[str, Any], option: str) -> Any:
        """The value of an option, converted as its spec says. None if nothing is left; `option`: its name in errors.

        In a list, `REFUSED` takes the place of an entry that is wrong, so that the others keep their indexes.
        """
        if value is None:
            return None
        kind = _SECRET if spec.get("no_log") else spec.get("type") or "str"
        if kind == "list":
            return self._list(value, spec, option)
        if spec.get("options") and kind != _SECRET:
            return self.options(value, spec["options"], option)
        choices = spec.get("choices")
        try:
            return self._converted(value, kind, choices)
        except ValueError as exc:
            error = str(exc)
        unit = _UNITS.get(option.rpartition(".")[2])
        if unit and error.endswith(" number"):
            error += f" of {unit}"
        self.errors.append(f"{option} {error}")
        # Ansible makes a text of anything.
        return str(value) if kind in _TEXTS and not choices else None

    def _converted(self, value: Any, kind: Any, choices: Collection[str] | None) -> Any:
        """The value, as Ansible converts it. Raises ValueError with the rest of a sentence about it."""
        if kind == _SECRET and isinstance(value, (Mapping, list)):
            # Ansible would make a text of it, and show it in a warning.
            whole = "; give result.session, not the whole result of mstr_session" if "session" in value else ""
            raise ValueError(f"must be a text{whole}")
        if kind in _TEXTS:
            return self._text(value, choices)
        if kind in ("int", "float"):
            return _number(value, kind)
        if kind == "bool":
            try:
                return check_type_bool(value)
            except TypeError:
                raise ValueError(f"{_short(value)} is not true or false") from None
        return value

    def _text(self, value: Any, choices: Collection[str] | None) -> Any:
        is_whole_number = isinstance(value, int) and not isinstance(value, bool)
        if isinstance(value, str):
            if SURROGATE.search(value):
                raise ValueError(f"{_short(value)} {_HALF}")
        elif self._from_file or not is_whole_number:
            raise ValueError(text_error(value))
        if choices and str(value) not in choices:
            raise ValueError(f"{_short(value)} is not valid; choose {' or '.join(choices)}")
        return value

    def _list(self, value: Any, spec: Mapping[str, Any], option: str) -> list[Any] | None:
        options, entries = spec.get("options") or {}, value
        # Ansible splits a text at commas. Names may contain commas, and a mapping does not come from that.
        if not (options or callable(spec["type"])):
            with suppress(TypeError):
                entries = check_type_list(value)
        if not isinstance(entries, list):
            self.errors.append(f"{option} {_short(value)} is not a list{_packages_advice(value, options, '[{}]')}")
            return None
        of_entry = {"type": spec.get("elements", "str"), "options": options}
        return [self._list_entry(entry, of_entry, f"{option}[{index}]") for index, entry in enumerate(entries)]

    def _list_entry(self, entry: Any, spec: Mapping[str, Any], place: str) -> Any:
        """An entry of a list; what stands for it if it is refused."""
        options, kept = spec["options"], None
        if entry is None:
            self.errors.append(f"{place} is null; remove it, or write a value")
        elif "state" in options:
            check = OptionCheck(self._from_file)
            kept = check.options(entry, options)
            self.errors += [f"{entry_label(place, entry)}: {error}" for error in check.errors]
        else:
            kept = self.value(entry, spec, place)
        if kept is not None:
            return kept
        return {key: REFUSED for key in options if key == "name" or options[key].get("required")} or REFUSED

    def options(self, value: Any, options: Mapping[str, Any], option: str = "") -> dict[str, Any] | None:
        """The options in a mapping. None if it lacks one that is required; `option`: the name of the mapping."""
        given = value if self._from_file else _mapping_in(value)
        if not isinstance(given, Mapping):
            advice = _packages_advice(value, options)
            self.errors.append(f"{option} {_short(value)} is not a mapping of options{advice}".lstrip())
            return None
        start = f"{option}." if option else ""
        kept = self._known(given, options, start)
        missing = [key for key, spec in options.items() if spec.get("required") and key not in kept]
        self.errors += [f"{start}{key} is missing" for key in missing if given.get(key) is None]
        if missing:
            return None
        if self._from_file:
            defaults = {key: spec.get("default") for key, spec in options.items()}
            kept = {**defaults, **kept}
        return kept

    def _known(self, given: Mapping[str, Any], options: Mapping[str, Any], start: str = "") -> dict[str, Any]:
        """The values of those options that exist. `start`: of their names."""
        kept = {}
        for name, value in given.items():
            if name not in options:
                self.errors.append(_unknown(name, options, self.errors, start))
                continue
            read = self.value(value, options[name], f"{start}{name}")
            if read is not None:
                kept[name] = read
        return kept


def check_entry(spec: Mapping[str, Any], entry: Any) -> tuple[dict[str, Any] | None, list[str]]:
    """An entry of a file, checked as one of an option with this spec: None if it is refused; and its errors."""
    check = OptionCheck(from_file=True)
    return check.options(entry, spec), check.errors


def _number(value: Any, kind: str) -> int | float:
    """The number that Ansible would read. Raises ValueError with the rest of a sentence that starts with the option."""
    number, whole = value, "whole " if kind == "int" else ""
    if isinstance(value, str):
        with suppress(ValueError):
            number = int(value) if _WHOLE.fullmatch(value) else float(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise ValueError(f"{_short(value)} is not a {whole}number")
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"must be a finite number, not {_short(value)}")
    if abs(number) > _LARGEST:
        raise ValueError(f"is too large; the largest number is {_LARGEST}")
    if not whole:
        return float(number)
    if number != int(number):
        raise ValueError(f"{_short(value)} is not a whole number")
    return int(number)


def _mapping_in(value: Any) -> Any:
    """The mapping in JSON or key=value, which Ansible also accepts in a task; else the value itself."""
    if isinstance(value, str) and re.search("[={]", value.replace("==", "")):
        with suppress(Exception):
            return check_type_dict(value)
    return value


def _packages_advice(value: Any, options: Mapping[str, Any], form: str = "{}") -> str:
    """What to write in place of a text such as `pandas==2.2.3`, if these are the options of a package."""
    match = _PINNED.fullmatch(value) if isinstance(value, str) and {"name", "version"} <= options.keys() else None
    if not match:
        return ""
    version = f', version: "{match[2]}"' if match[2] else ""
    return "; write " + form.format(f"{{name: {match[1]}{version}}}")


def _unknown(option: Any, options: Collection[str], errors: Iterable[str], start: str) -> str:
    """The error of an option that does not exist. Of several errors, only the first lists those that do."""
    near = nearest(str(option), options)
    known = f"; the options are {', '.join(sorted(options))}"
    more = f"; the nearest one is {start}{near}" if near else known
    is_known = any(known in error for error in errors)
    return f"{_short(f'{start}{option}')[1:-1]} is not an option{'' if is_known and not near else more}"


def _short(value: Any) -> str:
    return clean(repr(value), 60)


def loggable(params: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The options with a mark in place of what Ansible cannot show or log, and a sentence for each text with that.

    That is half a character (a lone surrogate) or a NUL. No text is quoted, because it may be a secret, and Ansible
    would not find it in the escaped form.
    """
    whole = json.dumps(params, ensure_ascii=False)
    if not SURROGATE.search(whole) and "\\u0000" not in whole:
        return dict(params), []
    errors = []
    for name, text in texts_in(params):
        if SURROGATE.search(text):
            errors.append(f"{name} {_HALF}")
        if "\0" in text:
            errors.append(f"{name} {_NUL}")
    return dict(_mapped(params, lambda value: printable(value) if isinstance(value, str) else value)), errors


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
