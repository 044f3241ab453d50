# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re

import yaml
from ansible_collections.mstr.library.plugins.doc_fragments.runtime import ModuleDocFragment as Runtime
from ansible_collections.mstr.library.plugins.doc_fragments.runtime import in_short

_OPTIONS = json.dumps(in_short(yaml.safe_load(Runtime.DOCUMENTATION)["options"]))  # which YAML can read
# A reference to an option of mstr_runtime is one to the entry's.
_ENTRY = re.sub(r"O\((?=\w+[)=])", "O(runtimes[].", _OPTIONS)


class ModuleDocFragment:
    """What one environment is to have, for a task that applies it and for an audit that compares with it."""

    DOCUMENTATION = r"""
options:
  runtimes:
    description:
      - The definitions of the runtimes, each with the options of M(mstr.library.mstr_runtime), which describes them.
        With C(state=absent), the other options are checked and ignored.
    type: list
    elements: dict
    suboptions: OPTIONS
  src:
    description:
      - A YAML or JSON file with the definitions, in place of O(runtimes), on the host where the module runs. Ansible
        searches for a relative path as for O(ca_path).
      - It has a list, or a mapping with this list under C(runtimes), the entries of O(scripts) under C(scripts), and
        these keys. C(partial=true) says that the file has only a part of the runtimes, and refuses a purge.
        C(restore=true) makes it a backup. An entry then means the runtime with its id, else the one with its name, and
        is created if there is neither; nothing is deleted, and a violation of the policy is a warning. C(server) is the
        address of the only server for which the file may be used.
      - The file is not a template, and cannot be encrypted. A text with C({{) or C({%) is refused without the tag
        C(!unsafe) before it.
    type: path
  scripts:
    description:
      - Saved scripts and the runtimes that they are to use. Only this assignment is managed, as by
        M(mstr.library.mstr_script_runtime). O(protect_used) counts it. A script is assigned only once the runtime is
        ready, and its test has passed.
    type: list
    elements: dict
    suboptions:
      id:
        description: The id of the script.
        type: str
      name:
        description: The name of the script, if no other in the project has it.
        type: str
      project:
        description: The name or id of the project.
        type: str
        required: true
      runtime:
        description: The name of the runtime, which the same task may create.
        type: str
        required: true
  purge:
    description:
      - Whether to delete all runtimes that are not listed, but the built-in default runtime. If an entry or the move of
        a script fails, nothing is deleted.
      - The task fails if no entry is to be present, if the server's list lacks the default runtime, or if the name of a
        runtime to purge differs from a listed one only in case, whitespace, or the form of a character.
    type: bool
    default: false
  purge_exclude:
    description:
      - A list of names, ids, or shell patterns of names such as V(Strategy *), of runtimes that are never purged. Case
        does not count. A pattern with brackets also matches names that contain them.
    type: list
    elements: str
    default: []
  purge_limit:
    description: How many runtimes may be purged. If more would be, the task fails before it changes anything.
    type: int
"""


# Not in the class, where ansible-test reads only texts.
ModuleDocFragment.DOCUMENTATION = ModuleDocFragment.DOCUMENTATION.replace("OPTIONS\n", f"{_ENTRY}\n")
