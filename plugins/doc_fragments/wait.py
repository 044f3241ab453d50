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
      - Whether to wait until the runtime is C(ready), even if nothing changed. The server installs packages only after
        it has responded to the create or the update.
      - If the runtime gets the status C(error), or a package the status C(not_installed), C(failed) or C(error), the
        task fails and shows each such package with the server's message. The runtime still exists, and the result
        contains it. A package with any other status, such as C(installing), is not ready.
      - If the server cannot be reached, or responds with the status 429, 502, 503 or 504, the task keeps checking.
      - A server may still report the status from before a write, or the status C(unknown) until a first script runs.
        Therefore C(unknown) counts as ready only after three checks in a row, and right after a write an error counts
        only at the second check.
    type: bool
    default: false
  wait_timeout:
    description:
      - Maximum number of seconds to wait. Then the task fails and shows the last status of the runtime and its
        packages.
    type: int
    default: 300
  wait_interval:
    description:
      - Seconds between the first two checks. The pause then grows to five times this value.
    type: float
    default: 2
"""
