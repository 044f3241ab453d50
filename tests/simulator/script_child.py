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
import resource
import sys
import threading
import traceback
import types
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

MODULE_NAMES = {"mstrio-py": "mstrio"}  # modules whose name differs from the package


def module_name(package: str) -> str:
    """The module that a package brings."""
    name = re.sub(r"[-_.]+", "-", package).lower()
    return MODULE_NAMES.get(name, name.replace("-", "_"))


def limit(seconds: float) -> None:
    """Set the limits of this process: memory, processor time, size of files, no core file."""
    resource.setrlimit(resource.RLIMIT_AS, (512 * 1024 * 1024,) * 2)
    processor = max(1, int(seconds) + 2)
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024 * 1024,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


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


class SimulatedPackages(MetaPathFinder, Loader):
    """Makes the runtime's packages importable, as empty modules with the runtime's version."""

    def __init__(self, packages: list[dict[str, Any]]) -> None:
        self._modules = {module_name(package["name"]): package["version"] for package in packages}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in self._modules else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        module.__version__ = self._modules[module.__name__]  # type: ignore[attr-defined]


def install_metadata(packages: list[dict[str, Any]], folder: str) -> None:
    """Write the metadata of the packages, as pip does, where importlib.metadata finds it."""
    site = Path(folder, "site-packages")
    for package in packages:
        name, version = (re.sub(r"[^A-Za-z0-9.+!]+", "_", package[key])[:80] for key in ("name", "version"))
        place = site / f"{name}-{version}.dist-info"
        place.mkdir(parents=True, exist_ok=True)
        fields = [("Metadata-Version", "2.1"), ("Name", package["name"]), ("Version", package["version"])]
        fields += [("Requires-Dist", text) for text in package["requires"]]
        (place / "top_level.txt").write_text(f"{module_name(package['name'])}\n", encoding="utf-8")
        (place / "METADATA").write_text("".join(f"{key}: {value}\n" for key, value in fields), encoding="utf-8")
    sys.path.append(str(site))


def run(code: str) -> Any:
    """Run the script and return its result."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    tree = ast.parse(code, "<script>")
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "<script>", "exec"), namespace)
        return namespace.get("result")
    tree.body.pop()
    exec(compile(tree, "<script>", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "<script>", "eval"), namespace)


def main() -> int:
    """Execute the order on standard input."""
    order = json.loads(sys.stdin.buffer.readline())
    end_with_simulator()
    sys.meta_path.insert(0, SimulatedPackages(order["packages"]))
    install_metadata(order["packages"], order["folder"])
    if isinstance(order["python"], str):
        platform.python_version = lambda: order["python"]
    limit(order["seconds"])
    message, value, code = "", None, 0
    try:
        value = run(order["code"])
    except SystemExit as error:
        code = 0 if error.code in (None, 0) else 1
        message = "" if code == 0 else f"SystemExit: {error.code}"
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException as error:
        code = 1
        message = f"{type(error).__name__}: {error}"
        # Show only the frames of the script, not those of the simulator.
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != "<script>":
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace)
    sys.stdout.flush()
    sys.stderr.flush()
    answer = {"message": message, "output": json.dumps(value, default=str, ensure_ascii=False)}
    Path(order["answer"]).write_text(json.dumps(answer), encoding="utf-8")
    return code


if __name__ == "__main__":
    exit_code = main()
    os._exit(exit_code)  # threads of the script must not keep the process running
