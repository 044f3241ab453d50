from __future__ import annotations

from functools import partial

import pytest
import yaml
from ansible_collections.mstr.library.plugins.module_utils._options import check_entry
from ansible_collections.mstr.library.plugins.module_utils._work.many import MANY_OPTIONS, inputs_for_many
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import reconcile
from ansible_collections.mstr.library.plugins.modules.mstr_runtimes import main
from unit.support.make import ID, faults_of, stored
from unit.support.module import Run
from unit.support.server import Server

A = "A" * 32


def prepare(**options):
    params, errors = check_entry(MANY_OPTIONS, options)
    assert errors == []
    return inputs_for_many(check_entry, params)


def faults(*runtimes, **options):
    return faults_of(partial(prepare, **({"runtimes": list(runtimes)} if runtimes else {}), **options))


class File:
    """The file of the option src. In errors, its path is shown as FILE."""

    def __init__(self, folder):
        self.path = folder / "runtimes.yml"

    def __call__(self, content):
        self.path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        return str(self.path)

    def faults(self, content, call=faults, **options):
        return [text.replace(repr(str(self.path)), "FILE") for text in call(src=self(content), **options)]


@pytest.fixture
def src(tmp_path):
    return File(tmp_path)


@pytest.fixture
def lines(monkeypatch, capsys):
    """Run the module; the lines of its error."""
    run = Run(monkeypatch, capsys)
    return lambda **options: run(main, base_url="https://x", api_token="t" * 9, **options)["msg"].splitlines()


def test_first_fifty_of_many_violations():
    entries = [{"name": str(number), "whitelist": ["8.8.8.8"]} for number in range(52)]
    found = faults(*entries, policy={"networks_within": ["10.0.0.0/8"]})
    assert found[49].startswith("runtimes[49] '49': whitelist[0] '8.8.8.8/32' violates the policy networks_within")
    assert found[50:] == ("and 2 more violations of the policy",)


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([{"name": "a"}, {"name": "b"}, {"name": "a"}], "runtimes[2] has the same name as runtimes[0]: 'a'"),
        ([{"id": ID}, {"id": ID.lower()}], f"runtimes[1] has the same id as runtimes[0]: '{ID.lower()}'"),
    ],
)
def test_duplicates_with_both_indexes(entries, fault):
    assert faults(*entries) == (fault,)


def test_a_definition_becomes_absent_by_one_word():
    """What else it says is checked and ignored."""
    said = {"whitelist": ["10.0.0.0/8"], "purge_packages": False, "smoke_test": "1", "previous_names": ["b"]}
    absent = {"name": "a", **said, "state": "absent"}
    other = {"name": "c", "previous_names": ["b"]}
    definition, _other = prepare(runtimes=[absent, other]).definitions
    assert (definition.previous_names, definition.smoke_test) == ((), None)
    assert faults({**absent, "whitelist": ["a"]}) == faults({"name": "a", "whitelist": ["a"]})


@pytest.mark.parametrize("entries", [[], [{"name": "a", "state": "absent"}, {"id": A, "state": "absent"}]])
def test_purge_without_runtime_to_be_present(src, entries):
    errors = *faults(runtimes=entries, purge=True), *src.faults(entries, purge=True)
    why = "purge would delete every runtime, as no entry has state: present"
    assert [error.startswith(why) for error in errors] == [True, True]


def test_purge_with_a_part(src):
    """A file that lists only some runtimes is applied, but not with a purge."""
    part = src({"partial": True, "runtimes": [{"name": "a"}]})
    assert prepare(src=part).definitions[0].name == "a"
    [fault] = faults(src=part, purge=True)
    assert "has only a part of the runtimes (partial: true), so purge would delete all others" in fault
    assert prepare(src=src({"partial": False, "runtimes": [{"name": "a"}]}), purge=True)


def test_no_list_and_an_empty_one():
    """Without purge, an empty list means that there is nothing to do."""
    assert faults() == ("one of runtimes, src and scripts is required",)
    assert prepare(runtimes=[]).definitions == []


