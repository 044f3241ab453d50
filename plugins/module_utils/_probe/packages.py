# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about packages, status and scripts: what happens on a runtime after it was written."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError
from .._model.installed import installed_in
from .._model.kinds import normalized_name
from .._work.installed import SCRIPT
from .._work.script import Script, run_script
from .base import OTHER, Answer, ProbeRun, Unanswered, asks, entries, failure_text, needs
from .runtimes import PACKAGE, additional_runtime, runtime_with_all_fields

_RUN_TIMEOUT = 60.0  # seconds
_CONNECT = """\
import socket
try:
    socket.create_connection(({host!r}, {port}), timeout=10).close()
    print("reached")
except OSError:
    print("not reached")
"""


def _ran(run: ProbeRun, identity: str, code: str) -> dict[str, Any]:
    needs(run.settings.scripts, "Needs a script; set scripts: true.")
    run.may_write()
    try:
        return run_script(run.session, Script(code, identity, _RUN_TIMEOUT), run.clock, run.stop.pause)
    except MstrError as exc:
        run.stop.check()
        status = getattr(exc, "result", {}).get("status")
        raise Unanswered(f"The script ended with status {status}." if status else failure_text(exc)) from exc


def first_script(run: ProbeRun) -> dict[str, Any]:
    """The result of the first script on the runtime with every field, which lists what is installed."""
    return _ran(run, run.once(runtime_with_all_fields), SCRIPT)


def after_a_script(run: ProbeRun) -> Observation:
    """The runtime with every field, as it is after its first script."""
    run.once(first_script)
    return _look(run.read(run.once(runtime_with_all_fields)))


_INTERVAL, _LONGEST_LAG = 1.0, 30.0  # seconds
SECOND_PACKAGE = "idna"  # also small
_SETTLED = ("ready", "error")  # of a runtime
_UNKNOWN_LOOKS = 3  # at a runtime whose packages are done, until its status counts as staying unknown
_ADDED = "mstrio-py"


class Observation(NamedTuple):
    """A runtime at one time: its status, and status and version of a package that the probe asked for.

    `added`: the server added mstrio-py by itself.
    """

    status: str
    package: str
    version: str
    added: bool

    @property
    def packages_done(self) -> bool:
        """Whether the installation has succeeded or failed."""
        return self.package in ("installed", "not_installed")


def _look(runtime: Mapping[str, Any], name: str = PACKAGE) -> Observation:
    listed = [entry for entry in entries(runtime, "packages") if isinstance(entry, Mapping)]
    packages = {normalized_name(str(entry.get("name"))): entry for entry in listed}
    status, package = str(runtime.get("status") or "unknown"), packages.get(name, {})
    outcome, version = str(package.get("status") or "unknown"), str(package.get("version") or "")
    return Observation(status, outcome, version, _ADDED in packages)


def watch(run: ProbeRun) -> list[Observation]:
    """The states of the runtime with every field, until nothing changes any more or the timeout is reached."""
    identity = run.once(runtime_with_all_fields)
    end = run.clock() + run.settings.wait_timeout
    seen: list[Observation] = []
    while True:
        seen.append(_look(run.read(identity)))
        recent = [look.packages_done and look.status == "unknown" for look in seen[-_UNKNOWN_LOOKS:]]
        settled = recent == [True] * _UNKNOWN_LOOKS or (seen[-1].packages_done and seen[-1].status in _SETTLED)
        remaining = end - run.clock()
        if settled or remaining <= 0:
            return seen
        # Longer and longer, up to 5 s
        run.stop.pause(min(_INTERVAL + len(seen) / 5, 5.0, remaining))


def _statuses(seen: Sequence[Observation]) -> str:
    documented = ("unknown", "busy", *_SETTLED)
    statuses = (look.status if look.status in documented else "an undocumented one" for look in seen)
    return ", then ".join(dict.fromkeys(statuses))


# --- questions


@asks("What is the status of a runtime before a script has run on it?")
def runtime_status(run: ProbeRun) -> Answer:
    seen = run.once(watch)
    first, last = seen[0].status, seen[-1]
    evidence = f"After the create, the status was {_statuses(seen)}."
    needs(first not in _SETTLED, f"The status was already {first} at the first check.")
    if {look.status for look in seen} != {"unknown"}:
        needs(last.status in _SETTLED, f"{evidence} It was still changing when wait_timeout ended.")
        return ("unknown_first" if first == "unknown" else "follows"), evidence
    if last.packages_done:
        return "stays_unknown", f"{evidence} By then, the status of the package was {last.package}."
    after = run.once(after_a_script)
    if after.status != "unknown" and after.packages_done:
        return "all_unknown", f"{evidence} The status of the package was unknown, too, until a script had run."
    raise Unanswered(f"{evidence} It did not change within wait_timeout, or after a script.")


