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
      - The definitions of the runtimes, each with the options of M(mstr.library.mstr_runtime), where they are described
        in full. An entry with C(state=absent) takes only C(name), C(id) and C(journal_comment).
      - Set at least one of O(runtimes), O(src) and O(scripts). O(runtimes) and O(src) cannot be combined.
    type: list
    elements: dict
    suboptions: OPTIONS
  src:
    description:
      - A YAML or JSON file with the definitions, either as a list or as a mapping with this list under the key
        C(runtimes) and the entries of O(scripts) under the key C(scripts). It must be on the host where the module
        runs. There, a YAML file requires the Python library PyYAML.
      - Ansible searches for a relative path as for O(ca_path), see the notes. The variable C(mstr_runtimes_src) of the
        role C(mstr.library.runtimes) and of the playbooks has a different rule. Such a path starts at the directory in
        which C(ansible-playbook) was started.
      - The file is not a template, and the module cannot decrypt C(ansible-vault). For a template or an encrypted file,
        load the definitions as a variable and set O(runtimes). A text with C({{) or C({%) is refused. If it is meant,
        write the tag C(!unsafe) before it, in a YAML file.
      - A mapping with C(restore=true) is a backup, which the role writes with C(mstr_runtimes_backup_dest). An entry
        then means the runtime with its id, whatever its name is now, then one with its name that no other entry means
        by its id, and is created if there is neither. An entry whose name a different runtime has by now fails, and the
        others go on. Nothing is deleted, and O(purge) does not count. A script with a secret variable is not moved. A
        violation of the policy is only a warning. With the key C(server), the file is refused for a different server.
      - The names and ids under the key C(left_out) are runtimes that the file leaves out on purpose. A purge spares
        them. With C(partial=true), the file has only a part of the runtimes, and a purge is refused.
    type: path
  scripts:
    description:
      - Saved scripts and the runtimes that they are to use, such as after a runtime was created again with a new id.
        Only this assignment is managed, as by M(mstr.library.mstr_script_runtime).
      - Without O(runtimes) and O(src), the task only assigns scripts, and purges nothing.
      - O(protect_used) counts these assignments, so a runtime that no script will use any more can be deleted.
    type: list
    elements: dict
    suboptions:
      id:
        description: The id of the script. Set O(scripts[].id) or O(scripts[].name). If both are set, the id decides.
        type: str
      name:
        description: The name of the script. If several scripts of the project have this name, set O(scripts[].id).
        type: str
      project:
        description: The name or id of the project.
        type: str
        required: true
      runtime:
        description: The name of the runtime that the script is to use. The same task may create it.
        type: str
        required: true
  purge:
    description:
      - Whether to delete all runtimes that are not listed. By default, the task leaves them alone.
      - The built-in default runtime of the server is never purged. If an entry fails, nothing is purged.
      - The task fails if the server's list lacks the built-in default runtime, because it may then be incomplete; if no
        entry has C(state=present), because the purge would then delete every runtime; and if it would purge a runtime
        whose name differs from a listed one only in case, in whitespace, or in the form of a character, such as a
        full-width letter.
    type: bool
    default: false
  purge_exclude:
    description:
      - Names, ids, or shell patterns of names such as V(Strategy *), of runtimes that are never purged. Used only with
        O(purge=true).
      - Case, whitespace and the form of a character do not count. A pattern with brackets also matches names that
        contain these brackets, so V(Prod [EU] *) spares C(Prod [EU] Nightly).
      - If something is purged, a warning names each entry without C(*) and C(?) that matches no runtime.
      - Write a list, even for a single name. A text is refused, because names may contain commas.
    type: list
    elements: str
    default: []
  purge_limit:
    description:
      - Maximum number of runtimes to purge. If more would be deleted, the task fails before it changes anything, and
        names up to ten of them. In check mode, it names all, and C(diff) contains them.
      - If omitted, there is no limit. Entries with C(state=absent) do not count.
    type: int
"""


# Not in the class, where ansible-test reads only texts.
ModuleDocFragment.DOCUMENTATION = ModuleDocFragment.DOCUMENTATION.replace("OPTIONS\n", f"{_ENTRY}\n")
