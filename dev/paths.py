"""The folders of this tool, what is made once in a run, and how programs run."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
DIST = ROOT / "dist"
# A developer's own servers, Ansible settings and proxies.
FOREIGN = (
    "ALL_PROXY", "ANSIBLE_", "CURL_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "MSTR_", "NETRC", "NO_PROXY", "PYTHONPATH",
    "PYTHONWARNINGS", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE", "TOWER_", "XDG_",
)  # fmt: skip
LIBRARY = Path("ansible_collections", "mstr", "library")  # in a folder for ANSIBLE_COLLECTIONS_PATH


class Failed(Exception):
    """A program failed; the message has the end of its output."""


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for what is made once in a run and used by all of its processes. It is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="mstr-", ignore_cleanup_errors=True) as folder:
        os.environ["DEV_RUN"] = folder
        yield Path(folder)
    shutil.rmtree(CACHE / "pycache" / folder[1:], ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that works across processes."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def once(name: str, make: Callable[[Path], object]) -> Path:
    """What `make` writes to a path in the folder of the run. Only the first of all processes that ask for it makes it.

    It gets this path at its end. What failed is not tried again.
    """
    path = Path(os.environ["DEV_RUN"], name)
    with locked(path.with_name(f".{name}.lock")):
        failure = path.with_name(f".{name}.failed")
        if failure.exists():
            raise Failed(failure.read_text())
        if not path.exists():
            unfinished = path.with_name(f".{name}")
            try:
                make(unfinished)
            except Failed as why:
                failure.write_text(str(why))
                raise
            unfinished.rename(path)
    return path


def run(*command: object, cwd: Path = ROOT, env: Mapping[str, str] | None = None, lines: int = 60) -> str:
    """Run a program, and return its output. Raises `Failed` if its exit status is not 0, or after half an hour."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", timeout=1800, check=False,
    )  # fmt: skip
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-lines:])
        raise Failed(f"exit status {done.returncode} of {' '.join(words)}:\n{last}")
    return done.stdout
