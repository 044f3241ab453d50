# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions of antsibull-nox, as antsibull-nox.toml describes them. `make test` runs them as the stage "lint nox"."""

import antsibull_nox

antsibull_nox.load_antsibull_nox_toml()
