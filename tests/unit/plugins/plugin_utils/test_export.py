from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mstr.library.plugins.filter.runtime_definitions import runtime_definitions
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.change import plan_change
from ansible_collections.mstr.library.plugins.module_utils._model.definition import DEFINITION_OPTIONS, definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.fields import FIELDS
from ansible_collections.mstr.library.plugins.module_utils._model.file import parsed
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from ansible_collections.mstr.library.plugins.module_utils._model.src import read_definitions
from ansible_collections.mstr.library.plugins.module_utils._text import MASK
from ansible_collections.mstr.library.plugins.plugin_utils._reports.export import to_definitions, to_file, unrestorable
from ansible_collections.mstr.library.plugins.plugin_utils._reports.texts import plain
from hypothesis import assume, given
from hypothesis import strategies as st
from simulator.profiles import PROFILES
from unit.support.make import DEFAULT_ID, ID, faults_of, stored
from unit.support.many import run
from unit.support.server import Server
from unit.support.strategies import ANY_JSON, OBJECTS

API_FIELDS = [field.api for field in FIELDS]
# Whatever a server may answer in the fields of a runtime.
ANYTHING = st.fixed_dictionaries({"id": st.just(ID)}, optional=dict.fromkeys(API_FIELDS, ANY_JSON)) | OBJECTS
MSTRIO = {"name": "mstrio_py", "version": "11.6", "status": "installed"}
DIRTY = {
    "id": ID,
    "name": "Größe ✓ {{ x }} 'q' # no",
    "description": None,
    "whitelist": ["10.10.10.7/24", "2001:DB8::/32", "1.2.3.4", "10.10.10.0/24"],
    "packages": [MSTRIO, {"name": "a", "version": "", "description": None}],
    "resource": None,
    "execTimeout": 600,
    "executionTarget": "",
}


def exported(*objects):
    """The definitions of objects of the API."""
    return to_definitions([from_api(object).to_result() for object in objects])


def exportable(data):
    """The definitions of an object that no test refuses."""
    try:
        return exported(data)
    except ValidationError:
        assume(False)


def as_options(definitions):
    """What the option specs of the bulk module make of definitions."""
    results = [ArgumentSpecValidator(DEFINITION_OPTIONS).validate(entry) for entry in definitions]
    assert [error for result in results for error in result.error_messages] == []
    return [result.validated_parameters for result in results]


EMPTY = {"description": "", "whitelist": [], "packages": [], "others": ""}
EMPTY |= {"name": "r", "min_cached_instances": 0, "max_cached_instances": 0}


def test_a_dirty_runtime():
    packages = [{"name": "a", "description": ""}, {"name": "mstrio_py", "version": "11.6", "description": ""}]
    lists = {"whitelist": ["1.2.3.4/32", "10.10.10.0/24", "2001:db8::/32"], "packages": packages}
    assert exported(DIRTY) == [{**EMPTY, **lists, "name": DIRTY["name"], "exec_timeout": 600}]


def test_the_filter_takes_a_whole_result():
    read = {"changed": False, "msg": "1 runtime found.", "runtimes": [from_api(stored()).to_result()]}
    assert runtime_definitions(read) == runtime_definitions(read["runtimes"]) != []
    with pytest.raises(AnsibleFilterError, match="takes the result of mstr_runtime_info, or its list of runtimes"):
        runtime_definitions({"failed": True, "msg": "Could not log in."})


# No definition can ask for the two empty ones, and older releases refuse the second.
@pytest.mark.parametrize(
    "fields",
    [{}, dict.fromkeys(API_FIELDS[1:]), {"runtimeVersion": "", "executionTarget": ""}, {"resource": {"cpu": None}}],
)
def test_a_field_that_was_never_set_is_empty(fields):
    assert exported({"id": ID, "name": "r", **fields}) == [EMPTY]


def test_unset_count():
    [definition] = exported({"id": ID, "name": "r", "minCachedInstances": 2})
    assert (definition["min_cached_instances"], "max_cached_instances" in definition) == (2, False)
    assert "max_cached_instances: 'r'" in unrestorable([definition])


def test_unrestorable():
    """What the server has no value for, with the runtimes that lack it, in a fixed order."""
    unpinned = stored(packages=[{"name": "a", "version": ""}])
    unset = stored(id="A" * 32, name="s", execTimeout=None, resource=None)
    part = stored(id="B" * 32, name="t", resource={"cpu": 1})
    found = unrestorable(exported(unpinned, unset, part))
    assert {"version of the package a: 'r'", "exec_timeout: 's'", "resource: 's'", "resource.mem: 't'"} <= {*found}
    assert unrestorable(exported(part, unset, unpinned)) == found
    assert "resource: all runtimes" in unrestorable(exported(unset, {**unset, "name": "u"}))


