"""The table of switches, and the profiles, which are named sets of switches.

SWITCHES has a row for each question that the API's public documentation does not answer, and for each documented
difference between releases. A profile contains only its differences from the defaults.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.switches import Switch, SwitchError, Switches


def _choice(name: str, choices: str, meaning: str) -> Switch:
    """A switch whose default is its first choice."""
    words = tuple(choices.split("|"))
    return Switch(name, "choice", words[0], meaning, words)


_ROWS = (
    # --- what a list and an object look like
    Switch("list_omits", "names", (), "fields that the list omits; reading the object by its id shows them"),
    Switch("list_hides", "names", (), "names of runtimes that the list omits; reading one by its id shows it"),
    _choice("list_order", "creation|reversed|name|shuffled", "order of the runtimes in the list"),
    _choice("field_order", "keep|reversed|sorted|shuffled", "order of whitelist and packages in a response"),
    _choice(
        "unset_fields",
        "absent|null|null_text|defaults",
        "a field that was never set: left out, null, null for text and left out otherwise, or the server's default",
    ),
    _choice("zero_counts", "keep|omit", "whether a response shows minCachedInstances and maxCachedInstances of 0"),
    _choice(
        "cpu_format",
        "as_sent|two_decimals|number|millicores",
        'format of resource.cpu in a response: as it was sent, "0.20", a JSON number, "200m"',
    ),
    Switch(
        "default_name", "text", "(Default) MicroStrategy", "name of the built-in runtime (translated on some servers)"
    ),
    # --- what a write accepts and stores
    _choice("create_status", "200|201", "status of a successful create"),
    _choice("create_answer", "id|object", "body of a successful create: the id alone, or the whole object"),
    Switch("create_requires", "names", (), "fields that a create needs besides name"),
    _choice("patch_needs_name", "yes|no", "whether a PATCH without name in its body is rejected [mstrio]"),
    _choice("patch_resource", "replace|merge", "whether a PATCH of resource keeps the keys that it does not contain"),
    _choice(
        "unknown_keys",
        "dropped|kept",
        "what happens to undocumented keys inside resource and packages that a PATCH does not contain",
    ),
    _choice("duplicate_names", "refuse|allow", "a second runtime of the same name"),
    Switch("duplicate_status", "integer", 409, "HTTP status when such a runtime is rejected; the code is ERR0015"),
    _choice("names_whitespace", "keep|trim", "whether ' Etl ' is stored as 'Etl'"),
    _choice("names_case", "sensitive|insensitive", "whether Etl and etl count as the same name"),
    _choice("cidr_host_bits", "keep|clear|refuse", "10.10.10.7/24 in a whitelist; clear stores 10.10.10.0/24"),
    _choice("cidr_bare_address", "keep|suffix|refuse", "10.10.10.7 in a whitelist; suffix stores 10.10.10.7/32"),
    _choice("cidr_spelling", "keep|canonical", "whether 2001:DB8::/32 is stored as 2001:db8::/32"),
    _choice("cidr_host_names", "refuse|keep", "a host name in a whitelist"),
    _choice("empty_whitelist", "nothing|everything", "what a script on a runtime with an empty whitelist can reach"),
    _choice("default_delete", "refuse|allow", "deleting the built-in runtime"),
    # --- packages and status
    Switch("package_delay", "number", 0.0, "seconds from a create or update until its packages have their outcome"),
    _choice("package_outcome", "installed|not_installed", "the final status of a package for which no rule was seeded"),
    _choice("package_first_status", "installing|unknown", "status of a package before its outcome"),
    _choice(
        "mstrio_py_added",
        "no|on_create|always",
        "whether mstrio-py is added to packages unasked: never, by a create, by every write of packages",
    ),
    _choice(
        "empty_version",
        "keep|resolve|when_installed",
        'how a package requested with version "" is shown: so, with the installed version, or so once installed',
    ),
    _choice(
        "runtime_status",
        "follows|unknown_first|stays_unknown|all_unknown",
        "busy until the packages are done; unknown for the first half of that time; unknown until the first script "
        "has run; the same for the status of the packages",
    ),
    Switch(
        "status_lag",
        "number",
        0.0,
        "seconds after an update during which responses show the older statuses, and unknown for a new package",
    ),
    # --- releases
    Switch("iserver_version", "text", "11.6.1000.00123", "what GET /api/status returns"),
    Switch("deployment_type", "text", "", "what GET /api/status returns; an empty value is omitted"),
    _choice(
        "configuration_lock",
        "not_locked|temporal_individual|temporal_constituent|permanent_individual|permanent_constituent|404|405",
        "the lockType that GET /api/iserver/lock returns [mstrio: 11.3.0600 and newer], or no such call",
    ),
    Switch("python_versions", "names", ("3.10.5", "3.11.9", "3.12.4"), "the Python versions for scripts"),
    _choice("versions_call", "yes|404|405|as_id", "GET /api/runtimes/versions; as_id treats it as the id of a runtime"),
    _choice("unknown_version", "refuse|keep", "a runtimeVersion that is not in that list"),
    _choice("execution_target", "yes|no", "the field executionTarget exists [mstrio: newer servers]"),
    _choice("change_journal", "yes|no", "POST and PATCH take changeJournal [mstrio: newer servers]"),
    _choice("delete_comments", "yes|no", "DELETE takes userComments [mstrio: 11.5.0300 and newer]"),
    _choice("disk_and_proc_count", "yes|no", "resource takes disk and procCount [mstrio: newer servers]"),
    _choice("application_type_76", "yes|no", "a login with applicationType 76 [mstrio falls back to 35]"),
    # --- sessions
    _choice("status_call", "open|locked", "GET /api/status without a session; locked answers 401 [mstrio]"),
    _choice("guest_login", "yes|no", "login mode 8"),
    _choice("guest_manages", "yes|no", "the guest has the privilege to manage runtimes"),
    _choice("privilege_for_reads", "yes|no", "whether reading runtimes also needs the privilege"),
    _choice("hidden_read", "not_found|forbidden", "reading a runtime that its ACL hides from the caller"),
    Switch("session_limit", "integer", 0, "maximum of Intelligence Server sessions per user; 0 means no limit"),
    Switch("tomcat_timeout", "number", 1800.0, "idle seconds after which Tomcat ends a session"),
    Switch("iserver_timeout", "number", 1800.0, "idle seconds after which the Intelligence Server ends a session"),
    _choice(
        "load_balancer_cookie",
        "none|fixed|rotate|rotate_strict",
        "the load balancer's cookie: none; one that a client must send back; "
        "one that changes with each response, of which all, or only the newest, are valid",
    ),
    _choice("sessions_parallel", "yes|queue|refuse", "several calls at a time on one session; refuse answers 429"),
    _choice("logout_scope", "session|user", "which sessions a logout ends: its own, or all sessions of its user"),
    _choice(
        "delegated_logout",
        "separate|shared",
        "whether the logout of a delegated session ends the session that its token came from, and the other way round",
    ),
    # --- errors, time
    _choice("errors_wrapped", "no|yes", 'error bodies come as {"errors": [...]} [mstrio]'),
    _choice("error_code_style", "table|sample", "ERR0017 as in the vendor's table, or ERR017 as in its sample [doc]"),
    Switch("latency_ms", "number", 0.0, "delay of every response of the API in milliseconds"),
    # --- scripts
    Switch("script_start_delay", "number", 0.0, "seconds during which an evaluation has the status 0 (initiated)"),
    _choice(
        "script_result",
        "last_value|variable|nothing",
        "the result object of a script: its last expression or else the variable result; that variable; none",
    ),
    _choice("script_metadata", "visible|hidden", "whether a script sees the metadata of installed packages"),
    # --- projects and the scripts saved in them
    _choice(
        "script_without_runtime",
        "left_out|null|empty|default_id",
        "what reading a saved script shows as its runtime where it names none: nothing, null, an empty text, or the "
        "id of the built-in runtime",
    ),
    _choice("hidden_script", "forbidden|not_found", "reading a script that the caller may not read"),
    _choice("search_finds_hidden", "no|yes", "whether a search finds scripts that the caller may not read"),
    _choice(
        "search_total",
        "found|everything|left_out",
        "the number of results that a search reports: what it found, also what the caller may not see, or none",
    ),
    _choice(
        "search_versions",
        "both|1|2",
        "which version of the metadata search exists: POST /api/metadataSearches/results, /api/v2/…, or both",
    ),
    _choice("search_missing", "404|405", "the answer to the version of the search that does not exist"),
    Switch(
        "search_page_limit", "integer", 0, "most results of a search in one answer, whatever is asked for; 0 is all"
    ),
    _choice("unloaded_projects", "listed|left_out", "whether the list of projects shows one that is not loaded"),
    _choice("unloaded_answer", "500|403|404", "the answer to a call in a project that is not loaded"),
    _choice("used_runtime_delete", "allow|refuse", "deleting a runtime that saved scripts use"),
    _choice("script_put_omitted", "keep|reset", "what an update of a script does with the keys that it leaves out"),
    _choice("script_put_runtime", "keep|refuse", "assigning a runtime that does not exist to a script"),
    _choice(
        "script_put_needs",
        "right|privilege",
        "whether the right to write a script is enough, or the privilege is needed",
    ),
    _choice(
        "script_put_answer", "empty|object", "the response to an update of a script: none, or the script as it was"
    ),
    _choice("script_put_running", "allow|refuse", "assigning a different runtime to a script that is running"),
    # --- planned tasks and the history of scripts
    _choice("tasks_call", "yes|404|405", "GET /api/tasks and GET /api/tasks/ID [mstrio: 11.6.8 and newer]"),
    _choice("task_script_key", "id|objectId", "the key of a task's content that holds the id of its script"),
    _choice("tasks_all_projects", "project|everything", "what a list of tasks with allProjects=true shows"),
    _choice("hidden_tasks", "left_out|listed", "whether a list shows tasks of scripts that the caller may not read"),
    _choice("history_call", "yes|404|405|as_id", "GET /api/scripts/history; as_id treats it as the id of a script"),
    _choice("history_order", "asked|reversed", "the order in which the history shows several scripts"),
    _choice("history_names_script", "no|yes", "whether an entry of the history has the id of its script"),
)

SWITCHES: Mapping[str, Switch] = {row.name: row for row in _ROWS}

FROM_FILE = "file"  # name of the profile that a file describes

PROFILES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "samples": (
        "exactly the vendor's documented samples: the list has no whitelist and no resource, "
        "fields that were never set are omitted",
        {"list_omits": "whitelist,resource", "python_versions": "3.10.5", "unknown_version": "keep"},
    ),
    "newest": (
        "a current release with all features: lists are complete, every field has a value",
        {
            "create_status": "201",
            "unset_fields": "defaults",
            "python_versions": "3.10.5,3.11.9,3.12.4,3.13.1",
            "load_balancer_cookie": "fixed",
            "deployment_type": "MCE",
            "script_without_runtime": "default_id",
        },
    ),
    "oldest": (
        "the first releases with runtimes: no versions call, no newer fields, no comments",
        {
            "iserver_version": "11.3.0760.00456",
            "python_versions": "3.10.5",
            "unknown_version": "keep",
            "versions_call": "404",
            "configuration_lock": "404",
            "execution_target": "no",
            "change_journal": "no",
            "delete_comments": "no",
            "disk_and_proc_count": "no",
            "application_type_76": "no",
            "error_code_style": "sample",
            "search_versions": "1",
            "used_runtime_delete": "refuse",
            "tasks_call": "404",
            "history_call": "as_id",
        },
    ),
    "awkward": (
        "all difficult but valid behaviours at once: a correct client handles them",
        {
            "list_omits": "whitelist,packages,resource,description,executionTarget,execTimeout,others",
            "list_order": "shuffled",
            "field_order": "shuffled",
            "unset_fields": "null_text",
            "cpu_format": "two_decimals",
            "default_name": "(Standard) MicroStrategy",
            "create_status": "201",
            "create_requires": "execTimeout",
            "duplicate_names": "allow",
            "names_case": "insensitive",
            "names_whitespace": "trim",
            "cidr_host_bits": "clear",
            "cidr_bare_address": "suffix",
            "cidr_spelling": "canonical",
            "cidr_host_names": "keep",
            "empty_whitelist": "everything",
            "package_first_status": "unknown",
            "mstrio_py_added": "on_create",
            "empty_version": "when_installed",
            "runtime_status": "stays_unknown",
            "versions_call": "405",
            "status_call": "locked",
            "hidden_read": "forbidden",
            "load_balancer_cookie": "rotate",
            "sessions_parallel": "queue",
            "delegated_logout": "shared",
            "errors_wrapped": "yes",
            "script_without_runtime": "null",
            "search_finds_hidden": "yes",
            "hidden_script": "not_found",
            "search_versions": "2",
            "search_page_limit": 7,
            "script_put_answer": "object",
            "unloaded_answer": "404",
            "task_script_key": "objectId",
            "tasks_all_projects": "everything",
            "hidden_tasks": "listed",
            "history_order": "reversed",
        },
    ),
    "strict": (
        "rejects all it can: duplicate names in any case, host bits, bare addresses, a create without execTimeout, "
        "parallel calls on one session, guests",
        {
            "create_requires": "execTimeout",
            "names_case": "insensitive",
            "cidr_host_bits": "refuse",
            "cidr_bare_address": "refuse",
            "load_balancer_cookie": "fixed",
            "sessions_parallel": "refuse",
            "guest_login": "no",
            "unloaded_projects": "left_out",
            "unloaded_answer": "403",
            "used_runtime_delete": "refuse",
            "script_put_runtime": "refuse",
            "script_put_needs": "privilege",
            "script_put_running": "refuse",
        },
    ),
}


# What `make simulator` starts. It is not one of PROFILES, with each of which tests run: it has a seed (seed.py).
PLAYGROUND = "playground"
_PLAYGROUND = (
    "the samples with several Python versions; has a runtime with two saved scripts, one of them on a schedule",
    {**PROFILES["samples"][1], "python_versions": "3.10.5,3.11.9,3.12.4", "unknown_version": "refuse"},
)


def profiles() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """All profiles, the one for people included."""
    return {**PROFILES, PLAYGROUND: _PLAYGROUND}


def add_profile_from(path: Path) -> str:
    """Add the profile in a file that the playbook ``mstr.library.probe`` wrote, and return its name.

    A file with the switches alone will do. A switch that the file does not name has its default.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SwitchError(f"{path} is not a JSON file that can be read ({error})") from error
    values = data.get("profile", data) if isinstance(data, dict) else None
    if not isinstance(values, dict):
        raise SwitchError(f"{path} holds no profile: expected an object of switches and their values")
    Switches(SWITCHES, values)
    PROFILES[FROM_FILE] = (f"the server that {path.name} describes", values)
    return FROM_FILE


def make_switches(profile: str, overrides: Mapping[str, Any] | None = None) -> Switches:
    """The switches of a profile, with some of them changed."""
    known = profiles()
    if profile not in known:
        raise SwitchError(f"no profile is called {profile!r} (there are: {', '.join(known)})")
    switches = Switches(SWITCHES, known[profile][1])
    switches.set(overrides or {})
    return switches


def switches_as_markdown() -> str:
    """The table that `--list-switches` prints."""

    def cell(value: Any) -> str:
        text = ",".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
        return f"`{text}`" if text else "(empty)"

    lines = ["| switch | values | default | elsewhere | meaning |", "|---|---|---|---|---|"]
    for row in _ROWS:
        others = "; ".join(
            f"{profile} {cell(row.parse(values[row.name]))}"
            for profile, (_, values) in PROFILES.items()
            if row.name in values
        )
        allowed = " ".join(f"`{choice}`" for choice in row.choices) or row.allowed()
        lines.append(f"| `{row.name}` | {allowed} | {cell(row.default)} | {others} | {row.meaning} |")
    return "\n".join(lines) + "\n"
