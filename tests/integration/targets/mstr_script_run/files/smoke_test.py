"""Reports the package versions of a runtime. The caller compares them with the requested versions."""

import pandas
import requests

print(f"pandas {pandas.__version__} – läuft")  # noqa: RUF001 (Unicode on purpose)
result = {"pandas": pandas.__version__, "requests": requests.__version__}
