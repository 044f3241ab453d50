"""`make generate`: a new field is a row of the table and a description."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dev import collection

ROW = '    Field("log_level", "logLevel", TEXT, {"type": "str", "choices": ["info", "debug"]}),\n'
DESCRIPTION = "  log_level:\n    description: How much the runtime logs. With O(state=absent), it has no effect.\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the working tree with a row for the field log_level."""
    folder = collection.copy(tmp_path / "ansible_collections" / "mstr" / "library", "dev", "docs", "plugins", "roles")
    table = folder / "plugins" / "module_utils" / "_model" / "fields.py"
    row = table.read_text()
    table.write_text(row.replace('    Field("others"', ROW + '    Field("others"'))
    assert table.read_text() != row
    return folder


def generate(clone: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-B", "-m", "dev.generate", *options]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def documentation(file: Path, part: str) -> dict:
    return yaml.safe_load(file.read_text().partition(f'{part} = r"""')[2].partition('"""')[0])


def test_a_field_without_a_description_is_named(clone: Path) -> None:
    status, output = generate(clone)
    assert status == 1
    assert "write a description of the option log_level into plugins/doc_fragments/runtime.py" in output


def test_a_new_field_is_written_everywhere(clone: Path) -> None:
    fragment = clone / "plugins" / "doc_fragments" / "runtime.py"
    fragment.write_text(fragment.read_text().replace("  journal_comment:\n", DESCRIPTION + "  journal_comment:\n"))
    assert generate(clone, "--check")[0] == 1
    assert generate(clone)[0] == 0
    assert generate(clone, "--check") == (0, "")

    modules = clone / "plugins" / "modules"
    options = documentation(fragment, "DOCUMENTATION")["options"]
    assert options["log_level"]["choices"] == ["info", "debug"]
    assert list(options).index("log_level") == list(options).index("others") - 1
    schema = json.loads((clone / "docs" / "schemas" / "definitions.schema.json").read_text())
    assert schema["$defs"]["runtime"]["properties"]["log_level"]["enum"] == ["info", "debug", None]
    assert schema["$defs"]["runtime"]["properties"]["log_level"]["description"] == "How much the runtime logs."
    for module, path in (("mstr_runtime", ["runtime"]), ("mstr_runtime_info", ["runtimes"])):
        returned = documentation(modules / f"{module}.py", "RETURN")[path[0]]
        assert returned["contains"]["log_level"] == {"description": "How much the runtime logs.", "type": "str"}
    returned = documentation(modules / "mstr_runtimes.py", "RETURN")["runtimes"]
    assert returned["sample"][0]["runtime"]["log_level"] is None


def test_the_role_documents_what_it_passes_on(clone: Path) -> None:
    """A changed description of an option of mstr_runtimes reaches the variable of the role."""
    wait = clone / "plugins" / "doc_fragments" / "wait.py"
    text = wait.read_text()
    wait.write_text(text.replace("Maximum number of seconds to wait.", "How long to wait, see O(wait) and O(timeout)."))
    table = clone / "plugins" / "module_utils" / "_model" / "fields.py"
    table.write_text(table.read_text().replace(ROW, ""))
    assert generate(clone)[0] == 0
    specs = yaml.safe_load((clone / "roles" / "runtimes" / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    description = specs["main"]["options"]["mstr_runtimes_wait_timeout"]["description"]
    assert description[0].startswith("How long to wait, see O(mstr_runtimes_wait) and O(mstr_timeout).")
    assert description[-1] == "The default is V(300)."
