# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests on a server every behaviour that the public documentation leaves open, and cleans up afterwards.

The names of the switches are those of the simulator in tests/simulator, which behaves like the server that answered.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from .._errors import MstrError, ValidationError, unforeseen
from .._model.runtime import Runtime
from .._session.interrupt import Interrupted
from .._work.api import RuntimeApi
from . import creates, fields, packages, server, sessions
from .scratch import OTHER, Answer, Scratch, Settings, Unanswered, why


class Question(NamedTuple):
    """One question. `ask` returns the value and the evidence, or raises Unanswered."""

    switch: str
    question: str
    ask: Callable[[Scratch], Answer]
    unhandled: tuple[str, ...] = (OTHER,)  # values that the modules do not handle


def _never(reason: str) -> Callable[[Scratch], Answer]:
    def ask(_scratch: Scratch) -> Answer:
        raise Unanswered(f"Never tried: {reason}")

    return ask


_ANY: tuple[str, ...] = ()  # the modules do not depend on the value

OF_RUNTIMES = (
    Question("status_call", "Does the server report its releases?", server.status_call),
    Question("iserver_version", "Which release of the Intelligence Server is it?", server.iserver_version),
    Question("deployment_type", "Which type of deployment is it?", server.deployment_type),
    Question("versions_call", "Can the server list its Python versions?", server.versions_call),
    Question("python_versions", "Which Python versions does it offer?", server.python_versions),
    Question("default_name", "What is the name of the built-in runtime?", fields.default_name),
    Question("create_requires", "Which fields does a create need besides the name?", creates.create_requires),
    Question("create_status", "What is the HTTP status of a create?", creates.create_status),
    Question("create_answer", "What is in the response to a create?", creates.create_answer, _ANY),
    Question("unset_fields", "What does the server return for a field that was never set?", creates.unset_fields, _ANY),
    Question(
        "runtime_status", "What is the status of a runtime before a script has run on it?", packages.runtime_status
    ),
    Question(
        "package_first_status",
        "What is the status of a package that is being installed?",
        packages.package_first_status,
    ),
    Question("package_outcome", "Can the server install a package?", packages.package_outcome),
    Question("empty_version", "What does the server store for an omitted package version?", packages.empty_version),
    Question("script_result", "What is the result object of a script?", packages.script_result, _ANY),
    Question("duplicate_names", "Can two runtimes have the same name?", creates.duplicate_names),
    Question(
        "duplicate_status",
        "With which HTTP status is a second runtime of the same name refused?",
        creates.duplicate_status,
    ),
    Question("names_case", "Are names case-sensitive?", creates.names_case),
    Question("names_whitespace", "Does the server keep a space at the end of a name?", creates.names_whitespace, _ANY),
    Question("zero_counts", "Does the server return a count of zero?", fields.zero_counts),
    Question("cpu_format", "In which form does the server return cpu?", fields.cpu_format, ("millicores", OTHER)),
    Question("field_order", "In which order does the server return whitelist and packages?", fields.field_order, _ANY),
    Question("patch_needs_name", "Does an update need the name?", fields.patch_needs_name),
    Question("patch_resource", "Does an update of resource keep the keys that it omits?", fields.patch_resource),
    Question("unknown_keys", "Does an update keep undocumented keys of resource?", fields.unknown_keys, _ANY),
    Question("disk_and_proc_count", "Does resource have disk and procCount?", fields.disk_and_proc_count),
    Question("execution_target", "Is there a field executionTarget?", fields.execution_target),
    Question("change_journal", "Does an update accept a comment for the change journal?", fields.change_journal),
    Question("list_omits", "Which fields does the list of runtimes omit?", fields.list_omits),
    Question("list_order", "In which order does the list show the runtimes?", fields.list_order, _ANY),
    Question(
        "cidr_host_bits",
        "How does the server store a block with host bits, such as 192.0.2.7/24?",
        fields.cidr_host_bits,
    ),
    Question(
        "cidr_bare_address", "How does the server store an address without a prefix length?", fields.cidr_bare_address
    ),
    Question("cidr_spelling", "In which form does the server return an IPv6 block?", fields.cidr_spelling),
    Question("cidr_host_names", "Can a whitelist hold a host name?", fields.cidr_host_names),
    Question("empty_whitelist", "What can a script reach if the whitelist is empty?", packages.empty_whitelist),
    Question("mstrio_py_added", "Does the server add mstrio-py to the packages by itself?", packages.mstrio_py_added),
    Question("status_lag", "For how many seconds after an update is the status the old one?", packages.status_lag),
    Question(
        "unknown_version", "Does the server accept a Python version that it does not offer?", fields.unknown_version
    ),
    Question("delete_comments", "Does a delete accept a comment for the change journal?", fields.delete_comments),
    Question("search_versions", "Which version of the metadata search exists?", server.search_versions),
    Question("search_missing", "How does the server refuse the other version of the search?", server.search_missing),
    Question("search_total", "Does a search return the number of objects found?", server.search_total),
    Question(
        "unloaded_projects", "Does the list of projects contain those that are not loaded?", server.unloaded_projects
    ),
    Question(
        "privilege_for_reads", "Does reading need the privilege 'Manage runtime', too?", server.privilege_for_reads
    ),
    Question("errors_wrapped", "Does the server return errors in a list?", server.errors_wrapped),
    Question("error_code_style", "In which form does the server write error codes?", server.error_code_style, _ANY),
)
# Asked after the cleanup, because the probe's own session may end together with a different one.
OF_SESSIONS = (
    Question("iserver_timeout", "After how many seconds without a request does a session end?", server.iserver_timeout),
    Question(
        "load_balancer_cookie", "Does a load balancer set a cookie, and does it change?", sessions.load_balancer_cookie
    ),
    Question(
        "application_type_76",
        "Is a login with applicationType 76 accepted?",
        sessions.of_a_second_session("application_type_76"),
    ),
    Question(
        "sessions_parallel",
        "Does one session accept several requests at a time?",
        sessions.of_a_second_session("sessions_parallel"),
    ),
    Question("logout_scope", "Which sessions does a logout end?", sessions.of_a_second_session("logout_scope")),
    Question(
        "delegated_logout",
        "Does the logout of a delegated session also end the session that delegated it?",
        sessions.of_a_second_session("delegated_logout"),
    ),
    Question("guest_login", "Can guests log in?", server.guest_login),
    Question("guest_manages", "May guests manage runtimes?", server.guest_manages),
)
_OF_OTHERS = "it needs {} of a different user."
_OF_SCRIPTS = _never("the probe saves no scripts in projects.")
NEVER = (
    Question("default_delete", "Can the built-in runtime be deleted?", _never("scripts of other users need it.")),
    Question("session_limit", "How many sessions may a user have?", _never("it would lock the user out.")),
    Question(
        "tomcat_timeout",
        "After how many seconds without a request does Tomcat end a session?",
        _never("it takes as long as the timeout."),
    ),
    Question(
        "list_hides", "Which runtimes does the list hide?", _never("names of other users' runtimes are not published.")
    ),
    Question(
        "hidden_read",
        "How does the server refuse to read a runtime that an ACL hides?",
        _never(_OF_OTHERS.format("a runtime")),
    ),
    Question(
        "hidden_script",
        "How does the server refuse to read a script that an ACL hides?",
        _never(_OF_OTHERS.format("a script")),
    ),
    Question(
        "search_finds_hidden",
        "Does a search find scripts that an ACL hides?",
        _never(_OF_OTHERS.format("a script")),
    ),
    Question(
        "script_without_runtime",
        "What does the server return as the runtime of a script that names none?",
        _never(_OF_OTHERS.format("a script")),
    ),
    Question(
        "used_runtime_delete",
        "Can a runtime be deleted that saved scripts use?",
        _OF_SCRIPTS,
    ),
    Question(
        "search_page_limit",
        "How many results does one response to a search contain?",
        _never(_OF_OTHERS.format("many scripts")),
    ),
    Question(
        "unloaded_answer",
        "How does the server refuse a request in a project that is not loaded?",
        _never("a call might load it."),
    ),
    Question(
        "script_put_omitted", "Does an update of a script keep the fields that it omits?", _OF_SCRIPTS, ("reset",)
    ),
    Question("script_put_runtime", "Can a script be assigned to a runtime that does not exist?", _OF_SCRIPTS),
    Question("script_put_needs", "Is the right to write a script enough to assign a runtime?", _OF_SCRIPTS),
    Question("script_put_answer", "What is the response to an update of a script?", _OF_SCRIPTS, _ANY),
    Question("script_put_running", "Can a runtime be assigned to a script that is running?", _OF_SCRIPTS),
)
QUESTIONS = (*OF_RUNTIMES, *OF_SESSIONS, *NEVER)


