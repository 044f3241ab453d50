# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.mstr.library.plugins.module_utils import _src
from ansible_collections.mstr.library.plugins.module_utils._src import read_definitions
from ansible_collections.mstr.library.tests.unit.support.make import faults_of

ENTRIES = [{"name": "Nächtlich ✓", "whitelist": ["10.0.0.0/8"], "resource": {"cpu": 0.5}}, {"name": "b"}]
YAML = """\
- name: "Nächtlich ✓"
  whitelist: [10.0.0.0/8]
  resource:
    cpu: 0.5
- name: b
"""


@pytest.fixture
def written(tmp_path):
    """A file with some content; its path."""

    def write(content):
        path = tmp_path / "runtimes"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.mark.parametrize(
    "content",
    [
        YAML,
        f"---\n# A comment\nruntimes:\n{YAML}",
        json.dumps(ENTRIES),
        json.dumps({"runtimes": ENTRIES}, ensure_ascii=False),
        b"\xef\xbb\xbf" + json.dumps(ENTRIES).encode(),
        f"\n\n{YAML}...\n",
    ],
    ids=["yaml", "yaml under the key", "json", "json under the key", "with a byte order mark", "with an end mark"],
)
def test_a_list_in_yaml_or_json_bare_or_under_the_key(written, content):
    assert read_definitions(written(content)) == ENTRIES


def test_what_is_merged_in_may_be_overridden(written):
    path = written("- &base {name: a, exec_timeout: 60, others: x}\n- <<: *base\n  name: b\n  exec_timeout: 90\n")
    assert read_definitions(path)[1] == {"name": "b", "exec_timeout": 90, "others": "x"}


def test_entries_are_not_looked_at_here(written):
    assert read_definitions(written("[1, null, {name: 3}]")) == [1, None, {"name": 3}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe- name: a", "is no UTF-8 text"),
        ("- name: [a", "is no YAML: while parsing a flow sequence"),
        ("- name: a\n---\n- name: b\n", "is no YAML: expected a single document"),
        ("- name: !!python/object:os.system x", "is no YAML: could not determine a constructor"),
        ("- {[a]: b}", "is no YAML: while constructing a mapping"),
        ("- name: 2024-13-45", "is no YAML: month must be in 1..12"),
        ("- name: a\n  others: x\n  name: b\n", "has the key 'name' twice in one mapping, again in line 3"),
        ('- name: a\n  resource: {cpu: 1, "cpu": 2}\n', "has the key 'cpu' twice in one mapping, again in line 2"),
        ('[{"name": "a", "others": "", "name": "b"}]', "has the key 'name' twice in one mapping"),
        ('{"runtimes": [], "runtimes": []}', "has the key 'runtimes' twice in one mapping"),
        ("$ANSIBLE_VAULT;1.1;AES256\n336662\n", "is encrypted by ansible-vault; decrypt it"),
        ("- name: a\n  others: !vault |\n    $ANSIBLE_VAULT;1.1\n", "encrypted by ansible-vault, in line 2"),
        ("", "holds no list of runtimes, bare or under the key runtimes"),
        ("name: a", "holds no list of runtimes"),
        ("runtimes: {name: a}", "holds no list of runtimes"),
        ('"text"', "holds no list of runtimes"),
        ("[" * 100_000, "is nested too deep"),
        ("- " * 2_000, "is no YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(written, content, said):
    path = written(content)
    (fault,) = faults_of(read_definitions, path)
    assert fault.startswith(f"src {path!r} ")
    assert said in fault
    assert "\n" not in fault


def test_a_missing_file_and_a_folder(tmp_path):
    missing = str(tmp_path / "none.yml")
    assert faults_of(read_definitions, missing) == (f"src {missing!r} cannot be read: No such file or directory",)
    assert faults_of(read_definitions, str(tmp_path)) == (f"src {str(tmp_path)!r} cannot be read: Is a directory",)


def test_without_pyyaml_json_alone_is_read(monkeypatch, written):
    monkeypatch.setattr(_src, "yaml", None)
    assert read_definitions(written(json.dumps(ENTRIES))) == ENTRIES
    (fault,) = faults_of(read_definitions, written(YAML))
    assert "is no JSON (" in fault
    assert fault.endswith("and YAML needs PyYAML where the module runs")


def test_without_libyaml(monkeypatch, written):
    monkeypatch.delattr(_src.yaml, "CSafeLoader", raising=False)
    assert read_definitions(written(YAML)) == ENTRIES
    assert "twice" in faults_of(read_definitions, written("- {name: a, name: b}"))[0]
