# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is different for the definitions of a backup, a file with `restore: true`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from .._errors import ValidationError
from .._model.runtime import Runtime
from .._model.steps import Row, Step
from .._session.connection import normal_url
from .._text import listed
from .api import Context


def check_server(context: Context) -> None:
    """Raises ValidationError if the backup belongs to a different server."""
    server = context.inputs.server
    if not server:
        return
    with suppress(ValidationError):  # whatever somebody wrote there
        server = normal_url(server)
    if server != context.session.base_url:
        raise ValidationError(
            [
                f"src is a backup of the server {server}, and this server is {context.session.base_url}; delete the "
                "line server from the file to use it all the same"
            ]
        )


def without_deleted_id(context: Context, listed_ids: Collection[str | None], row: Row) -> Row:
    """The row; without its id if no runtime has it any more, so that the name decides. Raises MstrError."""
    wanted = row.wanted
    if wanted.id is None or wanted.id in listed_ids or context.api.get(wanted.id):
        return row
    wanted = wanted._replace(id=None)
    return row._replace(wanted=wanted, steps=(row.main._replace(wanted=wanted),))


def warn_of_restored(context: Context, rows: Sequence[Row]) -> None:
    """Say what a restore does not bring back, and what it brings back although it violates the policy."""
    others = sorted(runtime.label for runtime in context.existing if not _is_in_backup(context, rows, runtime))
    if others:
        context.warn(f"These runtimes are not in the backup, and stay as they are: {listed(others)}.")
    ids = [definition.id for definition in context.inputs.definitions]
    for row, identity in zip(rows, ids):
        if row.failure or not row.main.plan.changed:
            continue
        if identity and row.wanted.id is None:
            context.warn(
                f"Runtime {row.wanted.name!r} has a different id, because {identity} was deleted. The owner and the "
                "permissions (ACL) of that one are not restored."
            )
        _warn_of_policy(context, row)


def _is_in_backup(context: Context, rows: Sequence[Row], runtime: Runtime) -> bool:
    """Whether a definition means a runtime, also one that was refused before its runtime was found."""
    keys = {row.main.key for row in rows} | {definition.id for definition in context.inputs.definitions}
    names = {row.wanted.name for row in rows if row.error}
    return runtime.is_default or runtime.key in keys or runtime.name in names


def _warn_of_policy(context: Context, row: Row) -> None:
    policy = context.inputs.policy
    findings = policy.of_definition(row.wanted, row.main.before) if policy else ()
    sentences = [finding.sentence for finding in findings if finding.counts]
    if sentences:
        context.warn(f"Runtime {row.wanted.name!r} is restored, although {'; '.join(sentences)}.")


def without_secrets(context: Context, planned: Sequence[Row]) -> list[Row]:
    """The rows without those of scripts with a secret, which an update might lose; they are named."""
    secret = [row for row in planned if row.main.is_due and _has_secret(row.main)]
    if secret:
        labels = listed(sorted(row.label for row in secret))
        context.warn(
            f"{labels}: not moved to the runtime of the backup, because a variable there holds a secret, which an "
            "update might lose. Move them with mstr_script_runtime."
        )
    return [row for row in planned if row not in secret]


def _has_secret(step: Step) -> bool:
    return bool(step.script and step.script.has_secret)
