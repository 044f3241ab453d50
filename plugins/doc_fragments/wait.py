# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Waiting until runtimes are ready."""

    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait until the runtime is C(ready), even if nothing changed. If it gets the status C(error), or if a
        package cannot be installed, the task fails with the server's message; the runtime still exists.
      - While the server cannot be reached, the task keeps checking. C(unknown), which some servers report until a
        script runs, counts as ready after three checks in a row.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait. Then the task fails and shows the last status.
    type: int
    default: 300
  wait_interval:
    description: Seconds between the first two checks. The pause then grows to five times this value.
    type: float
    default: 2
"""
