# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sessions of noxfile.py are made of. Standard library only (generate.py apart), Python 3.10 or newer."""

import sys
from pathlib import Path

# The simulator's helper for tests, `simulator.harness`, needs no more than the standard library either.
sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
