"""The tool counts tests correctly: a test that did not run never passes, and no failure is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import paths, pytests, runner, stages
from dev.ansible_test import count_targets
from dev.envs import NEWEST
from dev.runner import Job, Result, Stage, options


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TMPDIR", os.environ.get("TMPDIR", ""))  # open_run changes it
    paths.open_run()
    yield
    paths.close_run()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_junit_files_are_counted(tmp_path: Path) -> None:
    results = tmp_path / "junit.xml"
    results.write_text(
        """<testsuites><testsuite>
        <testcase name="good"/><testcase name="bad"><failure message="assert 1\n== 2">...</failure></testcase>
        <testcase name="broken"><error/></testcase>
        <testcase name="left out"><skipped message="no such Python"/></testcase>
        </testsuite></testsuites>"""
    )
    assert Result.of_junit([results], 1, tmp_path) == Result(
        1, ("bad: assert 1 == 2", "broken: failed"), ("left out: no such Python",)
    )


@pytest.mark.parametrize(
    ("output", "failure"),
    [
        ("plugins/a.py:3:1: F401 unused\nFound 1 error.", "plugins/a.py:3:1: F401 unused"),
        ("dev/a.py:3: error: bad  [arg-type]\ndev/a.py:3: note: see", "dev/a.py:3: error: bad [arg-type]"),
        ("docs/a.rst:7: WARNING: no such label\nmake: failed", "docs/a.rst:7: WARNING: no such label"),
        ("role.yml is stale: run 'make generate'", "role.yml is stale: run 'make generate'"),
        ("Traceback\nKilled", "exit status 2: Killed"),
    ],
)
def test_a_failed_program_is_named(log: Path, output: str, failure: str) -> None:
    """What it complains of, or else the last that it said."""
    log.write_text(f"\n$ earlier\nb.py:1: not this\n\n$ program\n{output}\n")

    assert Result.of(2, log).failures == Result.of_junit([], 2, log).failures == (failure,)


def test_a_stage_begins_with_its_last_time(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage("tool: timed", lambda job: Result(1))
    for _ in range(2):
        runner.run([stage], options(["--all"]))

    assert "tool: timed … (0 s last time)\n" in capsys.readouterr().out


RAN = "Running one integration test role\nRunning two integration test script\n"
FATAL = "FATAL: The 1 integration test(s) listed below (out of 2) failed. See error output above for details:\ntwo"


@pytest.mark.parametrize(
    ("text", "status", "result"),
    [
        (RAN, 0, Result(2)),
        (RAN + FATAL, 1, Result(1, ("two",))),
        ("ERROR: no such Python", 1, Result(failures=("exit status 1: ERROR: no such Python",))),
    ],
)
def test_integration_targets_are_counted(log: Path, text: str, status: int, result: Result) -> None:
    log.write_text(text)
    assert count_targets(log, status) == result


@pytest.mark.parametrize(
    ("results", "status", "closing"),
    [
        ([Result(2), Result(1)], 0, "\ntests: 3 passed, 0 failed"),
        (
            [Result(2, ("first: assert 1 == 2",), ("no Python 3.9",)), Result(1), Result(0, ("its program ended",))],
            1,
            "Did not run:\n  stage 0: no Python 3.9\nFailed:\n  stage 0: first: assert 1 == 2\n"
            "  stage 2: its program ended\n\ntests: 3 passed, 2 failed",
        ),
        ([Result(not_run=("no Python 3.9",))], 1, "\ntests: 0 passed, 0 failed"),
    ],
)
def test_the_summary_matches_the_results(
    capsys: pytest.CaptureFixture[str], results: list[Result], status: int, closing: str
) -> None:
    """It names the failures of all stages at its end."""
    stages_ = {Stage(f"stage {n}", lambda job: Result()): result for n, result in enumerate(results)}

    assert runner.summary(stages_) == status
    assert capsys.readouterr().out.endswith(f"{closing}\n")


def test_a_stage_that_raises_an_exception(capsys: pytest.CaptureFixture[str]) -> None:
    def breaks(job: Job) -> Result:
        raise ValueError("here")

    both = [Stage("tool: breaks", breaks), Stage("tool: good", lambda job: Result(1))]

    assert [*runner.run(both, options([])).values()] == [Result(failures=("ValueError: here",)), Result(1)]
    assert "    | ValueError: here" in capsys.readouterr().out


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The names of the stages that these words select."""
    assert stages.test(["--list", *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_selection_of_stages(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys, "--only", "lint ruff", "--only", "lint form*") == ["lint format", "lint ruff"]
    assert listed(capsys, "--only", "prob", "--only", "lint", "-k", "proxy") == ["probe"]
    for name in listed(capsys, "--core", "2.16", "--target", "mstr_runtime"):
        assert name.startswith("integration 2.16")


def test_no_stage_is_an_error(tmp_path: Path) -> None:
    assert stages.test(["--only", "none such"]) == 1
    assert stages.test(["--list", "--profile-file", str(tmp_path / "none")]) == 1


def test_without_options_only_the_newest_core(capsys: pytest.CaptureFixture[str]) -> None:
    quick, every = listed(capsys), listed(capsys, "--all")

    assert set(quick) < set(every)
    assert [name for name in quick if name.startswith(("integration", "units", "sanity"))] == [
        name for name in every if name.startswith(f"integration {NEWEST}") and name.endswith("in process")
    ]


@pytest.mark.parametrize(
    ("words", "result"),
    [
        (["--all"], Result(2)),
        ([], Result(1)),
        (["-k", "one"], Result(1)),
        (["-k", "neither"], Result(not_run=("no test matches -k 'neither'",))),
    ],
)
def test_a_selection_of_tests(tmp_path: Path, words: list[str], result: Result) -> None:
    """A quick run leaves out a test of the complete run."""
    tests = "import pytest\n\ndef test_one(): pass\n\n@pytest.mark.complete\ndef test_other(): pass\n"
    (tmp_path / "test_two.py").write_text(tests)
    stage = pytests.stage("tool: two", str(tmp_path), workers=1, special=None)

    assert runner.run([stage], options(words)) == {stage: result}


def test_a_profile_file_selects_integration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "probe.json"
    file.write_text("{}")

    assert {name.split()[0] for name in listed(capsys, "--profile-file", str(file))} == {"integration"}
