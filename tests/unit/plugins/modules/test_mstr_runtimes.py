from __future__ import annotations

from functools import partial

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._model.definition import DEFINITION_OPTIONS
from ansible_collections.mstr.library.plugins.module_utils._work.inputs_many import inputs_for_many
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import reconcile
from ansible_collections.mstr.library.plugins.modules.mstr_runtimes import main
from ansible_collections.mstr.library.tests.unit.support.make import ID, faults_of, stored
from ansible_collections.mstr.library.tests.unit.support.module import Run
from ansible_collections.mstr.library.tests.unit.support.server import Server

A = "A" * 32
prepare = partial(inputs_for_many, auth.checked_entry)


def params(**options):
    """The options of a task, as AnsibleModule has checked them."""
    return {
        "runtimes": None,
        "src": None,
        "purge": False,
        "purge_exclude": [],
        "purge_limit": None,
        "concurrency": 4,
        "journal_comment": None,
        "wait": False,
        "wait_timeout": 300,
        "protect_used": False,
        "protect_projects": None,
        "plan_id": None,
        "scripts": None,
        "wait_interval": 2.0,
        "policy": None,
        **options,
    }


def given(*entries, **options):
    """The same with a list of runtimes, whose entries went through the option specs too."""
    validator = ArgumentSpecValidator(DEFINITION_OPTIONS)
    return params(runtimes=[validator.validate(entry).validated_parameters for entry in entries], **options)


def from_file(tmp_path, entries, **options):
    """The options of a task that gives the same as a file."""
    return params(src=written(tmp_path, entries), **options)


def written(tmp_path, entries):
    path = tmp_path / "runtimes.yml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return str(path)


def place_in(tmp_path):
    """How messages name that file."""
    return repr(str(tmp_path / "runtimes.yml"))


@pytest.mark.parametrize("concurrency", [0, 17, -4])
def test_concurrency_out_of_range(concurrency):
    assert f"from 1 to 16, not {concurrency}" in faults_of(prepare, given({"name": "a"}, concurrency=concurrency))[0]
    for allowed in (1, 16):
        prepare(given({"name": "a"}, concurrency=allowed, purge_limit=0))


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([{"name": "a"}, {"name": "b"}, {"name": "a"}], "runtimes[2] has the same name as runtimes[0]: 'a'"),
        ([{"id": ID}, {"id": ID.lower()}], f"runtimes[1] has the same id as runtimes[0]: '{ID.lower()}'"),
        ([{"id": A, "name": "x"}, {"id": ID, "name": "x"}], "runtimes[1] has the same name as runtimes[0]: 'x'"),
        (
            [{"id": A, "name": "b"}, {"name": "b", "state": "absent"}],
            "runtimes[1] has the same name as runtimes[0]: 'b'",
        ),
    ],
)
def test_duplicates_with_both_indexes(entries, fault):
    assert faults_of(prepare, given(*entries)) == (fault,)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"exec_timeout": 1}, ["exec_timeout"]),
        ({"whitelist": []}, ["whitelist"]),
        ({"replace_on_change": True, "smoke_test": "1"}, ["replace_on_change", "smoke_test"]),
        ({"description": "", "purge_packages": False}, ["description", "purge_packages"]),
        ({"name": "x", "id": ID, "journal_comment": "why"}, []),
    ],
)
def test_absent_together_with_fields_make_no_sense(fields, named):
    options = given({"name": "a", "state": "absent", **fields})
    faults = faults_of(prepare, options) if named else ()
    assert sorted(faults) == [f"runtimes[0] 'a': {entry} cannot be used with state: absent" for entry in sorted(named)]


@pytest.mark.parametrize("source", ["runtimes", "src"])
@pytest.mark.parametrize("entries", [[], [{"name": "a", "state": "absent"}, {"id": A, "state": "absent"}]])
def test_purge_without_runtime_to_be_present(tmp_path, source, entries):
    options = params(purge=True, **{source: entries if source == "runtimes" else written(tmp_path, entries)})
    (fault,) = faults_of(prepare, options)
    assert fault.startswith("purge would delete every runtime, as no entry has state: present")


def test_script_in_file_without_runtime(tmp_path):
    faults = faults_of(
        prepare, from_file(tmp_path, {"scripts": [{"name": "Load", "project": "Sales", "runtimes": "a"}]})
    )
    assert faults == (
        f"{place_in(tmp_path)} line 2 'Load': runtimes is not an option; did you mean runtime?",
        f"{place_in(tmp_path)} line 2 'Load': runtime is missing",
    )


def test_null_is_not_a_list():
    assert faults_of(prepare, params()) == ("one of runtimes, src and scripts is required",)


def test_empty_list_without_purge_nothing_to_do():
    assert prepare(given()).definitions == []


