# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the playbooks and roles: which exist, which playbook uses which, and which a name probably means.

Pure, except that the variables of the roles are read from their argument specs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ROLES = Path(__file__).resolve().parents[3] / "roles"
_ROLE = "mstr_runtimes_"
_MOST_EDITS = 2
# A variable with such a beginning that no playbook knows is a misspelled one.
_WORDS = ("plan", "report", "audit", "fail_on", "export", "probe", "restore", "controller")
_PREFIXES = tuple(f"mstr_{word}_" for word in _WORDS)


class Variable(NamedTuple):
    """A variable of the playbooks in `playbooks`. `meaning`: for the guide, with the default in brackets."""

    type: str
    playbooks: tuple[str, ...]
    meaning: str


PLAYBOOKS = ("apply", "audit", "export", "probe", "restore")
_ALL = (*PLAYBOOKS, "job_audit", "job_restore", "job_smoke_test")
# What only playbooks use, beside the variables of the role. `make generate` writes it into the guide.
OF_PLAYBOOKS = {
    "mstr_audit_installed": Variable(
        "bool",
        ("audit",),
        "Whether to run a script on each runtime that is ready, which lists what is really installed (no).",
    ),
    "mstr_audit_scripts": Variable("bool", ("audit",), "Whether to look up which scripts use each runtime (no)."),
    "mstr_audit_since": Variable(
        "path",
        ("audit",),
        "The ``.json`` of an earlier audit, or an exported file: the report then says what changed since (none).",
    ),
    "mstr_audit_since_job": Variable(
        "str",
        ("job_audit",),
        "The number of an earlier job of the template *audit* on a controller, or ``last``: the report then says what "
        "changed since (none).",
    ),
    "mstr_audit_tasks": Variable(
        "bool",
        ("audit",),
        "Whether to also look up the schedules and the last runs of these scripts (no). It needs "
        "``mstr_audit_scripts``.",
    ),
    "mstr_fail_on_drift": Variable(
        "bool",
        ("apply", "audit", "restore"),
        "Whether to fail an environment that differs from its definitions, after the report on all environments (no). "
        "``apply`` and ``restore`` use it only in check mode.",
    ),
    "mstr_fail_on_violation": Variable(
        "bool",
        ("audit",),
        "Whether to fail an environment with a violation, after the report on all environments (no).",
    ),
    "mstr_plan_dest": Variable(
        "path",
        ("apply", "restore"),
        "In check mode, a file for the plan of all environments, for somebody to approve (none). It contains the "
        "differences, and for each environment the id of its plan.",
    ),
    "mstr_plan_src": Variable(
        "path",
        ("apply", "restore"),
        "The file of an approved plan (none). An environment that is not in it, or whose plan has something "
        "else by now, fails and is left alone. What is done already may be missing.",
    ),
    "mstr_probe_cleanup": Variable(
        "bool", ("probe",), "Whether to also delete what an earlier probe left because it was killed (no)."
    ),
    "mstr_probe_dest": Variable(
        "path", ("probe",), "The file for the answers (``{{ inventory_hostname }}.probe.json``)."
    ),
    "mstr_probe_reach": Variable(
        "str",
        ("probe",),
        "``host:port`` that such a script may try to connect to (none). It needs ``mstr_probe_scripts``.",
    ),
    "mstr_probe_scripts": Variable(
        "bool", ("probe",), "Whether to also run a few short scripts on the runtimes of the probe (no)."
    ),
    "mstr_probe_wait_timeout": Variable(
        "int", ("probe",), "How many seconds to wait for a package and a status (120)."
    ),
    "mstr_report_dest": Variable(
        "path",
        ("apply", "audit", "restore"),
        "A file for the report (none), or several, as a list or with commas. The suffix decides the format: "
        "``.html``, ``.json``, ``.md`` or ``.junit.xml`` (``apply`` and ``restore`` only in check mode); for ``audit`` "
        "also ``.csv`` and ``.cdx.json``. It is written on the control node, in check mode, too.",
    ),
    "mstr_restore_job": Variable(
        "str",
        ("job_restore",),
        "The number of a job on a controller: go back to what was there before it. It is an apply or a restore, or the "
        "drift check before an apply that was cancelled (required).",
    ),
    "mstr_restore_src": Variable(
        "path",
        ("restore",),
        "The backup to go back to, which an apply or a restore wrote with ``mstr_runtimes_backup_dest`` (required). An "
        "environment whose file does not exist is left alone.",
    ),
    "mstr_serial": Variable(
        "serial",
        PLAYBOOKS,
        'How many environments make a batch, such as 5 or "20%" (all). It counts only with ``-e``, because Ansible '
        "reads it before the variables of any host.",
    ),
    "mstr_smoke_test_runtime": Variable(
        "str", ("job_smoke_test",), "The runtime on which to run Python (the server's default runtime)."
    ),
    "mstr_smoke_test_timeout": Variable(
        "int", ("job_smoke_test",), "For how many seconds to wait for the script at most (120)."
    ),
}
# Which variables of the role an audit uses: those that say what an apply would do.
_AUDITED = ("purge", "purge_exclude", "purge_limit", "policy", "protect_used", "protect_projects", "concurrency")
# Which options of mstr_runtimes a restore takes from the variables of the role. It ignores all others of an apply.
RESTORED = (
    *("concurrency", "journal_comment", "plan_id", "protect_projects", "protect_used"),
    *("wait", "wait_interval", "wait_timeout"),
)
# What protects or decides. An empty text is often a shell variable without a value, and would switch it off.
_GUARDS = (
    *("mstr_export_exclude", "mstr_fail_on_drift", "mstr_fail_on_violation", "mstr_plan_dest", "mstr_plan_src"),
    *(f"{_ROLE}{option}" for option in ("backup_exclude", "exemptions", "plan_id", "policy", "protect_projects")),
    *(f"{_ROLE}{option}" for option in ("protect_used", "purge_exclude", "purge_limit")),
)
_BACKUPS = ("backup_dest", "backup_exclude", "backup_scripts")
# The options of the modules, each with its variable.
SECRETS = frozenset(f"mstr_{option}" for option, spec in auth.argument_spec().items() if spec.get("no_log"))
CONNECTION = {option: f"mstr_{option}" for option in auth.argument_spec()}
DEFINITIONS = {"runtimes": "mstr_runtimes", "src": f"{_ROLE}src"}
AUDITED = {
    **{option: f"{_ROLE}{option}" for option in ("scripts", *_AUDITED)},
    **{f"include_{what}": f"mstr_audit_{what}" for what in ("installed", "scripts", "tasks")},
    "since": "mstr_audit_since",
}
# Variables that every playbook takes: the answers of a survey, and a switch that the action plugins read.
_SURVEY = frozenset(
    f"mstr_survey_{name}"
    for name in (
        "audit_installed",
        "audit_scripts",
        "audit_since_job",
        "export_exclude",
        "fail_on_drift",
        "fail_on_violation",
        "journal_comment",
        "networks_never",
        "packages_never",
        "protect_used",
        "purge",
        "purge_limit",
        "restore_job",
        "smoke_test_runtime",
        "smoke_test_timeout",
        "src",
        "wait",
    )
)
_EVERYWHERE = _SURVEY | {"mstr_in_process"}
# What a workflow hands from one job to the next, and what the roles and playbooks set themselves.
_REPORTS = {f"mstr_{of}{form}" for of in ("audit", "report") for form in ("", "_page", "_markdown", "_json")}
ARTIFACTS = frozenset({"mstr_backups", "mstr_exports", "mstr_smoke_tests", *_REPORTS})
LARGEST_ARTIFACT = 600_000  # characters; a controller keeps up to 700,000
# The secrets are for the file that `mstr_controller_dest` names.
OWN = ARTIFACTS | {"mstr_controller_secrets", "mstr_export_result", "mstr_report_artifact", "mstr_runtimes_result"}


