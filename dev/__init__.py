"""What the sessions of noxfile.py are made of. Standard library only (generate.py apart), Python 3.10 or newer."""

import os.path
import sys

# For `simulator.harness`. Not by pathlib, whose import takes long enough for Ctrl-C to print a traceback.
sys.path.append(f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}/tests")  # noqa: PTH100, PTH120
