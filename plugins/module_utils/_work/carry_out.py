# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the plan of a task in its order, or predicts that."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .._errors import Consequence, MstrError
from .._model.change import NO_CHANGE
from .._model.definition import EACH_PACKAGE
from .._model.moves import Move, all_of, errors_of, predicted_moves
from .._model.steps import PREDICTED, Step
from .api import Context, World, map_steps
from .write import read_again, write

_SMOKE_TEST_TIMEOUT = 600.0  # seconds


def carry_out(
    context: Context, world: World, steps: Sequence[Step], moves: Sequence[Move]
) -> tuple[list[Step], list[Move]]:
    """The steps and moves after the work.

    Create and update in parallel, read again, wait, run smoke tests, assign scripts, and delete. An error of a step or
    of a move does not stop the others, but it cancels every deletion.
    """
    write_one = partial(write, context, world, read_first=len(steps) > 1)
    steps = map_steps(context, write_one, steps, lambda step: step.is_due and not step.deletes, "written")
    steps, moves = read_again(context, steps), list(moves)
    if any(step.is_awaited for step in steps):
        from .wait import wait  # only a task that waits needs it

        steps = wait(context, steps)
    steps = map_steps(context, partial(_test, context), steps, lambda step: step.runs_test and not step.error, "tried")
    if any(move.is_due for move in moves):
        from .assign import assign  # only a task that moves scripts needs it
        from .scripts import with_targets

        moves = assign(context, with_targets(moves, steps))
    steps = cancel_deletions(steps, moves)
    if any(step.deletes for step in steps):
        from .deletions import delete_all  # only a task that deletes needs it

        steps = delete_all(context, world, steps)
    return steps, moves


def predict(steps: Sequence[Step], moves: Sequence[Move]) -> tuple[list[Step], list[Move]]:
    """The steps and moves as a run would leave them."""
    steps = cancel_deletions(steps, moves)
    return [step if step.error else step.finished(PREDICTED) for step in steps], predicted_moves(moves)


def cancel_deletions(steps: Sequence[Step], moves: Sequence[Move]) -> list[Step]:
    """The steps; if something failed, none of them deletes anything.

    Those that delete what a definition lists as absent have an error. A purge is cancelled without one of its own.
    """
    failed = [where for where, _error in errors_of(all_of(steps, moves))]
    if not failed:
        return list(steps)

    def cancelled(step: Step) -> Step:
        if step.is_purge:
            return step._replace(change=NO_CHANGE)
        return step._replace(error=Consequence(f"{step.label} was not deleted, because {failed[0]} failed"))

    return [cancelled(step) if step.deletes else step for step in steps]


def _test(context: Context, step: Step) -> Step:
    """The step after its smoke test. Raises MstrError if that fails."""
    from .script import Script, run_script  # only a smoke test needs it

    runtime = step.after or step.before_or_empty
    code = str(step.wanted.smoke_test)
    if code == EACH_PACKAGE:
        from .._model.import_check import import_check  # few definitions need it

        code = import_check(runtime.to_result()["packages"] or ())
    script = Script(code, runtime.id, _SMOKE_TEST_TIMEOUT, runtime.name)
    try:
        run_script(context.session, script, context.clock, context.pause)
    except MstrError as exc:
        raise MstrError(f"The smoke test failed: {exc.sentence}", **exc.error) from exc
    return step
