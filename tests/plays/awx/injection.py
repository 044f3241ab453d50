"""Creates environment variables and files for a job from a credential, as a controller does.

It works like `CredentialType.inject_credential` and the checks of `CredentialTypeInputField` and
`CredentialTypeInjectorField` in AWX 24 (awx/main/models/credential.py, awx/main/fields.py).
"""

from __future__ import annotations

import re
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
        self.keys = set(whole)
        self.kind = whole["kind"]
        self.fields: list[dict[str, Any]] = whole["inputs"]["fields"]
        self.inputs: dict[str, Any] = whole["inputs"]
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

    def check(self) -> None:
        """Raise an error if the controller's API would reject the type."""
        assert self.keys <= {"name", "description", "kind", "inputs", "injectors"}
        assert self.kind in ("cloud", "net")
        assert set(self.inputs) <= {"fields", "required"}
        allowed = {"type", "format", "choices", "id", "label", "help_text", "multiline", "secret", "default"}
        for field in self.fields:
            # The API would add a type, and a second run of a playbook would find a difference.
            assert {"id", "label", "type"} <= set(field) <= allowed
            assert field["type"] in ("string", "boolean")
            assert re.fullmatch("[a-zA-Z_]+[a-zA-Z0-9_]*", field["id"])
            if field["type"] == "boolean":
                assert not {"choices", "multiline", "format", "secret"} & set(field)
        ids = [field["id"] for field in self.fields]
        assert len(ids) == len(set(ids))
        assert set(self.injectors) <= {"file", "env", "extra_vars"}
        assert all(re.fullmatch(r"template\.[a-zA-Z_]+[a-zA-Z0-9_]*", name) for name in self.injectors["file"])
        assert all(re.fullmatch("[\x00-\x7f]*", text) for text in self.injectors["env"].values())
        example: dict[str, Any] = dict.fromkeys(ids, "EXAMPLE")
        files = {name.split(".")[1]: "EXAMPLE" for name in self.injectors["file"]}
        example["tower"] = SimpleNamespace(filename=SimpleNamespace(**files))
        strict = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
        for text in (*self.injectors["file"].values(), *self.injectors["env"].values()):
            strict.from_string(text).render(example)
