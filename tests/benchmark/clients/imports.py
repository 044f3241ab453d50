# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task of mstr_runtime imports, and how many milliseconds each takes, as JSON.

imports.py FOLDER_OF_COLLECTIONS
"""

from __future__ import annotations

import importlib
import json
import sys
import time


def main() -> None:
    start = time.perf_counter()
    told = {}
    sys.path.insert(0, sys.argv[1])
    # In the order of need, so that each is charged only for what nobody before it has brought.
    for name in ("ansible.module_utils.basic", "requests", "netaddr", "mstr.library.mstr_runtime"):
        module = "ansible_collections.mstr.library.plugins.modules.mstr_runtime" if name.startswith("mstr") else name
        importlib.import_module(module)
        end = time.perf_counter()
        told[name], start = (end - start) * 1000, end
    print(json.dumps(told))


if __name__ == "__main__":
    main()
