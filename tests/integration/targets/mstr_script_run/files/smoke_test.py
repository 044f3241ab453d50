# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports the package versions of a runtime. The caller compares them with the requested versions."""

import pandas
import requests

print(f"pandas {pandas.__version__} – läuft")  # noqa: RUF001 (Unicode on purpose)
result = {"pandas": pandas.__version__, "requests": requests.__version__}
