"""Says which versions scripts on a runtime get; whoever runs it compares them with what was asked for."""

import pandas
import requests

print(f"pandas {pandas.__version__} – läuft")  # noqa: RUF001 (Unicode on purpose)
result = {"pandas": pandas.__version__, "requests": requests.__version__}