def test_omitted():
    """Read-only fields, and the built-in default runtime. The others are sorted by name."""
    fields = {"status": "ready", "owner": {"id": "x"}, "acl": [], "version": "1", "dateCreated": "2026"}
    named = [stored(name=name, id=f"{n:032X}", **fields) for n, name in enumerate(["b", "B", "ä", "a"])]
    definitions = exported(*named, stored(id=DEFAULT_ID.lower(), name="(Standard)"))
    assert [{**definition, "name": "r"} for definition in definitions] == exported(stored()) * 4
    assert [definition["name"] for definition in definitions] == ["B", "a", "b", "ä"]
    assert exported() == []


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"whitelist": ["db.example.com"]}, "whitelist[0] 'db.example.com' is not a CIDR block"),
        ({"resource": {"cpu": "200m"}}, "resource.cpu '200m' is not a number"),
        ({"resource": {"cpu": True}}, "resource.cpu True is not a number"),
        ({"execTimeout": "soon"}, "exec_timeout 'soon' is not a number"),
        ({"execTimeout": 600.5}, "exec_timeout 600.5 is not a whole number"),
        ({"resource": {"mem": 0.5}}, "resource.mem 0.5 is not a whole number"),
        ({"description": f"said {MASK} to me"}, "description is masked by Ansible"),
        ({"whitelist": ["VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"]}, "whitelist[0] is masked by Ansible"),
        ({"others": "an emoji \ud83d"}, "others contains half of a character (a lone surrogate)"),
        ({"packages": [{"name": "a", "description": "\udc00"}]}, "packages[0].description contains half"),
        ({"packages": [{"name": f"{MASK}io-py"}]}, "packages[0].name is masked by Ansible"),
        ({"packages": [{"name": "a-b"}, {"name": "A_B"}]}, "packages[1].name"),
    ],
)
def test_a_runtime_that_cannot_be_expressed(fields, fault):
    faults = faults_of(exported, stored(**fields))
    assert any(entry.startswith(f"runtime 'r': {fault}") for entry in faults), faults


@pytest.mark.parametrize("name", ["\ud83d", None])
def test_a_name_that_cannot_be_expressed(name):
    [fault, *_more] = faults_of(exported, stored(name=name))
    assert fault.startswith(f"runtime {name or ''!r}: name ")


@given(ANYTHING)
def test_round_trip(data):
    """A file is read as the definitions, whatever YAML has to quote, and applying it back changes nothing."""
    definitions = exportable(data)
    text = to_file([from_api(data).to_result()], "a test").text
    assert parsed(text)["runtimes"] == definitions
    [options] = as_options(definitions)
    assert plan_change(from_api(data), definition_from(options)).action == "none"


# --- the file


SCRIPT = {"id": "5C1E7A2B4D0F4E2A9B1C2D3E4F506172", "name": "Load", "project": {"id": "B19DEDCC", "name": "Sales"}}


def file_of(*objects, backup_of=None):
    """The file, and what `src` reads in it."""
    runtimes = [{**from_api(object).to_result(), "scripts": object.get("scripts", [])} for object in objects]
    return to_file(runtimes, "a test", backup_of)


def read_back(file, folder):
    path = Path(folder, "runtimes.yml")
    path.write_text(file.text, encoding="utf-8")
    return read_definitions(str(path))


OTHER = {**SCRIPT, "id": "6" * 32, "name": "Other"}
OBJECTS_OF_A_FILE = (
    stored(name="{{ x }}", scripts=[SCRIPT]),
    stored(name="Vendor A", id="A" * 32, whitelist=["host"]),
    stored(name="Other", id="B" * 32, scripts=[OTHER]),
    stored(name="\ud83d", id="C" * 32),
    stored(name="(Standard)", id=DEFAULT_ID, scripts=[SCRIPT]),
)


def test_an_export(tmp_path):
    """It fits every server, and names what is not in it, so that a purge is refused."""
    file = file_of(*OBJECTS_OF_A_FILE)
    source = read_back(file, tmp_path)
    assert [runtime["name"] for runtime in source.runtimes] == ["Other", "{{ x }}"]
    assert "id" not in source.runtimes[0]
    assert (source.server, source.restore, source.scripts, source.partial) == (None, False, None, True)
    assert "# These runtimes are not in this file. With partial: true, a purge is refused." in file.text


@pytest.mark.parametrize("backup_of", [None, ""])
def test_what_no_definition_can_express(tmp_path, backup_of):
    """It is left out and named, with the reason, and keeps nothing else from being exported."""
    host = stored(id="A" * 32, name="Host", whitelist=["db.example.com"])
    twins = [stored(id=identity * 32, name="Twin") for identity in "BC"]
    odd = stored(id="D" * 32, name="\ud83d"), stored(id="E" * 32, name="*", whitelist=["host"])
    file = file_of(stored(), host, *twins, *odd, backup_of=backup_of)
    source = read_back(file, tmp_path)
    assert ([runtime["name"] for runtime in source.runtimes], source.partial) == (["r"], True)
    [_pattern, host, *twin, _half] = file.reasons
    assert host.startswith(f"No definition can express 'Host' ({'A' * 32}): whitelist[0] 'db.example.com' is not a C")
    assert all(f"2 runtimes have this name ({'B' * 32}, {'C' * 32})" in text for text in twin)
    assert f"\n#   {host}\n" in file.text


