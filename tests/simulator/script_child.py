"""Runs one script in its own process. scripts.py starts it with ``python -I -S``: only with the standard library.

The first line of standard input is the order as JSON. Then the pipe stays open. When it closes, the simulator has
ended, and this process ends too, so that no script continues to run.

The public material does not say what a script returns, only that it arrives as JSON text. Here it is the value of the
last expression, as in a notebook, or else the global ``result``.
"""

from __future__ import annotations

import ast
import json
import os
import platform
import re
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

MODULE_NAMES = {"mstrio-py": "mstrio"}  # modules whose name differs from the package


def module_name(package: str) -> str:
    """The module that a package brings."""
    name = re.sub(r"[-_.]+", "-", package).lower()
    return MODULE_NAMES.get(name, name.replace("-", "_"))


def end_with_simulator() -> None:
    """End this process when the other end of standard input closes."""
    pipe = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = Path(os.devnull).open()  # noqa: SIM115 - it stays open

    def watch() -> None:
        while os.read(pipe, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def install(packages: list[dict[str, Any]], folder: str) -> None:
    """Write each package as pip does: an empty module with its version, and its metadata for importlib.metadata."""
    site = Path(folder, "site-packages")
    site.mkdir()
    for package in packages:
        module = module_name(package["name"])
        (site / f"{module}.py").write_text(f"__version__ = {package['version']!r}\n", encoding="utf-8")
        name, version = (re.sub(r"[^A-Za-z0-9.+!]+", "_", package[key])[:80] for key in ("name", "version"))
        place = site / f"{name}-{version}.dist-info"
        place.mkdir(exist_ok=True)
        fields = [("Metadata-Version", "2.1"), ("Name", package["name"]), ("Version", package["version"])]
        fields += [("Requires-Dist", text) for text in package["requires"]]
        (place / "top_level.txt").write_text(f"{module}\n", encoding="utf-8")
        (place / "METADATA").write_text("".join(f"{key}: {value}\n" for key, value in fields), encoding="utf-8")
    sys.path.insert(0, str(site))


def run(code: str) -> Any:
    """Run the script and return its result."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    tree = ast.parse(code, "<script>")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<script>", "exec"), namespace)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "<script>", "eval"), namespace)
    return namespace.get("result")


def main() -> int:
    """Execute the order on standard input, and return the exit status of the script."""
    order = json.loads(sys.stdin.buffer.readline())
    end_with_simulator()
    install(order["packages"], order["folder"])
    if isinstance(order["python"], str):
        platform.python_version = lambda: order["python"]
    message, value, code = "", None, 0
    try:
        value = run(order["code"])
    except BaseException as error:
        code = 0 if isinstance(error, SystemExit) and error.code in (None, 0) else 1
        message = f"{type(error).__name__}: {error}" if code else ""
        # Show only the frames of the script, not those of the simulator.
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != "<script>":
            trace = trace.tb_next
        if code:
            traceback.print_exception(type(error), error, trace)
    sys.stdout.flush()
    sys.stderr.flush()
    answer = {"message": message, "output": json.dumps(value, default=str, ensure_ascii=False)}
    Path(order["answer"]).write_text(json.dumps(answer), encoding="utf-8")
    return code


if __name__ == "__main__":
    exit_code = main()
    os._exit(exit_code)  # threads of the script must not keep the process running
