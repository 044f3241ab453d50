from __future__ import annotations

import json
import os
import sys

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.src import Source, read_definitions
from unit.support.make import faults_of

ENTRIES = [{"name": "Nächtlich ✓", "resource": {"cpu": 0.5}}, {"name": "b"}]
YAML = '- name: "Nächtlich ✓"\n  resource:\n    cpu: 0.5\n- name: b\n'

# Each line refers to the line before several times.
BOMB = (
    "a: &a0 [x, x]\n"
    + "".join(f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    + "runtimes: []"
)


@pytest.fixture
def written(tmp_path):

    def write(content):
        path = tmp_path / "runtimes"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.mark.parametrize(
    ("content", "entries"),
    [
        (YAML, ENTRIES),
        (f"---\n# A comment\nruntimes:\n{YAML}", ENTRIES),
        (json.dumps(ENTRIES), ENTRIES),
        (json.dumps({"runtimes": ENTRIES}, ensure_ascii=False), ENTRIES),
        (b"\xef\xbb\xbf" + json.dumps(ENTRIES).encode(), ENTRIES),
        ("- &base {name: a, id: x}\n- {<<: *base, name: b}", [{"name": "a", "id": "x"}, {"name": "b", "id": "x"}]),
        ("[1, null, {name: 3}]", [1, None, {"name": 3}]),
    ],
    ids=["yaml", "its key", "json", "its key in json", "BOM", "merged key", "any entries"],
)
def test_yaml_or_json_with_or_without_key(written, content, entries):
    """Its entries are not checked here."""
    assert read_definitions(written(content)) == Source(entries)


def test_braces_that_are_meant(written):
    [entry] = read_definitions(written("runtimes: [{name: !unsafe '{{ x }}'}]")).runtimes
    assert (entry, type(entry["name"])) == ({"name": "{{ x }}"}, str)


def test_what_a_file_knows(written):
    """Beside the runtimes it says whose they are, what it left out, and which scripts use them."""
    whole = written(
        "server: https://x\nrestore: true\n"
        "x-base: &base {name: a}\nruntimes: [*base]\nscripts: [{name: s, project: P, runtime: a}]"
    )
    assert read_definitions(whole) == Source(
        [{"name": "a"}],
        [{"name": "s", "project": "P", "runtime": "a"}],
        restore=True,
        server="https://x",
    )
    assert read_definitions(written("scripts: []")) == Source(None, [])
    empty = written("server: \nscripts:\nrestore: false\nruntimes: []")
    assert read_definitions(empty) == Source([])


@pytest.mark.parametrize(
    ("content", "expected_text"),
    [
        (b"\xff\xfe- name: a", "is not UTF-8 text"),
        ("- name: [a", "is not YAML: while parsing a flow sequence"),
        ("- name: !!python/object:os.system x", "is not YAML: could not determine a constructor"),
        ("- name: a\n  others: x\n  name: b\n", "has the key 'name' twice in one mapping, again in line 3"),
        ('[{"name": "a", "others": "", "name": "b"}]', "has the key 'name' twice in one mapping"),
        ("- name: a\n  whitelist: {{ office }}", "has {{ }} in line 2, but src is not rendered as a template"),
        ("$ANSIBLE_VAULT;1.1;AES256\n336662\n", "is encrypted by ansible-vault; decrypt it"),
        ("- name: a\n  packages: [{name: '{% raw %}'}]", "has {{ }} in 'runtimes[0].packages[0].name'"),
        ("- &a [*a]", "has an alias that contains itself"),
        (BOMB, "has more than 1000000 values, counting each use of an alias"),
        ("", "contains no list of runtimes, at the top level or under the key runtimes"),
        ("- hosts: all\n  tasks: [{debug: {msg: '{{ x }}'}}]", "is a playbook, not a list of runtimes; name the file"),
        ("runtimes: {name: a}", "has runtimes: {'name': 'a'}; expected a list"),
        ("runtimes: []\nserver: true", "has an error: server True was read as a boolean"),
        ("runtimes: []\nenvironment: prod", "has the unknown key 'environment'; the keys are runtimes, scripts, "),
        ("runtimes: []\nscripts: [{name: '{{ x }}'}]", "has {{ }} in 'scripts[0].name'"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_errors_of_a_file(written, content, expected_text):
    path = written(content)
    (fault,) = faults_of(read_definitions, path)
    assert fault.startswith(f"src {path!r} ")
    assert expected_text in fault
    assert "\n" not in fault


def test_no_file_at_the_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    missing = f"src {str(tmp_path / 'none.yml')!r} cannot be read: No such file or directory"
    assert faults_of(read_definitions, "none.yml") == (missing,)
    assert faults_of(read_definitions, str(tmp_path)) == (f"src {str(tmp_path)!r} cannot be read: Is a directory",)


def test_large_file_is_refused(written):
    path = written("[")
    os.truncate(path, 65 << 20)
    assert faults_of(read_definitions, path) == (f"src {path!r} is larger than 64 MB",)


def test_without_pyyaml_json_alone_read(monkeypatch, written):
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert read_definitions(written(json.dumps(ENTRIES))).runtimes == ENTRIES
    (fault,) = faults_of(read_definitions, written(YAML))
    assert "is not JSON (" in fault
    assert fault.endswith("and YAML needs PyYAML in the Python that runs it")
