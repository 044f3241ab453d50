"""``python tests/simulator``: finds the package of this file, and starts its command line."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # Ctrl-C while modules are being imported ends the program without a traceback. cli.py sets its own handlers.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

if not __package__:
    # Python has put this folder on the path, but the package is in the folder above.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from simulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
