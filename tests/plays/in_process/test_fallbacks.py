"""When a task runs as a module instead of in process: it reports the reason at -vvv, and works as usual.

Unit tests have the reasons that no play can show.
"""

from __future__ import annotations

import os
import re

import pytest
from simulator.harness import Simulator
from support.ansible import Play, programs

IN_PROCESS = "in the process of ansible-playbook"
TASK = """
- name: A play
  hosts: {host}
  gather_facts: false
  tasks:
    - name: {name}
      mstr.library.mstr_runtime_info:
      {more}
"""


def task(host: str = "a", more: str = "", name: str = "A task") -> str:
    return TASK.format(host=host, more=more, name=name)


@pytest.fixture
def machine(local: Play) -> Play:
    """A play with hosts on which tasks run in different ways, and a `sudo` that only runs its arguments."""
    sudo = local.write("sudo", '#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')
    sudo.chmod(0o755)
    # Virtual environments are made like this: the same program with other libraries.
    link = local.folder / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(local.bin / "python")
    local.hosts |= {
        "switched_off": {"mstr_in_process": False},
        "other_python": {"ansible_python_interpreter": str(programs("modules", "3.9") / "python")},
        "linked_python": {"ansible_python_interpreter": str(link)},
        "auto": {"ansible_python_interpreter": "auto_silent"},
    }
    return local


WAYS = {
    "tags: plain": IN_PROCESS,
    "vars: {mstr_in_process: true}": IN_PROCESS,
    "vars: {mstr_in_process: null}": IN_PROCESS,
    "vars: {mstr_in_process: 'no'}": "as a module, because mstr_in_process is false",
    "async: 30\n      poll: 1": "as a module, because the task is async",
    "no_log: true": IN_PROCESS,
    "environment: {MSTR_RETRIES: '1', HOME: /nowhere}": IN_PROCESS,
    "environment: {PYTHONWARNINGS: ignore, LD_BIND_NOW: '1', OPENSSL_ia32cap: ''}": (
        "as a module, because only a new Python reads LD_BIND_NOW, OPENSSL_ia32cap, PYTHONWARNINGS of the task's "
        "environment"
    ),
    "delegate_to: localhost": IN_PROCESS,
    "delegate_to: switched_off": IN_PROCESS,
}


def test_a_task_reports_how_it_runs(sim: Simulator, machine: Play) -> None:
    ways = {task(more=more): way for more, way in WAYS.items()}
    ways[task("switched_off")] = "as a module, because mstr_in_process is false"
    # The interpreter of a delegated host counts.
    ways[task("other_python", "delegate_to: a")] = IN_PROCESS
    if os.geteuid() == 0:  # only root becomes itself without a password
        become = f"become: true\n      vars: {{ansible_become_exe: {machine.folder / 'sudo'}}}"
        ways[task(more=become)] = "as a module, because the task uses become"
    pythons = {
        "linked_python": str(machine.folder / "bin" / "python"),
        "other_python": str(programs("modules", "3.9") / "python"),
    }
    for host, python in pythons.items():
        why = f"its interpreter {python} is not the {machine.bin}/python that runs ansible-playbook"
        ways[task(host, "ignore_errors: true", f"On {host}")] = f"as a module, because {why}"
    wrong = task(more="vars: {mstr_in_process: fasle}\n      ignore_errors: true", name="A wrong one")
    later = "    - ansible.builtin.ping:\n    - mstr.library.mstr_runtime_info:\n      ignore_errors: true\n"
    played = machine("".join([*ways, wrong, task("auto", "ignore_errors: true"), later]), "-vvv")
    assert played.status == 0, played.output
    *seen, unknown, known = played.ways()
    assert seen == list(ways.values())
    assert unknown == "as a module, because the interpreter of the host is not known yet"
    # The Python that Ansible finds depends on the machine.
    assert known == IN_PROCESS or known.startswith("as a module, because its interpreter ")
    assert sim.open_sessions() == []
    fault = "mstr_in_process must be true or false, not 'fasle'"
    assert played.result("A wrong one")["msg"].endswith(fault)
    # The libraries are missing there, so the module fails with the usual message.
    message = played.result("On linked_python")["msg"]
    assert "cannot be imported by the Python that runs this module, " in message
    assert '. On the control node, set ansible_python_interpreter: "{{ ansible_playbook_python }}"' in message
    assert "Or install with: " in message
    assert not played.result("On other_python").get("failed")


@pytest.mark.parametrize(
    ("more", "on_screen", "in_result"),
    [("tags: a", True, False), ("vars: {mstr_in_process: false}", False, True), ("no_log: true", False, False)],
    ids=["in process", "as a module", "no_log"],
)
def test_where_the_trace_is(local: Play, more: str, on_screen: bool, in_result: bool) -> None:
    played = local(task(more=more), "-vvv")
    line = r"(?m)^<a> GET /api/runtimes 200 \(\d+ ms\)$"
    assert bool(re.search(line, played.output)) is on_screen
    assert ("trace" in played.result("A task")) is in_result