def test_file_cannot_be_read_only_fault(tmp_path):
    (fault,) = faults_of(prepare, params(src=str(tmp_path / "none.yml"), purge=True))
    assert "cannot be read" in fault


def test_policy_violations_reported_with_all_other_faults():
    policy = {"networks_within": ["10.0.0.0/8"], "networks_never": None}
    faults = faults_of(
        prepare, given({"name": "a", "whitelist": ["0.0.0.0/0"]}, {"name": "b", "exec_timeout": 0}, policy=policy)
    )
    assert faults[0].startswith("runtimes[0] 'a': whitelist[0] '0.0.0.0/0' violates the policy networks_within")
    assert "exec_timeout must be" in faults[1]
    assert "policy.networks_within[0]" in faults_of(prepare, given(policy={**policy, "networks_within": ["x"]}))[0]


def test_entry_refused_hides_no_other_entry(monkeypatch, capsys):
    run = Run(monkeypatch, capsys)
    packages = [None, "requests", {"nmae": "x"}, {"name": "numpy", "version": ">=2"}]
    given = [None, "b", {"name": "c", "whitelist": [None, "host"], "packages": packages}, {"name": "d", "id": "x"}]
    run(main, runtimes=given, base_url="https://x", api_token="t" * 9)
    assert [line.split(";")[0] for line in run.result["msg"].splitlines()] == [
        "runtimes[0] is null",
        "runtimes[1]: 'b' is not a mapping of options",
        "runtimes[2] 'c': whitelist[0] is null",
        "runtimes[2] 'c': packages[0] is null",
        "runtimes[2] 'c': packages[1] 'requests' is not a mapping of options",
        "runtimes[2] 'c': packages[2].nmae is not an option",
        "runtimes[2] 'c': packages[2].name is missing",
        "runtimes[2] 'c': whitelist[1] 'host' is not a CIDR block (it is a host name)",
        "runtimes[2] 'c': packages[3].version '>=2' is not only a version",
        "runtimes[3] 'd': id 'x' is invalid: expected 32 hexadecimal digits",
    ]


def test_value_of_wrong_type_hides_no_other_fault(monkeypatch, capsys, tmp_path):
    run = Run(monkeypatch, capsys)
    entries = [
        {"name": "a", "resource": {"mem": "1GB", "disk": 0}, "whitelist": ["host"], "zzz": 1},
        {"name": "a", "packages": ["requests==2.32.3"], "exec_timeout": 0},
    ]
    place = ["runtimes[0] 'a'", "runtimes[1] 'a'"]
    of_file = {f"{place_in(tmp_path)} line {line}": f"runtimes[{index}]" for index, line in enumerate((1, 8))}
    expected = {
        f"{place[0]}: resource.mem '1GB' is not a whole number; write it without a unit",
        f"{place[0]}: resource.disk must be more than 0, not 0",
        f"{place[0]}: whitelist[0] 'host' is not a CIDR block",
        f"{place[1]}: packages[0] 'requests==2.32.3' is not a mapping of options; "
        "write {name: …, version: …, description: …}",
        f"{place[1]}: exec_timeout must be at least 1, not 0",
        "runtimes[1] has the same name as runtimes[0]: 'a'",
        "purge_limit must be at least 0, not -1",
        "concurrency 'four' is not a whole number",
    }
    for source in ({"runtimes": entries}, {"src": written(tmp_path, entries)}):
        run(main, **source, purge_limit=-1, concurrency="four", timeout=0, base_url="https://x", api_token="t" * 9)
        message = run.result["msg"]
        for written_place, index in of_file.items():
            message = message.replace(written_place, index)
        lines = message.splitlines()
        assert not [fault for fault in expected if not any(line.startswith(fault) for line in lines)], lines
        assert any("zzz is not an option" in line for line in lines)
        assert any(line.startswith("timeout must be") for line in lines)
        assert len(lines) == len(expected) + 2


def test_state_null_not_given(monkeypatch, capsys, tmp_path):
    run = Run(monkeypatch, capsys)
    sources = {"runtimes[0]": {"runtimes": [{"state": None}]}}
    sources[f"{place_in(tmp_path)} line 1"] = {"src": written(tmp_path, [{"state": None}])}
    for place, source in sources.items():
        run(main, **source, base_url="https://x", api_token="t" * 9)
        assert run.result["msg"] == f"{place}: one of name and id is required"


def test_text_in_place_of_list_one_fault(monkeypatch, capsys):
    run = Run(monkeypatch, capsys)
    run(main, runtimes="a,b")
    assert run.result["msg"] == "runtimes 'a,b' is not a list; write [{name: …}]"


def test_entry_s_comment_comes_before_task_s():
    options = given({"name": "a"}, {"name": "b", "journal_comment": "mine"}, journal_comment="ours")
    assert [definition.journal_comment for definition in prepare(options).definitions] == ["ours", "mine"]


# --- entries of a file


