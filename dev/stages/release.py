# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests the tarball for publication."""

from __future__ import annotations

from dev import collection, envs, junit, tarball
from dev.ansible_test import CORES, AnsibleTest, pythons_of
from dev.stage import Job, Result, Stage


def _tarball(job: Job) -> Result:
    """Check that two trees of the same files result in the same bytes, of files for users and with full links."""
    env = envs.ensure("dev")
    built = [
        collection.build(env, collection.copy(job.scratch / side / "library"), job.scratch / f"{side}-built")
        for side in ("one", "two")
    ]
    faults = [f"not for users: {name}" for name in tarball.development_files(built[0])]
    faults += [f"relative link in {place}" for place in tarball.relative_links(built[0])]
    if built[0].read_bytes() != built[1].read_bytes():
        faults.append("two builds of the same files differ")
    with job.log.open("a") as log:
        log.writelines(f"{fault}\n" for fault in faults)
    return Result.of(len(faults))


def _sanity(core: str) -> Stage:
    """Return the stage of the sanity tests on the unpacked tarball, as those who certify a collection run them."""

    def run(job: Job) -> Result:
        ansible_test = AnsibleTest(job, core, pythons_of(core)[-1], collection.tarball(envs.ensure("dev")))
        status = ansible_test.run("sanity", "--junit")
        return junit.count(ansible_test.results(), status, skips=False)

    return Stage(f"tarball sanity {core}", run, folder="galaxy.yml", core=core)


TARBALL = Stage("tarball", _tarball, folder="galaxy.yml")
# The oldest and the newest.
SANITY = tuple(_sanity(core) for core in (min(CORES), max(CORES)))