def test_a_backup(tmp_path):
    """It has the ids, the server and the scripts."""
    file = file_of(*OBJECTS_OF_A_FILE, backup_of="https://x")
    source = read_back(file, tmp_path)
    assert (source.server, source.restore) == ("https://x", True)
    assert [runtime["id"] for runtime in source.runtimes] == [DEFAULT_ID, "B" * 32, ID]
    load, other = ({"id": each["id"], "name": each["name"], "project": "B19DEDCC"} for each in (SCRIPT, OTHER))
    owners = {"(Standard)": load, "Other": other, "{{ x }}": load}
    assert source.scripts == [{**script, "runtime": owner} for owner, script in owners.items()]
    assert "mstr.library.apply --limit HOST -e mstr_runtimes_src=THIS_FILE" in file.text
    assert "The scripts at the end of this file are assigned to their runtimes." in file.text


def test_a_backup_of_a_runtime_with_the_name_of_the_default_one():
    """It has its own scripts, and no other ones."""
    default = stored(name="Other", id=DEFAULT_ID, scripts=[SCRIPT])
    file = file_of(stored(name="Other", id="B" * 32, scripts=[OTHER]), default, backup_of="")
    assert [script["id"] for script in file.content["scripts"]] == [OTHER["id"]]


@pytest.mark.parametrize("fields", [{"whitelist": ["host"]}, {"name": "r"}])
def test_a_default_runtime_that_is_left_out(fields):
    """It is left out of the backup and named there, and stops no run that leaves it alone."""
    file = file_of(stored(), stored(**{"id": DEFAULT_ID, "name": "d", **fields}), backup_of="")
    assert DEFAULT_ID in [identity for _name, identity in file.inexpressible]
    assert len(file.content["runtimes"]) == 1


def test_only_templates_have_a_tag():
    """A text that Ansible would render is no template, whoever loads the file as variables."""
    texts = {"a": "{{ x }}", "b": "{% x %}", "c": "{# x #}", "d": "{ x }", "e": "plain"}
    runtimes = [stored(name=name, id=name * 32, description=text) for name, text in texts.items()]
    tagged = [line for line in file_of(*runtimes).text.splitlines() if "!unsafe" in line]
    assert tagged == [f"  description: !unsafe '{texts[name]}'" for name in "abc"]


def test_the_comments_of_a_file():
    """They name what cannot be restored, line by line in a fixed order, and stay as they are if nothing changes."""
    with_gap = stored(resource=None)
    file = file_of(stored(name="s", id="A" * 32), with_gap)
    gaps = unrestorable(file.content["runtimes"])
    comments = [line[4:] for line in file.text.splitlines() if line.startswith("#   ") and "ansible" not in line]
    assert comments == gaps
    assert file_of(with_gap, stored(name="s", id="A" * 32)) == file
    assert "partial" not in file.text
    assert "restore:" not in file.text


@pytest.mark.parametrize("profile", PROFILES)
def test_an_export_of_what_an_export_made(profile):
    """It is the same file on every kind of server, and applying it to the first one changes nothing."""
    # Servers fill in what was never set, and versions, and some add this package.
    common = {"execTimeout": 60, "packages": [MSTRIO]}
    odd = {"name": "- yes: &a *b !c", "unknown": {"to": "us"}, "resource": {"cpu": "0.20", "mem": 512}, **common}
    dirty = {field: value for field, value in DIRTY.items() if value is not None} | common
    switches = {**PROFILES[profile], "load_balancer_cookie": "none"}
    have, empty = Server(dirty, odd, **switches), Server(**switches)

    def export(server):
        return to_file([server.api.read(identity).to_result() for identity in server.runtimes], "a test").text

    definitions = as_options(parsed(export(have))["runtimes"])
    assert run(empty, *definitions)["msg"] == "2 created."
    assert export(empty) == export(have)
    assert run(have, *definitions)["msg"] == "2 unchanged."


class Unsafe(str):
    """A text from a module, as before ansible-core 2.19: `str` returns it unchanged."""

    def __str__(self):
        return self


def test_texts_are_plain():
    """YAML cannot represent a subclass of str."""
    [(key, [value])] = plain({Unsafe("name"): [Unsafe("Vendor demo")]}).items()
    assert (type(key), key, type(value), value) == (str, "name", str, "Vendor demo")