@pytest.mark.parametrize(
    ("entry", "expected_start"),
    [
        (None, ": expected a mapping of options, got None"),
        ("name: a", ": expected a mapping of options, got 'name: a'"),
        ([], ": expected a mapping of options, got []"),
        ({"name": "b", "exec_timeout": "soon"}, " 'b': exec_timeout 'soon' is not a whole number"),
        ({"name": "b", 1: 2, "x": 3}, " 'b': 1 is not an option"),
        ({"name": "b", "packages": [{"name": "x", None: 4}]}, " 'b': None is not an option"),
        ({"name": {"a": 1}, "x": 1}, ": name is a mapping; expected text"),
    ],
)
def test_mistake_named_with_its_line_and_name(tmp_path, entry, expected_start):
    faults = faults_of(prepare, from_file(tmp_path, [{"name": "a"}, entry, {"name": "c", "exec_timeout": 0}]))
    second = f"{place_in(tmp_path)} line 2"
    assert faults[0].startswith(f"{second}{expected_start}")
    assert len([fault for fault in faults if not fault.startswith(second)]) == 1
    assert not any("dictionary requested" in fault for fault in faults)


def test_refused_entry_may_be_one_to_be_present(tmp_path):
    """So the purge is no second fault."""
    entries = [3, {"name": "c", "state": "absent"}]
    [fault] = faults_of(prepare, params(src=written(tmp_path, entries), purge=True))
    assert fault.startswith(place_in(tmp_path))


def test_entries_of_file_as_those_of_option(tmp_path):
    entries = [
        {"name": "a", "exec_timeout": "60", "whitelist": "10.0.0.0/8"},
        {"name": "7", "resource": {"cpu": "0.5"}},
    ]
    wanted = prepare(from_file(tmp_path, {"runtimes": entries})).definitions
    as_options = prepare(given(*entries)).definitions
    assert [entry._replace(place="") for entry in wanted] == [entry._replace(place="") for entry in as_options]
    assert wanted[0].values == {"name": "a", "exec_timeout": 60, "whitelist": ("10.0.0.0/8",)}
    assert wanted[1].name == "7"


def test_a_backup_deletes_by_id(tmp_path):
    """What it deletes may have the name of what comes back."""
    absent = {"name": "a", "id": A, "state": "absent"}
    runtimes = [{"name": "a", "id": ID}, absent]
    assert len(prepare(from_file(tmp_path, {"restore": True, "runtimes": runtimes})).definitions) == 2
    assert "same name" in faults_of(prepare, from_file(tmp_path, {"runtimes": runtimes}))[0]
    [fault] = faults_of(prepare, from_file(tmp_path, {"restore": True, "runtimes": [{**absent, "id": None}]}))
    assert fault.startswith(f"{place_in(tmp_path)} line 3 'a': id is required with state: absent in a backup")


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("- name: a\n- name: b\n\n- name: a\n", "line 1", "line 4"),
        ("restore: false\nruntimes: # comment\n- {name: a}\n- {name: a, others: !unsafe '{{'}", "line 3", "line 4"),
        ("[{name: a}, {name: a}]", "line 1 (runtimes entry 1)", "line 1 (runtimes entry 2)"),
        ("x: &a {name: a}\nruntimes: [*a, *a]", "line 1 (runtimes entry 1)", "line 1 (runtimes entry 2)"),
        ('[{"name": "a"}, {"name": "a"}]', "runtimes entry 1", "runtimes entry 2"),
    ],
)
def test_an_entry_of_a_file_has_its_line(tmp_path, text, first, second):
    """Of JSON, which has no lines, its number; two entries never have the same place."""
    path = tmp_path / "runtimes.yml"
    path.write_text(text, encoding="utf-8")
    [fault] = faults_of(prepare, params(src=str(path)))
    assert fault == f"{place_in(tmp_path)} {second} has the same name as {place_in(tmp_path)} {first}: 'a'"


def test_errors_after_the_login_have_the_line(tmp_path):
    inputs = prepare(from_file(tmp_path, [{"name": "a"}, {"id": A, "exec_timeout": 5}]))
    [fault] = faults_of(reconcile, Server(stored(id=A, name="a")).context(inputs), inputs)
    assert fault.startswith(f"{place_in(tmp_path)} line 2 and {place_in(tmp_path)} line 1 are the same runtime")


def test_a_script_of_a_file_has_its_line(tmp_path):
    content = {"runtimes": [], "scripts": [{"name": "Load", "project": " ", "runtime": "a"}]}
    assert faults_of(prepare, from_file(tmp_path, content)) == (f"{place_in(tmp_path)} line 3: project is empty",)


def test_scripts_in_both_places(tmp_path):
    path = written(tmp_path, {"scripts": []})
    [fault] = faults_of(prepare, params(src=path, scripts=[]))
    assert fault == f"scripts is set, and src {path!r} contains scripts, too; write them in one place"
