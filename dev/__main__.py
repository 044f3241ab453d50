# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the command line, runs one command, and always cleans up."""

from __future__ import annotations

import argparse
import signal
import sys

if sys.version_info < (3, 10):  # noqa: UP036 (an older Python must get as far as this message)
    sys.exit(f"This tool needs Python 3.10 or newer, not {sys.version.split()[0]}")

from dev import commands, envs, paths, proc, runner

INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    args = _parser().parse_args()
    # Set SIGINT too: if this process inherited it as ignored, every program that it starts would ignore it as well.
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        paths.open_run()
        return int(args.run(args))
    except (envs.NoPython, envs.Failed) as why:
        return runner.fail(f"{why}{runner.tail(why.log) if isinstance(why, envs.Failed) else ''}")
    except (KeyboardInterrupt, proc.Interrupted):
        return runner.fail("interrupted") and INTERRUPTED
    finally:
        # A second Ctrl-C must not interrupt the cleanup and leave programs running.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        proc.stop_all()
        paths.close_run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m dev", description="The development tool of mstr.library.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands.ALL:
        command.add_to(subparsers.add_parser(command.name, help=command.help, description=command.help))
    return parser


if __name__ == "__main__":
    sys.exit(main())
