# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line."""

from __future__ import annotations

import sys

if sys.version_info < (3, 10):  # noqa: UP036 (an older Python must get as far as this message)
    sys.exit(f"This tool needs Python 3.10 or newer, not {sys.version.split()[0]}")

from dev import cli

sys.exit(cli.main())
