# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sessions of noxfile.py are made of. Standard library only (generate.py apart), Python 3.10 or newer."""

import os.path
import sys

# For `simulator.harness`. Not by pathlib, whose import takes long enough for Ctrl-C to print a traceback.
sys.path.append(f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}/tests")  # noqa: PTH100, PTH120
