# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection of a task: its own options, and the variables of the host for those that it does not set. Pure.

Ansible has added `module_defaults` to the options of the task. What then is missing, the module takes from the
environment. Credentials come whole from the first that has any, because those of two sources may be of two users.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

from ..module_utils._errors import ErrorList, ValidationError
from ..module_utils._options import OptionCheck
from ..module_utils._session.connection import LOGIN, OPTIONS, normal_url

PATHS = tuple(option for option, spec in OPTIONS.items() if spec["type"] == "path")
_CERTIFICATE = ("client_cert", "client_key")
# If the task sets one of the first options, none of the second ones comes from a variable.
_WHOLES = ((LOGIN, (*LOGIN, "login_mode")), (_CERTIFICATE, _CERTIFICATE), (("session",), ("base_url",)))

Options = dict[str, Any]


def with_connection(options: Mapping[str, Any], variable: Callable[[str], Any]) -> Options:
    """The options of a task, each connection option that it does not set from the variable of the host.

    `variable`: the value of the variable of an option. It is called only for what the task needs. Raises
    ValidationError.
    """
    decided = _decided(options)
    with ErrorList() as errors:
        values = {option: errors.check(_checked, option, variable) for option in OPTIONS if option not in decided}
    found = {option: value for option, value in values.items() if value is not None}
    foreign = _foreign_secrets(options, found, variable)
    return {**options, **{option: value for option, value in found.items() if option not in foreign}}


def _decided(options: Mapping[str, Any]) -> set[str]:
    """The connection options that do not come from variables, because the task decides them."""
    given = {option for option in OPTIONS if is_given(options.get(option))}
    decided = given.union(*(whole for part, whole in _WHOLES if given & {*part}))
    # A guest needs no credentials.
    return decided | {*LOGIN} if options.get("login_mode") == "anonymous" else decided


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


def _foreign_secrets(options: Mapping[str, Any], found: Options, variable: Callable[[str], Any]) -> Collection[str]:
    """The secrets of the host that do not belong to the server which the task names.

    Raises ValidationError if the task needs credentials of its own.
    """
    secrets = found.keys() & {*LOGIN, *_CERTIFICATE}
    if not secrets or not is_given(options.get("base_url")):
        return ()
    of_host = _checked("base_url", variable)
    own = normal_url(str(of_host), "mstr_base_url") if of_host else ""
    address = ""
    with suppress(ValidationError):  # the module refuses an invalid one
        address = normal_url(str(options["base_url"]))
    if own in ("", address):
        return ()
    credentials = [f"mstr_{option}" for option in LOGIN if option in secrets]
    if credentials and address:
        raise ValidationError(
            [
                f"{' and '.join(credentials)} of the host may be sent only to its mstr_base_url {own}, not to base_url "
                f"{address}. Set the credentials in the task, too."
            ]
        )
    return secrets


def is_given(value: Any) -> bool:
    """Whether an option or a variable has a value. Templates render a missing value as null or as an empty text."""
    return value is not None and value != ""
