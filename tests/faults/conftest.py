# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for this folder: one simulator for all tests, and the ansible-cores that this machine has."""

from __future__ import annotations

from support.server import core, newest, pytest_collection_modifyitems, sim, simulator

__all__ = ["core", "newest", "pytest_collection_modifyitems", "sim", "simulator"]