@cache
def role_types(role: str = "runtimes", entry_point: str = "main") -> dict[str, str]:
    """The variables of a role's entry point, each with its type."""
    text = (_ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    options = yaml.load(text, Loader=_LOADER)["argument_specs"][entry_point]["options"]
    return {name: str(option["type"]) for name, option in options.items()}


@cache
def passed_on() -> dict[str, str]:
    """The options of mstr_runtimes beside the definitions, each with its variable of the role."""
    own = (f"{_ROLE}backup_", f"{_ROLE}exemptions")
    names = [name for name in role_types() if name.startswith(_ROLE) and not name.startswith(own)]
    return {name.removeprefix(_ROLE): name for name in names if name not in DEFINITIONS.values()}


@cache
def types(playbook: str) -> dict[str, str]:
    """Every variable that a playbook uses, with its type."""
    own = {name: variable.type for name, variable in OF_PLAYBOOKS.items() if playbook in variable.playbooks}
    used = {*CONNECTION.values()}
    if playbook == "export":
        return {**own, **role_types(entry_point="export")}
    if playbook == "apply":
        return {**own, **role_types()}
    if playbook == "restore":
        used |= {f"{_ROLE}{option}" for option in (*RESTORED, *_BACKUPS, "exemptions", "policy")}
    if playbook == "audit":
        used |= {*DEFINITIONS.values(), *AUDITED.values(), f"{_ROLE}exemptions"}
    return {**own, **{name: kind for name, kind in role_types().items() if name in used}}


def empty_errors(empty: Iterable[str]) -> list[str]:
    """One sentence for all guards among these variables, whose values are empty texts."""
    names = [name for name in _GUARDS if name in set(empty)]
    if not names:
        return []
    return [
        f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} empty, which would switch off what it protects or "
        f"""decides. Set a value. To switch off what an inventory sets: -e '{{"{names[0]}": null}}'."""
    ]


