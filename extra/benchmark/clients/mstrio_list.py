# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the list of runtimes with the vendor's client."""

from __future__ import annotations

import os

from mstrio.connection import Connection
from mstrio.python_execution.runtime import list_runtimes


def main() -> None:
    connection = Connection(
        os.environ["MSTR_BASE_URL"],
        username=os.environ["MSTR_USERNAME"],
        password=os.environ["MSTR_PASSWORD"],
        login_mode=1,
    )
    assert list_runtimes(connection)
    connection.close()


if __name__ == "__main__":
    main()
