# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the probe's questions, in the order in which it asks them.

The names of the switches are those of the simulator in tests/simulator, which behaves like the server that answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import creates, lists, packages, projects, releases, scripts, sessions, updates
from .scratch import Scratch
from .words import OTHER, Answer, Unanswered


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
    Question("status_call", "Does the server report its releases?", releases.status_call),
    Question("iserver_version", "Which release of the Intelligence Server is it?", releases.iserver_version),
    Question("deployment_type", "Which kind of deployment is it?", releases.deployment_type),
    Question("versions_call", "Can the server list its Python versions?", releases.versions_call),
    Question("python_versions", "Which Python versions does it offer?", releases.python_versions),
    Question("default_name", "What is the name of the built-in runtime?", lists.default_name),
    Question("create_requires", "Which fields does a create need besides the name?", creates.create_requires),
    Question("create_status", "What is the HTTP status of a create?", creates.create_status),
    Question("create_answer", "What is in the response to a create?", creates.create_answer, _ANY),
    Question("unset_fields", "How does a field come back that was never set?", creates.unset_fields, _ANY),
    Question(
        "runtime_status", "What does the status of a runtime say before the first script?", packages.runtime_status
    ),
    Question(
        "package_first_status",
        "What is the status of a package that is being installed?",
        packages.package_first_status,
    ),
    Question("package_outcome", "Can the server install a package?", packages.package_outcome),
    Question("empty_version", "What becomes of an omitted version of a package?", packages.empty_version),
    Question("script_result", "What is the result object of a script?", scripts.script_result, _ANY),
    Question("duplicate_names", "Can two runtimes have the same name?", creates.duplicate_names),
    Question("duplicate_status", "With which HTTP status is the second one refused?", creates.duplicate_status),
    Question("names_case", "Are names compared with case?", creates.names_case),
    Question("names_whitespace", "Is a blank at the end of a name kept?", creates.names_whitespace, _ANY),
    Question("zero_counts", "Does a count of zero come back?", lists.zero_counts),
    Question("cpu_format", "In which form does cpu come back?", updates.cpu_format, ("millicores", OTHER)),
    Question("field_order", "In which order do whitelist and packages come back?", lists.field_order, _ANY),
    Question("patch_needs_name", "Does an update need the name?", updates.patch_needs_name),
    Question("patch_resource", "Does an update of resource keep what it does not carry?", updates.patch_resource),
    Question("unknown_keys", "Does an update keep undocumented keys of resource?", updates.unknown_keys, _ANY),
    Question("disk_and_proc_count", "Does resource have disk and procCount?", updates.disk_and_proc_count),
    Question("execution_target", "Is there a field executionTarget?", updates.execution_target),
    Question("change_journal", "Can an update carry a comment for the journal?", updates.change_journal),
    Question("list_omits", "Which fields does the list of runtimes leave out?", lists.list_omits),
    Question("list_order", "In which order does the list show the runtimes?", lists.list_order, _ANY),
    Question("cidr_host_bits", "What becomes of a block with host bits, such as 192.0.2.7/24?", lists.cidr_host_bits),
    Question("cidr_bare_address", "What becomes of an address without a prefix length?", lists.cidr_bare_address),
    Question("cidr_spelling", "In which form does an IPv6 block come back?", lists.cidr_spelling),
    Question("cidr_host_names", "Can a whitelist hold a host name?", lists.cidr_host_names),
    Question("empty_whitelist", "What does a script reach where the whitelist is empty?", scripts.empty_whitelist),
    Question("mstrio_py_added", "Is mstrio-py added to the packages unasked?", packages.mstrio_py_added),
    Question("status_lag", "How long does an update leave the status as it was?", packages.status_lag),
    Question(
        "unknown_version", "Is a Python version accepted that the server does not offer?", updates.unknown_version
    ),
    Question("delete_comments", "Can a delete carry a comment for the journal?", updates.delete_comments),
    Question("search_versions", "Which version of the metadata search exists?", projects.search_versions),
    Question("search_missing", "How is the other version refused?", projects.search_missing),
    Question("search_total", "Does a search return the number of objects found?", projects.search_total),
    Question("unloaded_projects", "Are projects listed that are not loaded?", projects.unloaded_projects),
    Question("privilege_for_reads", "Does reading need the privilege too?", releases.privilege_for_reads),
    Question("errors_wrapped", "Do errors come in a list?", releases.errors_wrapped),
    Question("error_code_style", "How are the codes of errors written?", releases.error_code_style, _ANY),
)
# Asked after the cleanup, because the probe's own session may end together with a different one.
OF_SESSIONS = (
    Question("iserver_timeout", "After how many seconds without a call does a session end?", releases.iserver_timeout),
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
        "Does one session take several calls at a time?",
        sessions.of_a_second_session("sessions_parallel"),
    ),
    Question("logout_scope", "Which sessions does a logout end?", sessions.of_a_second_session("logout_scope")),
    Question(
        "delegated_logout",
        "Does the logout of a delegated session end its giver's?",
        sessions.of_a_second_session("delegated_logout"),
    ),
    Question("guest_login", "Can guests log in?", releases.guest_login),
    Question("guest_manages", "May guests manage runtimes?", releases.guest_manages),
)
_OF_OTHERS = "that needs {} of a different user."
NEVER = (
    Question("default_delete", "Can the built-in runtime be deleted?", _never("scripts of others need it.")),
    Question("session_limit", "How many sessions may a user have?", _never("that would lock the user out.")),
    Question(
        "tomcat_timeout",
        "After how many seconds without a call does Tomcat end a session?",
        _never("only waiting that long would show it."),
    ),
    Question("list_hides", "Which runtimes does the list hide?", _never("names of others are not published.")),
    Question("hidden_read", "How is a runtime refused that an ACL hides?", _never(_OF_OTHERS.format("a runtime"))),
    Question("hidden_script", "How is a script refused that an ACL hides?", _never(_OF_OTHERS.format("a script"))),
    Question(
        "search_finds_hidden",
        "Does a search find scripts that an ACL hides?",
        _never(_OF_OTHERS.format("a script")),
    ),
    Question(
        "script_without_runtime",
        "How does a script come back that names no runtime?",
        _never(_OF_OTHERS.format("a script")),
    ),
    Question(
        "used_runtime_delete",
        "Can a runtime be deleted that saved scripts use?",
        _never("the probe saves no scripts in projects."),
    ),
    Question(
        "search_page_limit",
        "How many results does one response to a search hold?",
        _never(_OF_OTHERS.format("many scripts")),
    ),
    Question(
        "unloaded_answer",
        "How is a call refused in a project that is not loaded?",
        _never("a call might load it."),
    ),
)
QUESTIONS = (*OF_RUNTIMES, *OF_SESSIONS, *NEVER)
