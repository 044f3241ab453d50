# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints the table on a terminal and for the documentation."""

from __future__ import annotations

from pathlib import Path

from fault_comparison.clients import CLIENTS
from fault_comparison.scenarios import Row

_WIDTHS = (54, 30, 34, 34, 34)
_PAGE = Path(__file__).with_name("page.rst.in")


def summary(rows: list[Row]) -> dict[str, tuple[int, int, int, int]]:
    """Count rows per client: reported what happened, succeeded, left sessions open, sent its token to another host."""
    return {
        client: (
            sum(row.cells[client].true for row in rows),
            sum(row.cells[client].reported.ok and row.cells[client].done for row in rows),
            sum(row.cells[client].sessions for row in rows),
            sum(row.cells[client].given_away for row in rows),
        )
        for client in CLIENTS
    }


_SUMMARY = ("reported what happened", "succeeded", "sessions left open", "token sent to another host")


def text(rows: list[Row], *, verbose: bool) -> str:
    """For a terminal."""
    lines = [_line("fault", *CLIENTS)]
    title = ""
    for row in rows:
        if row.fault.title != title:
            title = row.fault.title
            lines += ["", title]
        lines.append(_line(f"  {row.operation}", *(cell.text() for cell in row.cells.values())))
        if verbose:
            lines += [f"      {client}: {cell.reported.text[:300]}" for client, cell in row.cells.items()]
    lines.append("")
    figures = summary(rows)
    for index, what in enumerate(_SUMMARY):
        of = f" of {len(rows)}" if index < 2 else ""
        lines.append(_line(what, *(f"{figures[client][index]}{of}" for client in CLIENTS)))
    return "\n".join(lines)


def _line(*parts: str) -> str:
    return " ".join(part.ljust(width) for part, width in zip(parts, _WIDTHS, strict=True)).rstrip()


def page(rows: list[Row]) -> str:
    """The page of the documentation."""
    figures = summary(rows)
    short = [["", *CLIENTS]]
    for index, what in enumerate(_SUMMARY):
        of = f" of {len(rows)}" if index < 2 else ""
        short.append([what, *(f"{figures[client][index]}{of}" for client in CLIENTS)])
    whole = [["fault", "on", *CLIENTS]]
    whole += [[row.fault.title, row.operation, *(cell.text() for cell in row.cells.values())] for row in rows]
    return _PAGE.read_text(encoding="utf-8").format(summary=_list_table(short), table=_list_table(whole))


def _list_table(rows: list[list[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'*' if index == 0 else ' '} - {part}".rstrip() for index, part in enumerate(row)]
    return "\n".join(lines)
