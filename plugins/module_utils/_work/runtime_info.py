# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads runtimes, with the scripts on them and the violations of a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import ErrorList
from .._model.names import id_from
from .._model.policy import libraries, policy_from
from .._model.runtime import INCOMPLETE, Runtime, lists_default, status_word
from .._session.interrupt import all_side_by_side, check_concurrency
from .api import ALL_FIELDS, RuntimeApi, counted
from .request import utc_date
from .script_usage import Usage, check_projects, find_usage

if TYPE_CHECKING:
    from .._model.evaluation import Policy


class Request(NamedTuple):
    """The options, in the form that the task needs."""

    name: str | None
    id: str | None
    status: str | None
    policy: Policy | None


def request_from(params: Mapping[str, Any]) -> Request:
    """The options, checked. Raises ValidationError with all of their errors."""
    with ErrorList() as errors:
        if params["name"] is not None and not params["name"].strip():
            errors.add(f"name {params['name']!r} is empty; omit it to read all runtimes")
        policy = errors.check(policy_from, params["policy"], utc_date())
        identity = errors.check(id_from, params["id"])
        errors.check(check_concurrency, params)
        errors.check(check_projects, params["projects"])
    return Request(params["name"], identity, params["status"], policy)


def requires(params: Mapping[str, Any]) -> Mapping[str, str | None]:
    """The Python libraries that these options need besides requests."""
    return libraries(params["policy"]) if params["policy"] is not None else {}


def find_runtimes(
    api: RuntimeApi,
    request: Request,
    concurrency: int,
    progress: Callable[[str], None] = lambda text: None,
    warn: Callable[[str], None] = lambda text: None,
) -> list[Runtime]:
    """The requested runtimes with all fields, read by up to `concurrency` requests at a time."""
    if request.id is not None:
        found: list[Runtime | None] = [api.get(request.id)]
    else:
        existing = api.list_all()
        if not lists_default(existing) and not any(runtime.name == request.name for runtime in existing):
            warn(f"{INCOMPLETE}. An audit or a backup may lack runtimes.")
        # If the list contains the status, runtimes with a different one need not be read.
        listed = [
            runtime
            for runtime in existing
            if request.name in (None, runtime.name)
            and (runtime.facts.get("status") is None or _is_requested(runtime, request))
        ]
        found = all_side_by_side(
            lambda runtime: api.with_all_fields(runtime, ALL_FIELDS),
            listed,
            concurrency,
            lambda number: progress(counted(number, len(listed), "read")),
        )
    return [runtime for runtime in found if runtime and _is_requested(runtime, request)]


def _is_requested(runtime: Runtime, request: Request) -> bool:
    """Whether a runtime has the requested name and status."""
    status = status_word(runtime.facts.get("status"))
    return request.name in (None, runtime.name) and request.status in (None, status)


def read(task: Any, request: Request) -> Mapping[str, Any]:
    """Read the runtimes, and check them against the policy."""
    api = RuntimeApi(task.session)
    runtimes = find_runtimes(api, request, task.params["concurrency"], task.progress, task.warn)
    versions = api.versions() if task.params["include_versions"] else None
    result: dict[str, Any] = {
        "changed": False,
        "runtimes": [runtime.to_result() for runtime in runtimes],
        "versions": None if versions is None else list(versions),
    }
    if task.params["include_scripts"]:
        _add_scripts(task, runtimes, result)
    found = f"{len(runtimes) or 'No'} runtime{'' if len(runtimes) == 1 else 's'} found"
    if request.policy:
        result.update(request.policy.report(runtimes))
        found = f"{found}, with {policy_line(result)}"
    return {**result, "msg": f"{found}."}


def policy_line(result: Mapping[str, Any]) -> str:
    """What the policy found, in a few words."""
    from .._model.evaluation import number_of  # only a task with a policy needs it

    number = number_of(result["violations"])
    more = {"exempted": result["exempted"], "not evaluated": result["not_evaluated"]}
    return ", ".join(
        [
            f"{number or 'no'} violation{'' if number == 1 else 's'} of the policy",
            *(f"{len(rows)} {word}" for word, rows in more.items() if rows),
        ]
    )


def _add_scripts(task: Any, runtimes: Sequence[Runtime], result: dict[str, Any]) -> None:
    """Add its scripts to each runtime of the result, and to the result what could not be read."""
    # Without a runtime, no script needs to be read.
    usage = find_usage(task.session, task.params["projects"], task.params["concurrency"]) if runtimes else Usage()
    for shown, runtime in zip(result["runtimes"], runtimes):
        shown["scripts"] = [script.to_result() for script in usage.of(runtime.id)]
    result["unread"] = [failure.to_result() for failure in usage.unread]
    warning = usage.warning()
    if warning:
        task.warn(warning)
