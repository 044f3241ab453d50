"""The tool counts tests correctly: a test that did not run never passes, and no failure is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import paths, pytests, runner, stages
from dev.ansible_test import count_targets
from dev.envs import NEWEST
from dev.runner import Job, Report, Result, Selection, Stage


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TMPDIR", os.environ.get("TMPDIR", ""))  # open_run changes it
    paths.open_run()
    yield
    paths.close_run()


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "junit.xml"
    path.write_text(
        """<testsuites><testsuite>
        <testcase name="good"/><testcase name="bad"><failure message="assert 1\n== 2">...</failure></testcase>
        <testcase name="broken"><error/></testcase>
        <testcase name="left out"><skipped message="no such Python"/></testcase>
        </testsuite></testsuites>"""
    )
    return path


def test_junit_files_are_counted(results: Path, tmp_path: Path) -> None:
    assert Result.of_junit([results], 1, tmp_path) == Result(
        1, ("bad: assert 1 == 2", "broken: failed"), ("left out: no such Python",)
    )


@pytest.mark.parametrize(
    ("output", "failures"),
    [
        ("plugins/a.py:3:1: F401 unused\nFound 1 error.", ["plugins/a.py:3:1: F401 unused"]),
        ("dev/a.py:3: error: bad  [arg-type]\ndev/a.py:3: note: see", ["dev/a.py:3: error: bad [arg-type]"]),
        ("docs/a.rst:7: WARNING: no such label\nmake: failed", ["docs/a.rst:7: WARNING: no such label"]),
        ("role.yml is stale: run 'make generate'", ["role.yml is stale: run 'make generate'"]),
        ("Traceback\nKilled", ["exit status 2: Killed"]),
    ],
)
def test_a_failed_program_is_named(tmp_path: Path, output: str, failures: list[str]) -> None:
    """What it complains of, or else the last that it said."""
    log = tmp_path / "log"
    log.write_text(f"\n$ earlier\nb.py:1: not this\n\n$ program\n{output}\n")

    assert list(Result.of(2, log).failures) == failures
    assert Result.of_junit([], 2, log).failures == Result.of(2, log).failures


def test_a_stage_begins_with_its_last_time(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage("tool: timed", lambda job: Result(1))
    for _ in range(2):
        runner.run([stage], jobs=1)

    begins = [line for line in capsys.readouterr().out.splitlines() if "…" in line]
    assert begins[-1] == "tool: timed … (0 s last time)"


def test_the_slowest_tests_follow_a_good_run(tmp_path: Path) -> None:
    """Between a traceback and its name they would hide both."""
    (tmp_path / "test_two.py").write_text("def test_good(): pass\n\ndef test_bad(): assert 0\n")
    stage = pytests.stage("tool: slowest", str(tmp_path), workers=1, variables_of=pytests.no_variables)

    for keyword, shown in (("good", True), ("bad", False)):
        (report,) = runner.run([stage], jobs=1, selection=Selection(keyword))
        assert report.log is not None
        assert ("slowest tests:" in report.log.read_text()) is shown


def test_several_patterns_select_several_stages(capsys: pytest.CaptureFixture[str]) -> None:
    assert stages.test(["--list", "--only", "lint ruff", "--only", "lint form*"]) == 0
    assert capsys.readouterr().out.split("\n")[:-1] == ["lint format", "lint ruff"]


def test_integration_targets_are_counted(tmp_path: Path) -> None:
    ran = "Running one integration test role\nRunning two integration test script\n"
    output = (
        ran
        + "FATAL: The 1 integration test(s) listed below (out of 2) failed. See error output above for details:\ntwo"
    )

    log = tmp_path / "log"
    for text, status, result in (
        (ran, 0, Result(2)),
        (output, 1, Result(1, ("two",))),
        ("ERROR: no such Python", 1, Result(failures=("exit status 1: ERROR: no such Python",))),
    ):
        log.write_text(text)
        assert count_targets(log, status) == result


@pytest.mark.parametrize(
    ("results", "status", "closing"),
    [
        ([Result(2), Result(1)], 0, "tests: 3 passed, 0 failed"),
        ([Result(2), Result(1, ("one",))], 1, "tests: 3 passed, 1 failed"),
        ([Result(not_run=("no Python 3.9",))], 1, "tests: 0 passed, 0 failed"),
    ],
)
def test_the_total_and_the_exit_status_match_the_results(
    capsys: pytest.CaptureFixture[str], results: list[Result], status: int, closing: str
) -> None:
    reports = [Report(Stage("stage", lambda job: Result()), result, 1.0) for result in results]

    assert runner.summary(reports) == status
    assert capsys.readouterr().out.splitlines()[-1] == closing


def test_the_failures_of_all_stages_are_named_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    results = [Result(2, ("first: assert 1 == 2",), ("no Python 3.9",)), Result(1), Result(0, ("its program ended",))]

    runner.summary([Report(Stage(f"stage {n}", lambda job: Result()), result, 1.0) for n, result in enumerate(results)])

    assert capsys.readouterr().out.splitlines()[-5:] == [
        "Failed:",
        "  stage 0: first: assert 1 == 2",
        "  stage 2: its program ended",
        "",
        "tests: 3 passed, 2 failed",
    ]


def test_a_stage_that_raises_an_exception_fails_and_the_others_run() -> None:
    def breaks(job: Job) -> Result:
        raise ValueError("here")

    broken, good = runner.run([Stage("tool: breaks", breaks), Stage("tool: good", lambda job: Result(1))], jobs=2)

    assert (broken.result, good.result) == (Result(failures=("ValueError: here",)), Result(1))
    assert broken.log is not None
    assert "ValueError: here" in broken.log.read_text()


def test_a_pattern_that_matches_no_stage_is_an_error() -> None:
    assert stages.test(["--only", "none such"]) == 1


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (("--only", "faults", "-k", "proxy"), {"faults"}),
        (("--only", "integration", "--core", "2.16", "--target", "mstr_runtime"), {"integration 2.16"}),
    ],
)
def test_selecting_tests_skips_stages_that_cannot_select(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], chosen: set[str]
) -> None:
    assert stages.test([*words, "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert all(any(line.startswith(name) for line in listed) for name in chosen)

    assert stages.test(["--list", *words[-2:]]) == 0
    assert "lint format" not in capsys.readouterr().out


def test_without_options_only_the_newest_core_is_tested(capsys: pytest.CaptureFixture[str]) -> None:
    assert stages.test(["--list"]) == 0
    quick = capsys.readouterr().out.splitlines()
    assert stages.test(["--list", "--all"]) == 0
    every = capsys.readouterr().out.splitlines()

    assert set(quick) < set(every)
    assert [name for name in quick if name.startswith(("integration", "units", "sanity"))] == [
        name for name in every if name.startswith(f"integration {NEWEST}") and name.endswith("in process")
    ]


def test_a_test_of_the_complete_run_is_left_out_of_a_quick_one(tmp_path: Path) -> None:
    (tmp_path / "test_two.py").write_text(
        "import pytest\n\ndef test_one(): pass\n\n@pytest.mark.complete\ndef test_other(): pass\n"
    )
    stage = pytests.stage("tool: complete", str(tmp_path), workers=1, variables_of=pytests.no_variables)

    (quick,) = runner.run([stage], jobs=1, selection=Selection(complete=False))
    (whole,) = runner.run([stage], jobs=1)

    assert (quick.result, whole.result) == (Result(1), Result(2))


def test_a_profile_file_selects_only_integration_stages(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "probe.json"
    file.write_text("{}")

    assert stages.test(["--list", "--profile-file", str(file)]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed
    assert all(line.startswith("integration ") for line in listed)
    assert stages.test(["--list", "--profile-file", str(tmp_path / "none")]) == 1


def test_a_keyword_runs_only_matching_tests(tmp_path: Path) -> None:
    (tmp_path / "test_two.py").write_text("def test_one(): pass\n\ndef test_other(): pass\n")
    stage = pytests.stage("tool: keyword", str(tmp_path), workers=1, variables_of=pytests.no_variables)

    (some,) = runner.run([stage], jobs=1, selection=Selection(keyword="one"))
    (none,) = runner.run([stage], jobs=1, selection=Selection(keyword="neither"))

    assert some.result == Result(1)
    assert none.result == Result(not_run=("no test matches -k 'neither'",))