_REACH = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>\d{1,5})")


def settings_from(params: Mapping[str, Any], check_mode: bool = False) -> Settings:
    """The checked options. Raises ValidationError."""
    faults = []
    reach, wait_timeout = None, params["wait_timeout"]
    if not 0 < wait_timeout < math.inf:
        faults.append(f"wait_timeout must be more than 0 seconds, not {wait_timeout:g}")
    if params["reach"]:
        found = _REACH.fullmatch(params["reach"])
        if not found or not 0 < int(found["port"]) < 65536:
            faults.append(f"reach must be host:port, such as 10.0.0.1:443, not {params['reach']!r}")
        elif not params["scripts"]:
            faults.append("reach needs scripts: true, because a script tries to connect to it")
        else:
            reach = (found["ipv6"] or found["host"], int(found["port"]))
    if faults:
        raise ValidationError(faults)
    return Settings(check_mode, params["scripts"], reach, wait_timeout, params["cleanup"])


def probe(scratch: Scratch) -> dict[str, Any]:
    """The result. Raises MstrError if the login is refused or the task must end."""
    try:
        scratch.session.snapshot()
        removed = _delete_earlier(scratch)
        answers = _ask(OF_RUNTIMES, scratch)
        _delete_own(scratch)
        answers += _ask((*OF_SESSIONS, *NEVER), scratch)
    except Interrupted as exc:
        left = scratch.remove_at_last() or ["Nothing of the probe is left on the server."]
        raise MstrError(f"{exc.sentence} while the probe asked its questions. {' '.join(left)}") from exc
    except Exception:
        for sentence in scratch.remove_at_last():
            scratch.warn(sentence)
        raise
    return _result(scratch, answers, removed)