@asks("What is the status of a package that is being installed?")
def package_first_status(run: ProbeRun) -> Answer:
    first, last = (run.once(watch)[index] for index in (0, -1))
    needs(not first.packages_done, "The installation had already ended at the first check.")
    needs(last.packages_done, "The status of the package did not change until a script had run.")
    value = first.package if first.package in ("installing", "unknown") else OTHER
    return value, f"The first status of the package was {'an undocumented one' if value == OTHER else value}."


@asks("Can the server install a package?")
def package_outcome(run: ProbeRun) -> Answer:
    last = run.once(watch)[-1]
    if not last.packages_done:
        last = run.once(after_a_script)
    needs(last.packages_done, "The server did not report within wait_timeout how the installation ended.")
    return last.package, f"The final status of the package {PACKAGE} was {last.package}."


@asks("What does the server store for an omitted package version?")
def empty_version(run: ProbeRun) -> Answer:
    seen = run.once(watch)
    before = [look for look in seen if look.package != "installed"]
    if any(look.version for look in before):
        return "resolve", "The package had a version before it was installed."
    installed = seen[-1].package == "installed"
    needs(installed, "The server did not report the package as installed, and returned no version.")
    if not seen[-1].version:
        return "keep", "The package was installed, and the server returned an empty version."
    needs(before, "The package was already installed at the first check, so it is unknown when it got a version.")
    return "when_installed", "The package got a version when it was installed."


def update(run: ProbeRun) -> tuple[bool, float | None]:
    """Request one more package, and read the runtime until it shows the effect.

    Whether the server has added mstrio-py; the seconds until responses showed the update, None if they did not.
    """
    last, identity = run.once(watch)[-1], run.once(runtime_with_all_fields)
    packages = [
        {"name": PACKAGE, "version": last.version, "description": ""},
        {"name": SECOND_PACKAGE, "version": "", "description": ""},
    ]
    run.patch(identity, {"packages": packages})
    begin = run.clock()
    first = look = _look(run.read(identity), SECOND_PACKAGE)
    while look.package == "unknown" and look.status == last.status:
        if last.status == "unknown" or run.clock() - begin > _LONGEST_LAG:
            return first.added, None
        run.stop.pause(_INTERVAL)
        look = _look(run.read(identity), SECOND_PACKAGE)
    return first.added, run.clock() - begin


@asks("Does the server add mstrio-py to the packages by itself?")
def mstrio_py_added(run: ProbeRun) -> Answer:
    first, later = run.once(watch)[-1].added, run.once(update)[0]
    words = [("" if added else "not ") + "in the packages" for added in (first, later)]
    evidence = f"After a create without {_ADDED}, it was {words[0]}; after an update without it, it was {words[1]}."
    value = {(False, False): "no", (True, False): "on_create", (True, True): "always"}.get((first, later), OTHER)
    return value, evidence


@asks("For how many seconds after an update is the status the old one?")
def status_lag(run: ProbeRun) -> Answer:
    seconds = run.once(update)[1]
    if seconds is None:
        raise Unanswered("The status was unknown before the update, or did not change, so no delay can be seen.")
    return int(seconds), f"For about {int(seconds)} seconds after an update, the server returned the old status."


# --- questions that need a script


@asks("Does a script see the metadata of the installed packages?")
def script_metadata(run: ProbeRun) -> Answer:
    try:
        number = len(installed_in(run.once(first_script)["stdout"]).packages)
    except ValueError:
        return "hidden", "A script that reads importlib.metadata saw no package."
    return "visible", f"A script that reads importlib.metadata saw {number} packages."


@asks("What can a script reach if the whitelist is empty?")
def empty_whitelist(run: ProbeRun) -> Answer:
    unset = "Needs a script that tries to connect to an address; set scripts: true and reach."
    host, port = needs(run.settings.reach, unset)
    try:
        address = ipaddress.ip_address(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, ValueError):
        raise Unanswered("The host in the option reach cannot be resolved where the module runs.") from None
    if _reached(run, [], str(address), port):
        return "everything", "A script on a runtime with an empty whitelist reached the address."
    # This proves that the whitelist blocks the script, not a firewall or a stopped service.
    if _reached(run, [f"{address}/{address.max_prefixlen}"], str(address), port):
        return "nothing", "A script reached the address only when the whitelist contained it."
    raise Unanswered("A script did not reach the address even when the whitelist contained it.")


def _reached(run: ProbeRun, whitelist: list[str], host: str, port: int) -> bool:
    identity = run.once(additional_runtime)
    run.patch(identity, {"whitelist": whitelist})
    return str(_ran(run, identity, _CONNECT.format(host=host, port=port))["stdout"]).split() == ["reached"]
