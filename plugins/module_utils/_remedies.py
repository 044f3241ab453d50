# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do, and to hide, for an option that is refused or a missing library. Only a task that fails imports this."""

from __future__ import annotations

import os
import re
import shlex
import sys
import sysconfig
from collections.abc import Sequence
from importlib.util import find_spec
from urllib.parse import unquote

from ._errors import MstrError
from ._text import SHORTEST_SECRET


def option_error(sentence: str, errors: Sequence[str], nulls: Sequence[str] = ()) -> str:
    """Ansible's message about options, after all `errors` of `OptionCheck`.

    It is left out if it misses an option that was given with an error. `nulls`: the options that were given as null.
    """
    exclusive = re.match(r"parameters are mutually exclusive: (\w+)\|(\w+)", sentence)
    if exclusive:
        sentence = f"{exclusive[1]} and {exclusive[2]} exclude each other; set only one of them"
    match = re.search(r"(required|missing)[^:]*:(.*)", sentence)
    missed = re.findall(r"\w+", match[2]) if match else []
    null = [name for name in missed if name in nulls]
    if null:
        sentence = f"{sentence} (null counts as not given: {', '.join(null)})"
    faulty = {re.split(r"[\[ .:]", error)[0] for error in errors}
    return "\n".join([*errors, *([] if faulty.intersection(missed) else [sentence])])


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
