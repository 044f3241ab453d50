# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from ansible_collections.mstr.library.plugins.module_utils._work.progress_texts import counted, script_running, waiting


def runtime(status="unknown", **packages):
    listed = [{"name": name, "status": one} for name, one in packages.items()]
    return from_api({"id": "A" * 32, "name": "Nightly reports", "status": status, "packages": listed})


def test_counts_in_progress_lines():
    assert counted(40, 100, "written") == "40 of 100 runtimes written"


def test_one_runtime_is_waited_for():
    busy = runtime(pandas="installing", numpy="installed", pyarrow="installing", six="installed", lxml="installed")
    assert waiting([busy], 1) == "Nightly reports: installing 2 of 5 packages (pandas, pyarrow)"
    assert waiting([busy], 40) == waiting([busy], 1)


def test_a_long_list_of_packages_is_cut():
    busy = runtime(**dict.fromkeys("abcdefg", "installing"))
    assert waiting([busy], 1) == "Nightly reports: installing 7 of 7 packages (a, b, c, d, e, …)"


def test_a_runtime_without_packages_shows_its_status():
    assert waiting([runtime("unknown", six="installed")], 1) == "Nightly reports: status unknown"


def test_several_runtimes_are_waited_for():
    assert waiting([runtime(), runtime()], 40) == "38 of 40 runtimes ready"


@pytest.mark.parametrize(
    ("seconds", "seconds_in_text"), [(3.4, 3), (9.9, 9), (10, 10), (59.9, 50), (60, 60), (119, 60), (600, 600)]
)
def test_a_script_that_runs(seconds, seconds_in_text):
    assert script_running(seconds) == f"script has been running for {seconds_in_text} s"
