# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module without Ansible, as in a process on the target.

module_alone.py FOLDER_OF_COLLECTIONS MODULE ARGUMENTS_AS_JSON
"""

from __future__ import annotations

import importlib
import json
import sys


def main() -> None:
    collections, name, arguments = sys.argv[1:4]
    sys.path.insert(0, collections)
    from ansible.module_utils import basic

    module = importlib.import_module(f"ansible_collections.mstr.library.plugins.modules.{name}")
    options = json.loads(arguments)
    try:
        # ansible-core 2.19 and newer need the format of results.
        from ansible.module_utils.testing import patch_module_args
    except ImportError:
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        module.main()
    else:
        with patch_module_args(options):
            module.main()


if __name__ == "__main__":
    main()
