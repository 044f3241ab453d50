# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads for the probe, and records facts about the responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar, cast

from .._errors import MstrError, code_number, unforeseen
from .._session.interrupt import Interrupted, Stop
from .._session.response import Response
from .._session.session import Session
from .words import Settings, Unanswered, why

Found = TypeVar("Found")
Self = TypeVar("Self", bound="Reader")
PATH = "/runtimes"


class Reader:
    """The tools for a question that only reads. `clock` returns seconds."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        stop: Stop,
        clock: Callable[[], float],
        warn: Callable[[str], None],
    ) -> None:
        self.session, self.settings, self.stop, self.clock, self.warn = session, settings, stop, clock, warn
        self.objects: dict[str, dict[str, Any]] = {}  # as last read, by id
        self.list_orders: list[list[str]] = []  # ids in the order of each list
        self.block_orders: list[list[str]] = []  # whitelists in the order of each read
        self.codes: list[str] = []  # of errors, as the server wrote them
        self.wrapped: set[bool] = set()  # whether errors came as a list under "errors"
        self._found: dict[Any, Any] = {}  # by function, see `once`
        session.on_response = self.hear

    def once(self: Self, find: Callable[[Self], Found]) -> Found:
        """The value of `find`, which runs once for all questions. Raises Unanswered, each time; Interrupted."""
        if find not in self._found:
            try:
                self._found[find] = find(self)
            except Interrupted:
                raise
            except MstrError as exc:
                self._found[find] = Unanswered(why(exc))
            except Unanswered as exc:
                self._found[find] = exc
            except Exception as exc:  # a server may send unexpected data; it is not tried again
                self._found[find] = Unanswered(unforeseen(exc).sentence)
        found = self._found[find]
        if isinstance(found, Unanswered):
            raise found
        return cast("Found", found)

    def hear(self, response: Response) -> None:
        """Record how the server writes its errors."""
        if response.ok:
            return
        with suppress(ValueError):
            data = response.data()
            errors = data.get("errors") if isinstance(data, Mapping) else None
            first = errors[0] if isinstance(errors, list) and errors else data
            if isinstance(first, Mapping) and code_number(first.get("code")) is not None:
                self.wrapped.add(first is not data)
                self.codes.append(str(first["code"]))

    # --- reading

    def listed(self) -> list[dict[str, Any]]:
        """The list as the server returns it. Raises MstrError, Unanswered."""
        data = self.session.get(PATH, doing="list the runtimes")
        entries = data.get("runtimes") if isinstance(data, Mapping) else None
        if not isinstance(entries, list):
            raise Unanswered("The list of runtimes has an unexpected shape.")
        found = [dict(entry) for entry in entries if isinstance(entry, Mapping) and entry.get("id")]
        self.list_orders.append([str(entry["id"]) for entry in found])
        return found

    def read(self, identity: str) -> dict[str, Any]:
        """One runtime as the server returns it. Raises MstrError, Unanswered."""
        data = self.session.get(f"{PATH}/{identity}", doing="read a runtime")
        if not isinstance(data, Mapping):
            raise Unanswered("A runtime was returned in an unexpected shape.")
        self.objects[identity] = dict(data)
        if isinstance(data.get("whitelist"), list):
            self.block_orders.append([str(block) for block in data["whitelist"]])
        return self.objects[identity]
