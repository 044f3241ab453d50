# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection of a task: its own options, and the variables of the host for those that it does not set. Pure.

Ansible has added `module_defaults` to the options of the task. What then is missing, the module takes from the
environment. Credentials come whole from the first that has any, because those of two sources may be of two users.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ..module_utils._errors import ErrorList, ValidationError
from ..module_utils._options import OptionCheck
from ..module_utils._session.connection import LOGIN, OPTIONS, normal_url

PATHS = tuple(option for option, spec in OPTIONS.items() if spec["type"] == "path")
_CERTIFICATE = ("client_cert", "client_key")

Options = dict[str, Any]


def with_connection(options: Mapping[str, Any], variable: Callable[[str], Any]) -> Options:
    """The options of a task, each connection option that it does not set from the variable of the host.

    `variable`: the value of the variable of an option. It is called only for what the task needs. Raises
    ValidationError.
    """
    given = _given(options)
    decided = given | _of_given_credentials(given)
    found = _values([option for option in OPTIONS if option not in decided], variable)
    secrets = found.keys() & {*LOGIN, *_CERTIFICATE}
    if secrets and "base_url" in given and not _is_of_host(options, secrets, variable):
        for option in secrets:
            del found[option]
    return {**options, **found}


def _given(options: Mapping[str, Any]) -> set[str]:
    """The connection options that the task sets. A guest needs no credentials."""
    given = {option for option in OPTIONS if is_given(options.get(option))}
    return given | {*LOGIN} if options.get("login_mode") == "anonymous" else given


def _values(needed: Iterable[str], variable: Callable[[str], Any]) -> Options:
    """The values of the variables that have one. Raises ValidationError with all errors."""
    with ErrorList() as errors:
        values = {option: errors.check(_checked, option, variable) for option in needed}
    return {option: value for option, value in values.items() if value is not None}


def _of_given_credentials(given: Collection[str]) -> set[str]:
    """What does not come from variables, because the task sets a part of it."""
    wholes = (LOGIN, (*LOGIN, "login_mode")), (_CERTIFICATE, _CERTIFICATE), (("session",), ("base_url",))
    return {option for part, whole in wholes if {*part} & {*given} for option in whole}


def _checked(option: str, variable: Callable[[str], Any]) -> Any:
    """The value of a variable in plain types; None if it has none. Raises ValidationError with its name."""
    value = variable(option)
    # What `register: mstr_session` makes of a task is no connection.
    is_task_result = isinstance(value, Mapping) and "changed" in value
    if is_task_result or not is_given(value):
        return None
    if not isinstance(value, (bool, int, float, Mapping, list, tuple)):
        value = str.__str__(str(value))  # from a vault, too
    check = OptionCheck()
    check.value(value, OPTIONS[option], f"mstr_{option}")
    if check.errors:
        raise ValidationError(check.errors)
    return value


def _is_of_host(options: Mapping[str, Any], secrets: Collection[str], variable: Callable[[str], Any]) -> bool:
    """Whether the address of the task is that of the host, where the secrets of the host belong.

    Raises ValidationError if the task needs credentials of its own.
    """
    of_host = _checked("base_url", variable)
    own = normal_url(str(of_host), "mstr_base_url") if of_host else ""
    address = _normal_or_empty(options["base_url"])
    if own in ("", address):
        return True
    credentials = [f"mstr_{option}" for option in LOGIN if option in secrets]
    if credentials and address:
        raise ValidationError(
            [
                f"{' and '.join(credentials)} of the host may be sent only to its mstr_base_url {own}, not to base_url "
                f"{address}. Set the credentials in the task, too."
            ]
        )
    return False


def _normal_or_empty(url: Any) -> str:
    """The normal address; empty for an invalid one, which the module refuses."""
    try:
        return normal_url(str(url))
    except ValidationError:
        return ""


def is_given(value: Any) -> bool:
    """Whether an option or a variable has a value. Templates render a missing value as null or as an empty text."""
    return value is not None and value != ""
