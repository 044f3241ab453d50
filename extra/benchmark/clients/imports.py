# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints what a task of mstr_runtime imports, and the milliseconds for each import, as JSON.

imports.py FOLDER_OF_COLLECTIONS
"""

from __future__ import annotations

import importlib
import json
import sys
import time


def main() -> None:
    start = time.perf_counter()
    milliseconds = {}
    sys.path.insert(0, sys.argv[1])
    # Import in the order of use, so that shared imports count only for the first module that needs them.
    for name in ("ansible.module_utils.basic", "requests", "netaddr", "mstr.library.mstr_runtime"):
        module = "ansible_collections.mstr.library.plugins.modules.mstr_runtime" if name.startswith("mstr") else name
        importlib.import_module(module)
        end = time.perf_counter()
        milliseconds[name], start = (end - start) * 1000, end
    print(json.dumps(milliseconds))


if __name__ == "__main__":
    main()