def test_entry_refused_hides_no_other_entry(lines):
    """What Ansible would refuse comes first."""
    given = [None, {"name": "c", "whitelist": [None, "host"]}, {"name": "d", "id": "x"}, {"name": "d", "zzz": 1}]
    found = lines(runtimes=given, purge_limit=-1, wait_timeout="four", timeout=0)
    assert [line.split(";")[0] for line in found] == [
        "runtimes[0] is null",
        "runtimes[1] 'c': whitelist[0] is null",
        "runtimes[3] 'd': zzz is not an option",
        "wait_timeout 'four' is not a whole number of seconds",
        "timeout must be more than 0 and at most 86400 seconds, not 0.0",
        "runtimes[1] 'c': whitelist[1] 'host' is not a CIDR block (it is a host name)",
        "runtimes[2] 'd': id 'x' is invalid: expected 32 hexadecimal digits",
        "runtimes[3] has the same name as runtimes[2]: 'd'",
        "purge_limit must be at least 0, not -1",
    ]


def test_state_null_is_not_given(lines, src):
    errors = lines(runtimes=[{"state": None}]) + lines(src=src([{"state": None}]))
    assert [error.partition(": ")[2] for error in errors] == ["one of name and id is required"] * 2


def test_broken_file_and_a_purge(src):
    """A file that cannot be read is the only error, and a refused entry may be one that is to be present."""
    assert "cannot be read" in ", ".join(faults(src=str(src.path), purge=True))
    [fault] = src.faults([3, {"name": "c", "state": "absent"}], purge=True)
    assert fault.startswith("FILE line 1")


@pytest.mark.parametrize(
    ("entry", "start"),
    [
        (None, ": expected a mapping of options, got None"),
        ({"name": "b", "exec_timeout": "soon"}, " 'b': exec_timeout 'soon' is not a whole number"),
        ({"name": "b", "packages": [{"name": "x", None: 4}]}, " 'b': packages[0].None is not an option"),
    ],
)
def test_error_has_line_and_name(src, entry, start):
    found = src.faults([{"name": "a"}, entry, {"name": "c", "exec_timeout": -1}])
    assert found[0].startswith(f"FILE line 2{start}")
    assert ["'c': exec_timeout must be at least 0" in text for text in found[1:]] == [True]


def test_entries_of_file_as_those_of_option(src):
    """The comment is that of the task."""
    entry = {"name": "7", "exec_timeout": "60", "whitelist": "10.0.0.0/8", "resource": {"cpu": "0.5"}}
    [in_file] = prepare(src=src({"runtimes": [entry]}), journal_comment="ours").definitions
    [as_option] = prepare(runtimes=[entry], journal_comment="ours").definitions
    assert in_file._replace(place="") == as_option._replace(place="")
    assert in_file.journal_comment == "ours"
    [error] = src.faults([{"name": "a", "journal_comment": "mine"}])
    assert "journal_comment is not an option" in error


def test_backup_deletes_nothing(src):
    [error] = src.faults({"restore": True, "runtimes": [{"id": A, "state": "absent"}]})
    assert "state: absent cannot be used with restore: true" in error
    assert prepare(src=src({"restore": True, "runtimes": [{"name": "a"}]}), purge=True).purge is None


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("- name: a\n- name: b\n\n- name: a\n", "line 1", "line 4"),
        ("[{name: a}, {name: a}]", "line 1 (runtimes entry 1)", "line 1 (runtimes entry 2)"),
        ("x-a: &a {name: a}\nruntimes: [*a, *a]", "line 1 (runtimes entry 1)", "line 1 (runtimes entry 2)"),
        ('[{"name": "a"}, {"name": "a"}]', "runtimes entry 1", "runtimes entry 2"),
    ],
)
def test_an_entry_of_a_file_has_its_line(src, text, first, second):
    """Of JSON, which has no lines, its number; two entries never have the same place."""
    assert src.faults(text) == [f"FILE {second} has the same name as FILE {first}: 'a'"]


def test_errors_after_the_login_have_the_line(src):
    def faults_of_run(**options):
        return faults_of(reconcile, Server(stored(id=A, name="a")).context(prepare(**options)))

    [fault] = src.faults([{"name": "a"}, {"id": A, "exec_timeout": 5}], faults_of_run)
    assert fault.startswith("FILE line 2 and FILE line 1 are the same runtime")


def test_scripts_of_a_file(src):
    """They have their lines, and stand in one place."""
    script = {"name": "Load", "project": " ", "runtime": "a"}
    assert src.faults({"runtimes": [], "scripts": [script]}) == ["FILE line 3: project is empty"]
    assert src.faults({"scripts": [{"name": "Load", "runtimes": "a", "project": "P"}]}) == [
        "FILE line 2 'Load': runtimes is not an option; the nearest one is runtime",
        "FILE line 2 'Load': runtime is missing",
    ]
    assert src.faults({"scripts": []}, scripts=[]) == [
        "scripts is set, and src FILE contains scripts, too; write them in one place"
    ]
