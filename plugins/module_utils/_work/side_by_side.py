# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on several rows or steps at the same time, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from .._model.steps import Row, Step
from .._session.parallel import all_side_by_side
from .api import Context, Item, attempt


def map_items(
    context: Context, work: Callable[[Item], Item], items: Sequence[Item], chosen: Callable[[Item], bool], done: str
) -> list[Item]:
    """All rows or steps, the chosen ones after work that runs for several in parallel. `done`: such as "written"."""
    to_do = [item for item in items if chosen(item)]
    work = partial(attempt, work)
    results: Iterator[Item] = map(work, to_do)
    if len(to_do) > 1:

        def report_progress(number: int) -> None:
            context.progress(progress_line(number, len(to_do), done))

        results = iter(all_side_by_side(work, to_do, report_progress))
    return [next(results) if chosen(item) else item for item in items]


def map_steps(
    context: Context, work: Callable[[Step], Step], rows: Sequence[Row], chosen: Callable[[Row, Step], bool], done: str
) -> list[Row]:
    """All rows, their chosen steps after work that runs for several in parallel."""
    to_do = [(row, step) for row in rows for step in row.steps if chosen(row, step)]
    results = iter(map_items(context, work, [step for _row, step in to_do], lambda step: True, done))
    return [
        row._replace(steps=tuple(next(results) if chosen(row, step) else step for step in row.steps)) for row in rows
    ]


def progress_line(done: int, total: int, what: str) -> str:
    """A line of progress, such as "40 of 100 runtimes written"."""
    return f"{done} of {total} runtimes {what}"