def with_exemptions(policy: Any, exemptions: Any) -> Any:
    """The policy with a host's own exemptions beside those of the policy. Raises ValidationError."""
    if not is_given(exemptions):
        return policy
    if not isinstance(exemptions, (list, tuple)):
        raise ValidationError([f"mstr_runtimes_exemptions must be a list, not {str(exemptions)[:60]!r}."])
    if not isinstance(policy or {}, Mapping):
        return policy  # which has its own error
    given = policy or {}
    return {**given, "exemptions": [*(given.get("exemptions") or ()), *exemptions]} if exemptions else policy


def playbooks_with(name: str) -> list[str]:
    """The playbooks that use a variable."""
    return [playbook for playbook in _ALL if name in types(playbook)]


@cache
def known() -> frozenset[str]:
    """Every variable that users of the roles and playbooks set."""
    names = set(_EVERYWHERE)
    for playbook in _ALL:
        names |= set(types(playbook))
    return frozenset(names | set(role_types("controller")))


def name_errors(names: Iterable[str], playbook: str | None = None, extra: Iterable[str] = ()) -> Iterator[str]:
    """A sentence for each variable that is misspelled, or of no use in this playbook.

    `extra`: the names of the extra variables (-e). Only those must be variables of this playbook: an inventory serves
    all playbooks. Without `playbook`, such as in a role or a job of a controller, no known variable is out of place.
    """
    given = set(extra)
    for name in sorted({*names, *given}):
        if not name.startswith("mstr_") or name in OWN:
            continue
        if name not in known():
            yield from _unknown(name)
        elif playbook and name in given and name not in _EVERYWHERE and not _is_used(name, playbook):
            users = playbooks_with(name) or ["controller"]
            *others, last = users
            whose = f"{', '.join(others)} and {last} do" if others else f"{last} does"
            yield f"{playbook} does not use {name}; {whose}. Remove it from -e."


def _is_used(name: str, playbook: str) -> bool:
    # The command for the way back has the files of variables that the apply had.
    return name in types(playbook) or (playbook == "restore" and name in types("apply"))


def _unknown(name: str) -> Iterator[str]:
    nearest = meant(name)
    if nearest:
        yield f"{name} is not a variable of mstr.library; did you mean {nearest}? Rename or remove it."
    elif name.startswith(_ROLE):
        role = ", ".join(sorted(other for other in known() if other.startswith(_ROLE)))
        yield f"{name} is not a variable of the role mstr.library.runtimes. It knows {role}."
    elif name.startswith(_PREFIXES):
        prefix = "_".join(name.split("_")[:2])
        alike = ", ".join(sorted(other for other in known() if other.startswith(f"{prefix}_")))
        yield f"{name} is not a variable of mstr.library. Variables with such a name are {alike}. Rename or remove it."


def meant(name: str) -> str | None:
    """The known variable that differs by at most two edits, or would without `runtimes_`; None if there is none."""
    distances = [
        (distance(name, form), other)
        for other in known()
        for form, most in ((other, _MOST_EDITS), (_without_role(other), len(other.removeprefix(_ROLE)) // 4))
        if abs(len(name) - len(form)) <= _MOST_EDITS and distance(name, form) <= min(most, _MOST_EDITS)
    ]
    return min(distances)[1] if distances else None


def _without_role(name: str) -> str:
    return f"mstr_{name.removeprefix(_ROLE)}" if name.startswith(_ROLE) else name


def distance(text: str, other: str) -> int:
    """The number of characters to insert, remove, change or swap with the next one to get from one text to another."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, character in enumerate(text, 1):
        before_that, before, row = before, row, [i]
        for j, counterpart in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (character != counterpart))
            if i > 1 and j > 1 and character == other[j - 2] and text[i - 2] == counterpart:
                cost = min(cost, before_that[j - 2] + 1)
            row.append(cost)
    return row[-1]


def is_given(value: Any) -> bool:
    """Whether a variable has a value. Templates render a missing value as null or as an empty text."""
    return value is not None and value != ""
