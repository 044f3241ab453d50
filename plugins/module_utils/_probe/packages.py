# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about packages, status and scripts: what happens on a runtime after it was written."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._errors import MstrError
from .._model.kinds import normalized_name
from .._work.script import Script, run_script
from .creates import PACKAGE, additional_runtime, runtime_with_all_fields
from .run import ALL_HANDLED, OTHER, Answer, ProbeRun, Unanswered, asks, failure_text

_RUN_TIMEOUT = 60.0  # seconds
# Its last value, a variable that notebooks of the vendor use, or nothing: whichever the server takes for the result.
_RESULT = "result = 'variable'\n'value'\n"
_RETURNED = {
    "value": ("last_value", "the text"),
    "variable": ("variable", "the variable"),
    None: ("nothing", "nothing"),
}
_CONNECT = """\
import socket
try:
    socket.create_connection(({host!r}, {port}), timeout=10).close()
    print("reached")
except OSError:
    print("not reached")
"""


def _ran(run: ProbeRun, identity: str, code: str) -> dict[str, Any]:
    if not run.settings.scripts:
        raise Unanswered("Needs a script; set scripts: true.")
    run.may_write()
    try:
        return run_script(run.session, Script(code, identity, _RUN_TIMEOUT), run.clock, run.stop.pause)
    except MstrError as exc:
        run.stop.check()
        status = getattr(exc, "result", {}).get("status")
        raise Unanswered(f"The script ended with status {status}." if status else failure_text(exc)) from exc


def first_script(run: ProbeRun) -> dict[str, Any]:
    """The result of the first script on the runtime with every field."""
    return _ran(run, run.once(runtime_with_all_fields), _RESULT)


def after_a_script(run: ProbeRun) -> dict[str, Any]:
    """The runtime with every field, as it is after its first script."""
    run.once(first_script)
    return run.read(run.once(runtime_with_all_fields))


_INTERVAL, _GROWTH, _LONGEST = 1.0, 1.25, 5.0  # seconds, times, seconds
_LONGEST_LAG = 30.0  # seconds
SECOND_PACKAGE = "idna"  # also small
_FINAL = ("installed", "not_installed")
_UNKNOWN_LOOKS = 3  # at a runtime whose packages are done, until its status counts as staying unknown
_ADDED = "mstrio-py"


class Observation(NamedTuple):
    """A runtime at one time: its status, and status and version of the package that the probe asked for."""

    status: str
    package: str
    version: str

    @property
    def packages_done(self) -> bool:
        """Whether the installation has succeeded or failed."""
        return self.package in _FINAL


class Observations(NamedTuple):
    """The states of a runtime from its creation until nothing changed any more or the timeout was reached."""

    looks: tuple[Observation, ...]
    added: bool  # the server added mstrio-py by itself

    @property
    def last(self) -> Observation:
        """The last state."""
        return self.looks[-1]

    @property
    def stays_unknown(self) -> bool:
        """Whether the status of the runtime was always unknown."""
        return {look.status for look in self.looks} == {"unknown"}


def watch(run: ProbeRun) -> Observations:
    """Read the runtime with every field until its packages and its status no longer change."""
    identity = run.once(runtime_with_all_fields)
    end, interval = run.clock() + run.settings.wait_timeout, _INTERVAL
    looks: list[Observation] = []
    while True:
        found = run.read(identity)
        looks.append(_look(found))
        recent = [look.packages_done and look.status == "unknown" for look in looks[-_UNKNOWN_LOOKS:]]
        settled = recent == [True] * _UNKNOWN_LOOKS
        remaining = end - run.clock()
        if (looks[-1].packages_done and looks[-1].status in ("ready", "error")) or settled or remaining <= 0:
            return Observations(tuple(looks), _has_added(found))
        run.stop.pause(min(interval, remaining))
        interval = min(interval * _GROWTH, _LONGEST)


def _look(found: Mapping[str, Any], name: str = PACKAGE) -> Observation:
    package = next((entry for entry in _packages(found) if _named(entry) == name), {})
    return Observation(
        str(found.get("status") or "unknown"),
        str(package.get("status") or "unknown"),
        str(package.get("version") or ""),
    )


