"""How a run ends depends on what ansible-core does with signals: the tests run on the oldest, newest and next one."""

from __future__ import annotations

from support.ansible import core_fixture

from dev.envs import CORES, NEWEST, OLDEST

core = core_fixture([OLDEST, NEWEST, [*CORES][-1]])
