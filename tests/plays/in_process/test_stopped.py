"""A run that a signal stops, on every ansible-core: it says where its backup is."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, Play
from support.waiting import PATIENCE_S, wait_until


@pytest.mark.parametrize(
    ("send", "number"), [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)], ids=["SIGINT", "SIGTERM"]
)
def test_a_backup_after_a_signal(
    local: Play, sim: Simulator, send: Callable[[int, int], None], number: signal.Signals
) -> None:
    """The signal comes when two of six creates are done, and the others are held. The backup has what was there."""
    sim.seed({"name": "Kept"})
    local.hosts = {"a": local.hosts["a"]}
    sim.fault("held", operation="create", when="before", skip=2, times=4)
    more = {"mstr_runtimes": [{"name": f"r{number}"} for number in range(6)]}
    process = local.start(local.command(APPLY, mstr_runtimes_backup_dest="{{ inventory_hostname }}.bk.yml", **more))
    wait_until(lambda: sim.calls().count("POST /runtimes") == 6, "created")
    send(process.pid, number)
    # The backup has a session of its own. Until then, the response to the third create may arrive late, and be known.
    wait_until(lambda: sim.calls().count("POST /auth/logout") == 2, "logged out")
    sim.release()
    output, _errors = process.communicate(timeout=PATIENCE_S)
    [path] = local.folder.glob("a.bk.*.yml")
    assert re.findall(r"  name: (\w+)", path.read_text()) == ["Kept"]
    assert f"The backup of what was there before is {path}" in " ".join(output.split())
    assert len(sim.runtimes()) == 3
