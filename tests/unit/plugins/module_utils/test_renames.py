"""Previous names, and restores, which end with the names of the backup."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._model.src import Source
from unit.support.make import stored
from unit.support.many import A, B, C, actions, assigned, both, holding, message, names_by_id, restore, run
from unit.support.server import Server


def failed(result):
    return [row["action"] for row in result["runtimes"]] == ["failed"] * len(result["runtimes"])


def test_rename_by_a_previous_name():
    have = holding(old=A)
    entry = {"name": "new", "previous_names": ["older", "old"], "others": "x"}
    result = run(have, entry, purge=True)
    assert actions(result) == [("new", "updated")]
    assert [change["field"] for change in result["runtimes"][0]["changes"]] == ["name", "others"]
    assert (names_by_id(have), have.writes, have.warnings) == ({A: "new"}, [f"PATCH /runtimes/{A}"], [])


def test_both_names_exist():
    have = holding(old=A, new=B, x=C)
    result = run(have, {"name": "new", "previous_names": ["old"]}, purge=True)
    assert actions(result) == [("new", "none"), ("x", "deleted")]
    warnings = [warning.partition(",")[0] for warning in have.warnings]
    assert sorted(warnings) == ["Runtime 'new' exists", f"The purge spares 'old' ({A})"]


@pytest.mark.parametrize("replaces", [False, True])
@pytest.mark.parametrize("near", ["Reports", "reports  "])
def test_previous_name_that_is_only_alike(near, replaces):
    """The runtime that it likely means is not purged; without a purge, the task warns."""
    have = holding(**{near: A}).seed_scripts(load=A)
    entry = {"name": "New", "previous_names": ["reports"], "replace_on_change": replaces}
    why = "whose name differs only in case, whitespace or the form of a character from 'reports' in the list"
    assert why in run(have, entry, purge=True, check_mode=True)["msg"]
    with pytest.raises(MstrError, match=why):
        run(have, entry, purge=True)
    assert {text.partition(", b")[0] for text in have.warnings} == {
        "Runtime 'New' is new: neither it nor a previous name of it exists ('reports').",
        "Runtime 'reports' does not exist, so nothing is renamed",
    }
    assert actions(run(have, entry)) == [("New", "created")]


@pytest.mark.parametrize(
    ("held", "names", "how"),
    [
        ({A: "Etl 2", B: "Etl"}, {A: "Etl"}, {}),
        ({A: "Etl 2", B: "Etl"}, {A: "Etl"}, {"purge": True, "exclude": ["Etl"]}),
        # A runtime that keeps its name stands in the way of the next one; a purge that is cancelled moves nothing.
        ({A: "a", B: "b", C: "c"}, {B: "a", C: "b"}, {}),
        ({A: "a", B: "b", C: "c"}, {B: "a", C: "b"}, {"purge": True, "scripts": [assigned("nothing", "b")]}),
        ({A: "d", B: "c"}, {A: "c", C: "d"}, {}),
        ({A: "b", B: "a"}, {A: "a", B: "b"}, {}),
        ({A: "b", B: "c", C: "a"}, {A: "a", B: "b", C: "c"}, {"purge": True}),
    ],
)
def test_restore_that_cannot_have_its_names(held, names, how):
    """A guard spares the runtime that has one, or it is in no backup; check mode says so, too."""
    have = Server(*(stored(id=identity, name=name) for identity, name in held.items())).seed_scripts(load=A)
    entries = [{"id": identity, "name": name} for identity, name in names.items()]
    assert all(failed(result) for result in both(have, *entries, restore=True, **how))
    assert have.writes == []


def test_circle_of_names_and_how_to_open_it():
    have = holding(b=A, a=B)
    message = restore(have, {"id": A, "name": "a"}, {"id": B, "name": "b"})["msg"]
    assert f"the names are a circle: 'b' ({A}) is to be 'a', 'a' ({B}) is to be 'b'." in message
    assert f"Rename one of them to a name that nobody has, such as {{id: {A}, name: b 2}}" in message
    assert "elete" not in message
    run(have, {"id": A, "name": "b 2"})
    assert restore(have, {"id": A, "name": "a"}, {"id": B, "name": "b"})["summary"]["updated"] == 2
    assert names_by_id(have) == {A: "a", B: "b"}


@pytest.mark.parametrize("purge", [False, True])
def test_restore_takes_a_name_from_what_goes(purge):
    """What has the name is deleted first, with every guard and after its scripts were assigned."""
    have = holding(a=A, b=B, c=C).seed_scripts(load=A)
    absent = [] if purge else [{"id": A, "state": "absent"}, {"id": C, "state": "absent"}]
    entries, how = [{"id": B, "name": "a"}, *absent], {"purge": purge, "restore": True, "protect": True}
    assert f"runtime 'a' ({A}) is used by 1 script" in message(have, *entries, **how)
    for result in both(have, *entries, scripts=[assigned("load", "a")], **how):
        assert sorted(actions(result)) == [("a", "deleted"), ("a", "updated"), ("c", "deleted")]
    assert (names_by_id(have), have.scripts) == ({B: "a"}, {"load": B})
    assert have.writes[-1] == f"PATCH /runtimes/{B}"


def test_restore_deletes_no_other_runtime_of_the_name():
    have = holding(a=A)
    assert actions(restore(have, {"id": B, "name": "a", "state": "absent"})) == [("a", "none")]
    # Its id decides, also of one that is to be deleted, so that it is not the runtime that is gone.
    for _turn in range(2):
        restore(have, {"id": A, "name": "b", "state": "absent"}, {"id": B, "name": "a"})
    assert (have.names, A in have.runtimes) == (["a"], False)


def created(have, identity, time):
    """Let a runtime have been created at a time."""
    have.runtimes._by_id()[identity].created = time


BACKUP = Source(restore=True, server_time="2026-11-30T04:15:00Z")


@pytest.mark.parametrize(
    ("time", "backup", "is_deleted"),
    [
        ("2026-11-30T04:15:01.000+0000", BACKUP, True),
        ("2026-11-30T06:11:00.000+0200", BACKUP, True),
        ("2026-11-30T04:09:59.999+0000", BACKUP, False),
        ("yesterday", BACKUP, False),
        (None, BACKUP, False),
        ("2026-11-30T04:15:01.000+0000", BACKUP._replace(server_time="soon"), False),
        ("2026-11-30T04:15:01.000+0000", BACKUP._replace(server_time=None), False),
    ],
)
@pytest.mark.parametrize("purge", [False, True])
@pytest.mark.parametrize("check_mode", [False, True])
def test_an_edited_backup_deletes_nothing_older(time, backup, is_deleted, purge, check_mode):
    """Whoever adds other people's runtimes as absent, only what was created after the backup is deleted."""
    have = holding(Theirs=A, Kept=B)
    have.list_only("id", "name")
    created(have, A, time)
    entries = {"id": A, "name": "Theirs", "state": "absent"}, {"id": B, "name": "Kept"}
    result = restore(have, *entries, backup=backup, purge=purge, check_mode=check_mode)
    assert actions(result) == [("Theirs", "deleted" if is_deleted else "none"), ("Kept", "none")]
    assert (A in have.runtimes) is (check_mode or not is_deleted)
    start = (
        f"Runtime 'Theirs' ({A}) is left alone, although the backup of {backup.server_time or 'an unknown time'} lists "
    )
    warned = [text for text in have.warnings if text.startswith(start)]
    assert len(warned) == (not is_deleted)
    assert not any("not in the backup" in text for text in have.warnings)


