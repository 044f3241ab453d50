# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A move: one script gets one runtime, from the plan to what was done, and what a result shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError
from .runtime import Runtime
from .scripts import SavedScript, Usage
from .steps import DONE_STATES, PLANNED, PREDICTED, UNKNOWN, Step


class Move(NamedTuple):
    """The assignment of one script to one runtime, or none if the script uses that runtime.

    `script`: as it was found; without an id if it was not. `source`: the runtime that the script uses, with its id
    alone if no list shows it. `target`: the runtime that it is to use, without an id as long as it is to be created.
    `place`: of the entry. `target_place`: of the definition of the target, if the task has one.
    """

    script: SavedScript
    source: Runtime
    target: Runtime
    place: str = ""
    target_place: str = ""
    state: str = PLANNED
    error: MstrError | None = None

    @property
    def label(self) -> str:
        """How messages name the script."""
        return self.script.label

    @property
    def is_needed(self) -> bool:
        """Whether the script has a different runtime than it is to have."""
        return self.source.key != self.target.key

    @property
    def is_due(self) -> bool:
        """Whether the script is to be assigned."""
        return self.error is None and self.state == PLANNED and self.is_needed

    @property
    def is_moved(self) -> bool:
        """Whether the script was assigned, or would be in check mode."""
        return self.state in DONE_STATES and self.is_needed

    @property
    def is_changed(self) -> bool:
        """Whether the script has or may have a different runtime than before."""
        return self.is_moved or self.state == UNKNOWN


def all_of(steps: Iterable[Step], moves: Iterable[Move]) -> list[Step | Move]:
    """Every step and every move of a task."""
    return [*steps, *moves]


def errors_of(items: Iterable[Step | Move]) -> list[tuple[str, MstrError]]:
    """What failed: its place and name, as messages show them, and its error."""
    return [(f"{item.place} {item.label}".strip(), item.error) for item in items if item.error]


def failures_in(steps: Iterable[Step], moves: Iterable[Move]) -> list[str]:
    """What failed, each with its reason."""
    return [f"{where}: {error.sentence}" for where, error in errors_of(all_of(steps, moves))]


def predicted_moves(moves: Iterable[Move]) -> list[Move]:
    """The moves as a run would leave them."""
    return [move._replace(state=PREDICTED) if move.is_due else move for move in moves]


def usage_after(usage: Usage, moves: Iterable[Move]) -> Usage:
    """The look-up, with the runtimes that the scripts will use: none yet for one that is still to be created."""
    targets = {move.script.key: move.target.key for move in moves if move.is_due}
    scripts = [script._replace(runtime_id=targets.get(script.key, script.runtime_id)) for script in usage.scripts]
    return usage._replace(scripts=scripts)


def move_result(move: Move) -> dict[str, Any]:
    """A move for a result."""
    before = _id_and_name(move.source) if move.script.runtime_id else None
    action, after = "none", before
    if move.state == UNKNOWN:
        action, after = "failed", None
    elif move.is_moved:
        action, after = "moved", _id_and_name(move.target)
    elif move.error:
        action = "failed"
    return {
        "id": move.script.id or None,
        "name": move.script.name or None,
        "project": move.script.project._asdict(),
        "action": action,
        "before": before,
        "after": after,
        "error": {"msg": move.error.sentence, **move.error.error} if move.error else None,
    }


def _id_and_name(runtime: Runtime) -> dict[str, Any]:
    return {"id": runtime.key or None, "name": runtime.name or None}


def moves_diff(moves: Sequence[Move]) -> dict[str, Any]:
    """The runtime of each moved script before and after, under headers."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for move in moves:
        if move.is_changed:
            script = move.script
            key = f"{script.project.name} / {script.name} ({script.id})"
            before[key], after[key] = _text(move.source), _text(move.target)
    return {"before": before, "after": after, "before_header": "scripts", "after_header": "scripts"}


def _text(runtime: Runtime) -> str:
    """A runtime in a diff. One that is still to be created has no id, and one that is gone has no name."""
    if not runtime.name:
        return str(runtime.id)
    return f"{runtime.name} ({runtime.id})" if runtime.id else runtime.name
