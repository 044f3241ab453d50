# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the probe makes of an answer that no code expected. All else is tested against the simulator."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.mstr.library.plugins.module_utils._probe.run import (
    ProbeRun,
    Settings,
    Unanswered,
    found_or_unanswered,
)
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Stop


@pytest.fixture
def run():
    settings = Settings(False, False, None, 1.0, False)
    return ProbeRun(SimpleNamespace(on_response=None), settings, Stop(), lambda: 0.0, pytest.fail)


def strange(_scratch):
    return set(None)


def test_a_question_that_stumbles_over_an_answer_does_not_stop_the_others(run):
    assert "TypeError in test_probe.py" in str(found_or_unanswered(strange, run))
    assert found_or_unanswered(lambda _run: ("yes", "Seen."), run) == ("yes", "Seen.")


def test_what_stumbled_once_is_not_tried_again(run):
    calls = []

    def find(_scratch):
        calls.append(1)
        return strange(_scratch)

    for _question in range(2):
        with pytest.raises(Unanswered):
            run.once(find)
    assert calls == [1]
