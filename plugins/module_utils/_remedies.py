# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do, and to hide, for an option that is refused or a missing library. Only a task that fails imports this."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote

from ._errors import SHORTEST_SECRET, MstrError, clean

# What people write for an option of the connection.
_SYNONYMS = {
    **dict.fromkeys(("url", "host", "server"), "base_url"),
    **dict.fromkeys(("user", "login"), "username"),
    **dict.fromkeys(("pass", "passwd", "pwd"), "password"),
    "token": "api_token",
    **dict.fromkeys(("verify", "verify_ssl", "ssl_verify", "validate_cert"), "validate_certs"),
    **dict.fromkeys(("ca_file", "cafile", "ca_bundle", "ca_cert"), "ca_path"),
    **dict.fromkeys(("cert", "key"), "client_cert"),
}
_MEGABYTES = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024**2}


def option_error(sentence: str, errors: Sequence[str]) -> str:
    """Ansible's message about options, after all `errors` of `all_without_errors`.

    It is left out if it misses an option that was given with an error.
    """
    exclusive = re.match(r"parameters are mutually exclusive: (\w+)\|(\w+)", sentence)
    if exclusive:
        sentence = f"{exclusive[1]} and {exclusive[2]} exclude each other; set only one of them"
    match = re.search(r"(required|missing)[^:]*:(.*)", sentence)
    missed = re.findall(r"\w+", match[2]) if match else []
    faulty = {re.split(r"[\[ .:]", error)[0] for error in errors}
    return "\n".join([*errors, *([] if faulty.intersection(missed) else [sentence])])


def unknown_option(option: str, key: str, options: Iterable[str]) -> str:
    """The error of an option that does not exist, with the one that was probably meant."""
    options = list(options)
    meant = _SYNONYMS.get(key)
    near = [meant] if meant in options else get_close_matches(key, options, 1)
    hint = f"did you mean {near[0]}?" if near else f"the options are {', '.join(sorted(options))}"
    return f"{option} is not an option; {hint}"


def misnamed(message: str, names: Iterable[str]) -> str:
    """The message, with the variables `names` that people take for those of the connection options that it misses.

    The options of a module have no prefix, its environment variables MSTR_, and the variables of the playbooks mstr_.
    """
    missed = {"base_url"} if "base_url is missing" in message else set()
    for match in re.findall(r"requires ([a-z_ ]+);", message):
        missed |= {option.removeprefix("mstr_") for option in match.split(" and ")}
    if "no credentials:" in message:
        missed |= {"username", "password", "api_token"}
    if "is not trusted" in message:
        missed |= {"validate_certs", "ca_path"}
    hints = []
    for name in sorted(names):
        prefix, _underscore, rest = name.partition("_")
        meant = _SYNONYMS.get(rest.lower())
        if prefix in ("mstr", "MSTR") and meant in missed:
            hints.append(f"{name} is set; did you mean {prefix}_{meant.upper() if prefix.isupper() else meant}?")
    return "\n".join([message, *hints])


