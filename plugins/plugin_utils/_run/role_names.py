# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaces a module's option names in errors by the variables of the role that called it, which the user set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

# The variable by which the action plugin recognizes the role.
SWITCH = "mstr_called_by_role"

# The options whose variables are `mstr_runtimes_…`, except those that are also ordinary words.
_OPTIONS = (
    "concurrency",
    "journal_comment",
    "plan_id",
    "policy",
    "protect_projects",
    "protect_used",
    "purge_exclude",
    "purge_limit",
    "wait_interval",
    "wait_timeout",
)

# In place of an option, by the name of its group below. Of an audit, it takes the place of "include_".
_PREFIXES = {"kept": "", "own": "mstr_", "probe": "mstr_probe_", "audit": "mstr_audit_", "option": "mstr_runtimes_"}


@cache
def _mentions() -> re.Pattern[str]:
    """Where an error names an option."""
    from ...module_utils.auth import argument_spec

    # Those of the connection, except ordinary words; their variables are `mstr_…`.
    connection = [name for name in argument_spec() if "_" in name]
    return re.compile(
        r"""
        (?P<kept> (?<![\w\\])'(?:[^'\\\n]|\\.)*'(?!\w) | (?<!\w)"[^"\n]*"(?!\w)  # quoted values, such as a name
            | (?<=the\ options\ are\ )[\w,\ ]+ )  # of a definition
        | (?<![\w.'"-]) (?: (?P<own> runtimes (?=[\[.]|\ .{1,70}\ is\ not\ a\ list;)
                | username (?=\ and\ password) | (?<=username\ and\ )password
            | (?<=requires\ )(?:username|password)\b | (?<=found\ in\ )runtimes | (?:"""
        + "|".join(connection)
        + r""")\b )
        | (?P<probe> reach (?=\ (?:must|needs)\ ) | scripts (?=:\ true) )
        | (?P<audit> include_ (?=(?:installed|scripts|tasks)\b) )
        | (?P<option> src (?=\ ['"]) | scripts (?=\[|\ is\ set,|\ .{1,70}\ is\ not\ a\ list;) | (?:"""
        + "|".join(_OPTIONS)
        + r""")\b ) )
        """,
        re.VERBOSE,
    )


def adapted(result: dict[str, Any], names: Iterable[str] = ()) -> dict[str, Any]:
    """The result of a failed task; its message names variables of the role instead of options.

    It also says which of the variables `names` were probably meant for one that is missing.
    """
    if not result.get("failed") or not isinstance(result.get("msg"), str):
        return result
    from ...module_utils._remedies import misnamed

    return {**result, "msg": misnamed(with_variables(str(result["msg"])), names)}


def with_variables(text: str) -> str:
    """The text of an error with the variables of the role in place of options."""
    return _mentions().sub(_variable, _AD_HOC.sub(_with_extra_variable, text))


# The advice for a list that was written as key=value.
_AD_HOC = re.compile(r"""in an ad-hoc command, write all options as JSON: -a '\{"(\w+)": (.*), …\}'""")


def _with_extra_variable(advice: re.Match[str]) -> str:
    variable = "mstr_runtimes" if advice[1] == "runtimes" else f"mstr_runtimes_{advice[1]}"
    return f"""with -e, write the variable as JSON: -e '{{"{variable}": {advice[2]}}}'"""


def _variable(mention: re.Match[str]) -> str:
    return _PREFIXES[str(mention.lastgroup)] + ("" if mention["audit"] else mention.group())
