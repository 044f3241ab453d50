# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment variables that show tests and benchmarks where everything is."""

from __future__ import annotations

from dev import collection, envs
from dev.environment import variables
from dev.envs import Env

# Pythons that the vendor's client runs on; the first one found is used.
VENDOR = ("3.13", "3.12", "3.11")


def variables_for(env: Env) -> dict[str, str]:
    """Return variables for programs of `env` that start simulators and run the installed collection.

    MSTR_SIMULATOR_PYTHON: the interpreter for simulators, as `simulator.harness` expects it.
    MSTR_TEST_ANSIBLE_BIN: the folder of an ansible-playbook whose Python has what the modules need.
    MSTR_TEST_COLLECTIONS: the folder with the collection, installed from its tarball.
    MSTR_TEST_PYTHON39: an interpreter of the oldest Python that modules run on, or empty.
    """
    dev = envs.ensure("dev")
    return variables(
        env.bin,
        MSTR_SIMULATOR_PYTHON=dev.python,
        MSTR_TEST_ANSIBLE_BIN=dev.bin,
        MSTR_TEST_COLLECTIONS=collection.installed(dev),
        MSTR_TEST_PYTHON39=python39(),
    )


def python39() -> str:
    """Return the interpreter of the oldest Python that modules run on, or an empty text if this machine has none."""
    try:
        return str(envs.ensure("modules", ["3.9"]).python)
    except envs.NoPython:
        return ""
