# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for the examples."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return one world for all tests. `servers` resets it for each page."""
    with World(tmp_path_factory.mktemp("world")) as found:
        yield found