def _ask(questions: Iterable[Question], scratch: Scratch) -> list[dict[str, Any]]:
    return [_answer(question, scratch) for question in questions]


def _answer(one: Question, scratch: Scratch) -> dict[str, Any]:
    try:
        value, evidence = one.ask(scratch)
    except Interrupted:
        raise
    except Unanswered as exc:
        value, evidence = None, exc.reason
    except MstrError as exc:
        value, evidence = None, why(exc)
    except Exception as exc:
        value, evidence = None, unforeseen(exc).sentence
    return {
        "switch": one.switch,
        "question": one.question,
        "value": value,
        "evidence": evidence,
        "handled": None if value is None else value not in one.unhandled,
    }


def _delete_own(scratch: Scratch) -> None:
    """Delete the runtimes of this probe."""
    for sentence in scratch.clean_up():
        scratch.left.append(sentence)
        scratch.warn(sentence)


def _delete_earlier(scratch: Scratch) -> int:
    """The number of runtimes of an earlier probe that were deleted, or would be in check mode."""
    try:
        found = scratch.earlier(scratch.listed())
    except (Unanswered, MstrError) as exc:
        if isinstance(exc, Interrupted):
            raise
        return 0
    names = ", ".join(sorted(map(repr, found.values())))
    if found and not scratch.settings.cleanup:
        scratch.warn(
            f"Runtimes of an earlier probe are on the server: {names}. If no other probe is running, delete them with "
            "cleanup: true."
        )
        return 0
    for identity, name in found.items() if not scratch.settings.check_mode else ():
        try:
            RuntimeApi(scratch.session).delete(Runtime({"name": name}, identity), None)
        except Interrupted:
            raise
        except MstrError as exc:
            scratch.warn(f"{exc.sentence} It is of an earlier probe, and is left on the server.")
    return len(found)


def _result(scratch: Scratch, answers: list[dict[str, Any]], removed: int) -> dict[str, Any]:
    found = [one for one in answers if one["value"] is not None]
    unhandled = [f"{one['switch']} ({_text(one['value'])})" for one in found if not one["handled"]]
    handled = f"the modules do not handle {len(unhandled)} of them: {', '.join(unhandled)}."
    if unhandled:
        scratch.warn(f"This server behaves in a way that the modules do not handle: {', '.join(unhandled)}.")
    else:
        handled = "the modules handle all of them."
    sentences = [f"{len(found)} of {len(answers)} questions answered; {handled}", *scratch.left]
    return {
        "changed": scratch.settings.check_mode or scratch.made > 0 or removed > 0,
        "msg": " ".join(sentences),
        "answers": answers,
        "profile": {one["switch"]: one["value"] for one in found if one["value"] != OTHER},
        "product": server.product(scratch),
    }


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
