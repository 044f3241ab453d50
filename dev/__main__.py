# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line."""

from __future__ import annotations

import sys

if sys.version_info < (3, 10):  # noqa: UP036 (this line is for those who have an older one)
    sys.exit(f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}")

from dev import cli

sys.exit(cli.main())
