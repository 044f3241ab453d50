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
      - Whether to return only when the runtime is V(ready), also when nothing changed.
        The server installs packages after the create or the update has answered.
      - Fails when the runtime is in error or a package could not be installed, and names each such package with the
        server's own message. The runtime exists all the same, and the result holds it.
      - Whether the status of every server leaves V(unknown) before the first script runs is not public. A runtime that
        stays V(unknown) for three looks in a row, with every package installed, counts as ready.
    type: bool
    default: false
  wait_timeout:
    description: Seconds after which waiting fails, with the last status of runtime and packages.
    type: int
    default: 300
  wait_interval:
    description: Seconds between two looks at the beginning. The pause grows to five times that.
    type: float
    default: 2
"""
