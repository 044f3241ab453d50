"""Creates environment variables and files for a job from a credential, as a controller does.

It works like `CredentialType.inject_credential` in AWX 24 (awx/main/models/credential.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2.sandbox
import yaml

HIDDEN = "**********"


class CredentialType:
    """The credential type of roles/controller/files/credential_type.yml."""

    def __init__(self, path: Path) -> None:
        whole = yaml.safe_load(path.read_text())
        self.fields: list[dict[str, Any]] = whole["inputs"]["fields"]
        self.injectors: dict[str, dict[str, str]] = whole["injectors"]

    @property
    def booleans(self) -> set[str]:
        return {field["id"] for field in self.fields if field["type"] == "boolean"}

    @property
    def secret(self) -> set[str]:
        return {field["id"] for field in self.fields if field.get("secret")}

    def blank(self) -> dict[str, Any]:
        """The form with all fields blank. For a blank choice, the controller stores the first choice."""
        return {
            field["id"]: False if field["type"] == "boolean" else field.get("choices", [""])[0] for field in self.fields
        }

    def inject(self, inputs: Mapping[str, Any], folder: Path) -> tuple[dict[str, str], dict[str, str]]:
        """The variables of a job, and how the controller shows them. Files are written to `folder`."""
        namespace: dict[str, Any] = {"tower": SimpleNamespace()}
        shown: dict[str, Any] = {"tower": namespace["tower"]}
        for name, value in inputs.items():
            if isinstance(value, bool):
                namespace[name] = shown[name] = value
                continue
            if name in self.secret:
                shown[name] = HIDDEN
            elif value:
                shown[name] = value
            if value:
                namespace[name] = value
        for name in self.booleans - set(inputs):
            namespace[name] = shown[name] = False
        sandbox = jinja2.sandbox.ImmutableSandboxedEnvironment()
        namespace["tower"].filename = SimpleNamespace()
        for label, template in self.injectors["file"].items():
            path = folder / f"tmp{secrets.token_hex(4)}"
            path.write_text(sandbox.from_string(template).render(**namespace))
            path.chmod(0o600)
            setattr(namespace["tower"].filename, label.split(".")[1], str(path))

        def rendered(names: dict[str, Any]) -> dict[str, str]:
            return {name: sandbox.from_string(text).render(**names) for name, text in self.injectors["env"].items()}

        return rendered(namespace), rendered(shown)