@pytest.mark.parametrize("entries", [1, 2])
def test_an_edited_backup_of_absent_entries_alone(entries):
    have = holding(Theirs=A, Kept=B)
    for identity in (A, B):
        created(have, identity, "2026-11-30T04:09:59.999+0000")
    absent = [{"id": identity, "state": "absent"} for identity in (A, B)]
    result = restore(have, *absent[:entries], backup=BACKUP)
    assert {action for _name, action in actions(result)} == {"none"}
    assert have.names == ["Kept", "Theirs"]


def test_a_name_that_an_older_runtime_holds():
    """It is not deleted for its name either."""
    have = holding(Etl=A, other=B)
    created(have, A, "2020-01-01T00:00:00.000+0000")
    result = restore(have, {"id": A, "state": "absent"}, {"id": B, "name": "Etl"}, backup=BACKUP)
    assert actions(result) == [("Etl", "none"), ("Etl", "failed")]
    assert have.writes == []


def test_what_an_unfinished_run_may_have_created():
    """It is listed, with those of the user of the task as definitions that delete them."""
    have = holding(Old=A, Mine=B, Theirs=C, Kept="D" * 32)
    for identity, time in {A: "2026-11-29T00:00:00.000+0000", B: "2026-11-30T04:16:00.000+0000"}.items():
        created(have, identity, time)
    have.runtimes._by_id()[C].owner = {"id": "F" * 32, "name": "Somebody"}
    restore(have, {"id": "D" * 32, "name": "Kept"}, backup=BACKUP._replace(unfinished=True))
    [text] = [text for text in have.warnings if "did not end" in text]
    assert f"created: 'Mine' ({B}), created 2026-11-30T04:16:00.000+0000, owner 'Administrator', 'Theirs' ({C})" in text
    assert text.endswith(f"To delete those of the user of this task, apply: {{runtimes: [{{id: {B}, state: absent}}]}}")
    have.warnings.clear()
    restore(have, {"id": "D" * 32, "name": "Kept"}, backup=BACKUP)
    assert not any("did not end" in text for text in have.warnings)


def test_script_of_an_unfinished_replacement_that_stays():
    """The name is taken, so nothing is undone, and the script cannot leave; check mode says so, too."""
    have = holding(U=A, T=B, **{f"R (replaces {A})": C}).seed_scripts(close=C)
    entries, scripts = [{"id": A, "name": "T"}, {"id": "E" * 32, "name": "V"}], [assigned("close", "V")]
    predicted, done = both(have, *entries, restore=True, scripts=scripts)
    assert (predicted["summary"], predicted["plan_id"]) == (done["summary"], done["plan_id"])
    assert (done["summary"]["moved"], have.scripts) == (0, {"close": C})
