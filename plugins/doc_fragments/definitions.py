# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What one environment is to have, for a task that applies it and for an audit that compares with it."""

    # `make generate` writes the options of an entry.
    DOCUMENTATION = r"""
options:
  runtimes:
    description:
      - The definitions of the runtimes. An entry with C(state=absent) takes only C(name), C(id) and C(journal_comment).
      - Set at least one of O(runtimes), O(src) and O(scripts). O(runtimes) and O(src) cannot be combined.
    type: list
    elements: dict
    suboptions:
      state:
        description:
          - V(present) creates the runtime if it does not exist, and otherwise changes only what differs.
          - V(absent) deletes the runtime if it exists. The task reads it again just before, and fails if it has changed
            since the first time.
          - The built-in default runtime of the server cannot be deleted. The task fails if you try.
        type: str
        choices: [present, absent]
        default: present
      name:
        description:
          - The name of the runtime. Set O(runtimes[].name), O(runtimes[].id) or both. Names are case-sensitive.
          - If O(runtimes[].id) is set, too, it selects the runtime. With O(runtimes[].state=present), the runtime is
            renamed to O(runtimes[].name). With O(runtimes[].state=absent), O(runtimes[].name) has no effect.
          - If several runtimes have this name, the task fails and lists their ids. Set O(runtimes[].id) then.
          - The name must not start or end with whitespace, or contain a control character.
          - If a different runtime exists whose name differs only in case, in whitespace or in the form of a character,
            the task warns.
        type: str
      id:
        description:
          - The id of an existing runtime, 32 hexadecimal digits in upper or lower case.
          - If no runtime has this id, O(runtimes[].state=present) fails and creates nothing. To create a runtime, set
            O(runtimes[].name) alone.
        type: str
      description:
        description: A description of the runtime.
        type: str
      whitelist:
        description:
          - The networks that scripts may reach, in CIDR notation, such as V(10.10.10.0/24). An address without a prefix
            length, such as V(192.168.1.1), means this one address. Spaces around an entry are ignored.
          - If omitted, the whitelist stays as it is. An empty list clears it.
          - It is not publicly documented whether an empty whitelist allows no network or all networks. Test this on
            your server before you clear a whitelist.
          - An entry with host bits set, such as V(10.10.10.7/24), is refused, because it is unclear whether it means
            the network or the address. Write V(10.10.10.0/24) for the network, or V(10.10.10.7) for the address.
        type: list
        elements: str
      purge_whitelist:
        description:
          - Whether to remove blocks that O(runtimes[].whitelist) does not list. V(false) only adds the missing ones.
        type: bool
        default: true
      packages:
        description:
          - The Python packages of the runtime. The server installs them after it has responded. Set C(wait=true) to
            wait for that.
          - If omitted, the packages stay as they are. An empty list removes all of them.
          - Names are compared in their normalized form. For example, C(mstrio_py) and C(mstrio-py) are the same
            package.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name of the package.
            type: str
            required: true
          version:
            description:
              - The version, such as V("2.10"). Write it in quotes, because YAML reads an unquoted 2.10 as the number
                2.1. A number is refused.
              - If omitted or empty, an installed package keeps its version, and a new package gets the newest version.
            type: str
          description:
            description: A description of the package. If omitted, the description stays as it is.
            type: str
      purge_packages:
        description:
          - Whether to remove packages that O(runtimes[].packages) does not list. V(false) only adds and updates the
            listed ones.
        type: bool
        default: true
      resource:
        description: What a script may use. Keys that are omitted stay as they are.
        type: dict
        suboptions:
          cpu:
            description: CPU cores. V(0.2) is a fifth of a core.
            type: float
          mem:
            description: Memory in MB.
            type: int
          disk:
            description: Disk space. The unit is not publicly documented. Only newer servers have this setting.
            type: int
          proc_count:
            description: Number of processes. Only newer servers have this setting.
            type: int
      exec_timeout:
        description:
          - Maximum number of seconds that a script may run.
          - Set it when you create a runtime, because some servers may require it. The vendor's own client always sends
            V(600).
        type: int
      min_cached_instances:
        description:
          - Minimum number of instances that the server keeps ready. It must not exceed
            O(runtimes[].max_cached_instances).
          - If the server does not return this number, the task treats it as 0.
        type: int
      max_cached_instances:
        description:
          - Maximum number of instances that the server keeps ready.
          - If the server does not return this number, the task treats it as 0.
        type: int
      runtime_version:
        description:
          - The Python version, such as V("3.10.5"). Write it in quotes, because YAML reads an unquoted 3.10 as the
            number 3.1. A number and an empty version are refused.
          - If the server returns a list of its Python versions and this version is not in it, the task fails before it
            writes anything.
        type: str
      others:
        description: A setting that is reserved by the vendor.
        type: str
      execution_target:
        description: Where scripts run. Only newer servers have this setting.
        type: str
      journal_comment:
        description:
          - A comment for the change journal of the server. The task sends it with each change, but never compares it.
          - Servers older than release 11.5.0300 may reject it.
        type: str
      previous_names:
        description:
          - Names that the runtime had before. If no runtime has O(runtimes[].name) and exactly one has such a name,
            that one is renamed, so that a rename can be written once for many servers, whose ids differ. The previous
            name must match exactly.
          - If a runtime has O(runtimes[].name) and a different one has a previous name, nothing is renamed. The task
            warns, and a purge spares the old one.
          - Cannot be combined with O(runtimes[].id), nor with O(runtimes[].state=absent).
        type: list
        elements: str
      replace_on_change:
        description:
          - A list of options, such as V([runtime_version, packages]), or V(true) for all. If one of them differs, the
            runtime is not changed in place. Instead, the task creates a second runtime beside it, whose name has the
            suffix V((replacement\)), as a copy with what is new. It waits until that is ready, runs
            O(runtimes[].smoke_test) on it, assigns all scripts of the old runtime to it, deletes the old one, and gives
            its name to the new one.
          - With V(name) in the list, or with V(true), a runtime that is found under a name in
            O(runtimes[].previous_names) is replaced, too. If runtimes with both names exist, the scripts move from the
            old one, which is then deleted. Without V(name), the runtime is not replaced while one with a previous name
            exists.
          - The task needs to read every script in every project. If it cannot, it changes nothing. If a step fails, the
            old runtime stays in use, and the next run continues.
          - The owner and the permissions (ACL) of the old runtime are not carried over, nor settings that this
            collection does not know. The task names them in a warning. With a policy, all of the copy must comply with
            it.
          - The built-in default runtime cannot be replaced. Cannot be combined with O(runtimes[].id), nor with
            O(runtimes[].state=absent).
        type: raw
      smoke_test:
        description:
          - Python code that runs on the runtime after it was created, updated or copied for a replacement, once it is
            ready. If the code fails, the entry fails, no script is assigned to the runtime, and nothing is purged.
          - The code is visible in logs, so it must not contain secrets.
        type: str
  src:
    description:
      - A YAML or JSON file that contains the definitions, either as a list or as a mapping with this list under the key
        C(runtimes). Each entry takes the options of O(runtimes).
      - The file must be on the host where the module runs. There, a YAML file requires the Python library PyYAML.
      - With a local connection, Ansible searches for a relative path as M(ansible.builtin.copy) does - in the directory
        C(files) of the role, then in that of the playbook, then next to the playbook. In an ad-hoc command, the path
        starts at the current directory. On a remote host, it starts at the working directory of the module, usually
        the home directory of the remote user.
      - The variable C(mstr_runtimes_src) of the role C(mstr.library.runtimes) and of the playbooks has a different
        rule. Such a path starts at the directory in which C(ansible-playbook) was started.
      - A mapping may also contain the key C(scripts), with the entries of O(scripts).
      - If the file is a mapping with C(restore=true), it is a backup. An entry then means the runtime with its id, even
        if that runtime has a different name now. If no runtime has the id, its name decides, and if no runtime has the
        name either, it is created. An entry with C(state=absent) counts by its id alone. The role
        C(mstr.library.runtimes) writes such a file, see C(mstr_runtimes_backup_dest), and the playbook
        C(mstr.library.restore) reads it. Names that other runtimes of the backup hold now are exchanged. A runtime that
        holds a needed name and that is deleted is first renamed.
      - The names and ids under the key C(left_out) are runtimes that the file leaves out on purpose. A purge spares
        them.
      - A text with C({{) or C({%) is refused, because the file is not a template. If such a text is meant, write the
        tag C(!unsafe) before it, in a YAML file.
      - The file is not a template, and the module cannot decrypt C(ansible-vault). For a template or an encrypted file,
        load the definitions as a variable and set O(runtimes).
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
      - The task fails if the server's list of runtimes lacks the built-in default runtime, because the list may then be
        incomplete.
      - The task fails if no entry has C(state=present), because the purge would then delete every runtime.
      - The task also fails if it would purge a runtime whose name differs from a listed name only in case, in
        whitespace, or in the form of a character, such as a full-width letter.
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