def _packages(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    packages = found.get("packages")
    return [entry for entry in packages if isinstance(entry, Mapping)] if isinstance(packages, list) else []


def _named(package: Mapping[str, Any]) -> str:
    return normalized_name(str(package.get("name")))


def _has_added(found: Mapping[str, Any]) -> bool:
    return _ADDED in [_named(entry) for entry in _packages(found)]


def _statuses(looks: tuple[Observation, ...]) -> str:
    known = ("unknown", "busy", "ready", "error")
    return ", then ".join(
        dict.fromkeys(look.status if look.status in known else "an undocumented one" for look in looks)
    )


# --- questions


@asks("What is the status of a runtime before a script has run on it?")
def runtime_status(run: ProbeRun) -> Answer:
    seen = run.once(watch)
    first, last = seen.looks[0], seen.last
    evidence = f"After the create, the status was {_statuses(seen.looks)}."
    if first.status in ("ready", "error"):
        raise Unanswered(f"The status was already {first.status} at the first check.")
    if not seen.stays_unknown:
        if last.status not in ("ready", "error"):
            raise Unanswered(f"{evidence} It was still changing when wait_timeout ended.")
        return ("unknown_first" if first.status == "unknown" else "follows"), evidence
    if last.packages_done:
        return "stays_unknown", f"{evidence} By then, the status of the package was {last.package}."
    after = _look(run.once(after_a_script))
    if after.status != "unknown" and after.packages_done:
        return "all_unknown", f"{evidence} The status of the package was unknown, too, until a script had run."
    raise Unanswered(f"{evidence} It did not change within wait_timeout, or after a script.")


@asks("What is the status of a package that is being installed?")
def package_first_status(run: ProbeRun) -> Answer:
    seen = run.once(watch)
    first = seen.looks[0]
    if first.packages_done:
        raise Unanswered("The installation had already ended at the first check.")
    if not seen.last.packages_done:
        raise Unanswered("The status of the package did not change until a script had run.")
    value = first.package if first.package in ("installing", "unknown") else OTHER
    return value, f"The first status of the package was {first.package if value != OTHER else 'not a documented one'}."


@asks("Can the server install a package?")
def package_outcome(run: ProbeRun) -> Answer:
    seen = run.once(watch)
    last = seen.last if seen.last.packages_done else _look(run.once(after_a_script))
    if not last.packages_done:
        raise Unanswered("The server did not report within wait_timeout how the installation ended.")
    return last.package, f"The final status of the package {PACKAGE} was {last.package}."


@asks("What does the server store for an omitted package version?")
def empty_version(run: ProbeRun) -> Answer:
    seen = run.once(watch)
    before = [look for look in seen.looks if look.package != "installed"]
    if any(look.version for look in before):
        return "resolve", "The package had a version before it was installed."
    if seen.last.package != "installed":
        raise Unanswered("The server did not report the package as installed, and returned no version.")
    if not seen.last.version:
        return "keep", "The package was installed, and the server returned an empty version."
    if not before:
        raise Unanswered(
            "The package was already installed at the first check, so it is unknown when it got a version."
        )
    return "when_installed", "The package got a version when it was installed."


class Update(NamedTuple):
    """The effect of an update. `seconds`: until responses showed it, None if they did not."""

    added: bool
    seconds: float | None


def update(run: ProbeRun) -> Update:
    """Request one more package, and read the runtime until it shows the effect."""
    seen, identity = run.once(watch), run.once(runtime_with_all_fields)
    before = seen.last.status
    wanted = [
        {"name": PACKAGE, "version": seen.last.version, "description": ""},
        {"name": SECOND_PACKAGE, "version": "", "description": ""},
    ]
    run.must_patch(identity, {"packages": wanted}, "A PATCH of packages")
    begin = run.clock()
    found = run.read(identity)
    added = _has_added(found)
    while True:
        look, passed = _look(found, SECOND_PACKAGE), run.clock() - begin
        if look.package != "unknown" or look.status != before:
            return Update(added, passed)
        if before == "unknown" or passed > _LONGEST_LAG:
            return Update(added, None)
        run.stop.pause(_INTERVAL)
        found = run.read(identity)


@asks("Does the server add mstrio-py to the packages by itself?")
def mstrio_py_added(run: ProbeRun) -> Answer:
    first, later = run.once(watch).added, run.once(update).added
    evidence = f"After a create without {_ADDED}, it was {'' if first else 'not '}in the packages; after an update "
    evidence += f"without it, it was {'' if later else 'not '}in the packages."
    value = {(False, False): "no", (True, False): "on_create", (True, True): "always"}.get((first, later), OTHER)
    return value, evidence


@asks("For how many seconds after an update is the status the old one?")
def status_lag(run: ProbeRun) -> Answer:
    seconds = run.once(update).seconds
    if seconds is None:
        raise Unanswered("The status was unknown before the update, or did not change, so no delay can be seen.")
    if seconds < _INTERVAL:
        return 0, "The first check after an update showed its effect."
    return round(seconds), f"For about {round(seconds)} seconds after an update, the server returned the old status."


# --- questions that need a script


@asks("What is the result object of a script?", ALL_HANDLED)
def script_result(run: ProbeRun) -> Answer:
    found = run.once(first_script)["result"]
    value, returned = OTHER, "something else"
    if found is None or isinstance(found, str):
        value, returned = _RETURNED.get(found, (value, returned))
    return value, f"A script set the variable 'result' and ended with a text. The server returned {returned}."


@asks("What can a script reach if the whitelist is empty?")
def empty_whitelist(run: ProbeRun) -> Answer:
    if not run.settings.scripts:
        raise Unanswered("Needs a script that tries to connect to an address; set scripts: true and reach.")
    if run.settings.reach is None:
        raise Unanswered("Needs an address that a script may try to connect to; set reach.")
    host, port = run.settings.reach
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
    run.must_patch(identity, {"whitelist": whitelist}, "An update of the whitelist")
    return str(_ran(run, identity, _CONNECT.format(host=host, port=port))["stdout"]).split() == ["reached"]
