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
      - Whether to return only when the runtime is V(ready), even if nothing changed.
        The server installs packages after it has responded to the create or the update.
      - Fails when the runtime is in error or a package could not be installed, and names each such package with the
        server's message. The runtime exists nevertheless, and the result contains it.
      - While the server cannot be reached, or responds with 429, 502, 503 or 504, the status is not known yet, and the
        task checks again.
      - A server may show the status from before a write. So after a write, a package without a status or with
        V(unknown) counts as ready only after three checks in a row, and an error counts only at the second check.
      - It is not public whether the status of every server leaves V(unknown) before the first script runs. A runtime
        that stays V(unknown) for three checks in a row, with every package installed, counts as ready.
    type: bool
    default: false
  wait_timeout:
    description: Seconds after which the task fails, with the last status of the runtime and its packages.
    type: int
    default: 300
  wait_interval:
    description: Seconds between the first two checks. The pause grows to five times that.
    type: float
    default: 2
"""