def unit_remedy(text: str, name: str) -> str:
    """The repair of a number with a unit, such as `500m` cores or `1GB` of memory."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]+)\s*", text)
    if match and name == "cpu" and match[2] == "m":
        return f"; write {float(match[1]) / 1000:g}"
    if match and name == "mem" and match[2][0].lower() in _MEGABYTES:
        return f"; write the number of MB: {float(match[1]) * _MEGABYTES[match[2][0].lower()]:g}"
    return "; write it without a unit" if match else ""


def entry_remedy(value: Any, options: Mapping[str, Any]) -> str:
    """The mapping that a text in its place means, such as `requests==2.32.3`; empty if that is not known."""
    if isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
        merged = {key: inner for entry in value for key, inner in entry.items()}
        return _flow(merged) if options.keys() >= merged.keys() else ""
    if isinstance(value, list) and "name" not in options:
        return f"{{{', '.join(f'{key}: …' for key in options)}}}"
    required = [key for key, sub in options.items() if sub.get("required")]
    needed = "name" if "name" in options else next(iter(required), None)
    if needed is None or not isinstance(value, str):
        return ""
    match = re.fullmatch(r"\s*([A-Za-z0-9._-]+)\s*==\s*([^\s,;*]+)\s*", value)
    if match and "version" in options:
        return _flow({needed: match[1], "version": match[2]})
    more = "".join(f", {key}: …" for key in required if key != needed)
    return f"{{{needed}: {value}{more}}}" if re.fullmatch(r"[\w. -]+", value) else ""


def list_remedy(value: Any, options: Mapping[str, Any], option: str) -> str:
    """The list that a value in its place means; empty if that is not known."""
    if isinstance(value, Mapping):
        if value and options.keys() >= value.keys():
            return f"[{_flow(value)}]"
        if not options:
            return f"[{', '.join(str(key) for key in value)}]"
        entries: list[dict[str, Any]] = []
        if "state" in options and all(isinstance(inner, Mapping) for inner in value.values()):
            entries = [{"name": name, **inner} for name, inner in value.items()]
        elif "version" in options and all(inner is None or isinstance(inner, str) for inner in value.values()):
            entries = [{"name": name, **({"version": inner} if inner else {})} for name, inner in value.items()]
        return f"[{', '.join(map(_flow, entries))}]" if entries else ""
    if not options:
        return f"[{value!r}]"
    if not isinstance(value, str):
        return ""
    if value.lstrip()[:1] == "[" and option.isidentifier():
        # In an ad-hoc command, key=value makes a text of everything.
        written = f'"{option}": [{{"name": …}}]'
        with suppress(ValueError):
            written = json.dumps({option: json.loads(value)})[1:-1]
        return f"a list; in an ad-hoc command, write all options as JSON: -a '{{{written}, …}}'"
    repairs = [entry_remedy(entry.strip(), options) for entry in value.split(",")]
    return f"[{', '.join(repairs)}]" if all(repairs) else ""


def _flow(entry: Mapping[str, Any]) -> str:
    """An entry as YAML in one line. Versions are in quotes."""
    parts = (f"{key}: {json.dumps(value) if key == 'version' else value}" for key, value in entry.items())
    return clean(f"{{{', '.join(parts)}}}", 100)


def url_secrets(url: str) -> set[str]:
    """Whatever may be secret in a base URL: everything before the last @, the password there, and the query.

    Such a URL is refused, but Ansible shows the options of the task.
    """
    rest = url.split("//", 1)[-1]
    credentials, at, _address = rest.rpartition("@")
    user, _colon, password = credentials.partition(":")
    # Without a password, the user name is a token.
    texts = [password or user, unquote(password or user)]
    query = re.search("[?#;].+", rest, re.DOTALL)
    if query:
        texts += re.split("[&=;]", query.group()[1:])
    # A short part alone would mask half a result.
    secrets = {text for text in texts if len(text) >= SHORTEST_SECRET}
    return secrets | ({credentials + at} if at else set()) | ({query.group()} if query else set())


def not_installed(libraries: Sequence[str]) -> MstrError:
    """The error that names missing Python libraries, and the command that installs them."""
    # All that the collection needs, so that nobody installs one library after the other.
    others = (name for name in ("requests", "netaddr") if name not in libraries and find_spec(name) is None)
    packages = libraries = [*libraries, *others]
    command = f"{shlex.quote(sys.executable)} -m pip install"
    managed = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    if sys.prefix == sys.base_prefix and os.path.exists(managed):
        # The Python of the operating system, for which pip refuses to install anything.
        if os.path.exists("/etc/debian_version"):
            command, packages = "sudo apt-get install", [f"python3-{name}" for name in libraries]
        else:
            command += " --break-system-packages"
    sentence = f"{' and '.join(libraries)} cannot be imported by the Python that runs this module, {sys.executable}"
    # The usual cause on the control node comes first: Ansible found another Python than the one that runs it.
    remedy = (
        'On the control node, set ansible_python_interpreter: "{{ ansible_playbook_python }}" for the host, if '
        "ansible-playbook's own Python has them. Or install with:"
    )
    return MstrError(f"{sentence}. {remedy} {command} {' '.join(packages)}")
