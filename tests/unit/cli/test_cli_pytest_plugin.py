"""The pytest plugin: `*.cases.yaml` and `*.cases.jsonl` are test modules, each case a test."""

from __future__ import annotations

import json
from importlib.metadata import entry_points

import pytest

from support.decision_cases import failing, lines, raw_case

pytest_plugins = ["pytester"]


def write(pytester: pytest.Pytester, name: str, text: str) -> None:
    (pytester.path / name).write_text(text)


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *arguments)


def test_pytest_finds_the_plugin_by_itself() -> None:
    (found,) = entry_points(group="pytest11", name="locum")
    assert found.value == "locum.cli.pytest_plugin"


def test_the_cases_of_both_kinds_of_file_are_tests_named_after_their_ids(pytester: pytest.Pytester) -> None:
    write(pytester, "app.cases.jsonl", lines(raw_case("app-reads")))
    write(pytester, "web.cases.yaml", json.dumps([raw_case("web-reads"), raw_case("web-writes")]))
    result = run(pytester, "-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*app.cases.jsonl::app-reads PASSED*", "*web.cases.yaml::web-writes PASSED*"])


def test_one_case_can_be_asked_for(pytester: pytest.Pytester) -> None:
    write(pytester, "app.cases.jsonl", lines(raw_case("one"), failing("other")))
    run(pytester, "app.cases.jsonl::one").assert_outcomes(passed=1)
    run(pytester, "-k", "other").assert_outcomes(failed=1, deselected=1)


def test_a_failure_is_the_explanation_and_no_traceback(pytester: pytest.Pytester) -> None:
    write(pytester, "app.cases.jsonl", lines(raw_case(), failing()))
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    told = result.stdout.str()
    assert "app.cases.jsonl:2: writes: expected ALLOW, got IMPLICIT_DENY" in told
    assert "because no identity-based policy allows the s3:GetObject action" in told
    assert "to change it: " in told
    assert "Traceback" not in told
    assert "pytest_plugin.py" not in told


def test_a_case_that_cannot_be_run_is_an_error_of_the_collection_that_names_it(pytester: pytest.Pytester) -> None:
    write(pytester, "app.cases.jsonl", lines(raw_case(), raw_case("odd", boundry=None), {"id": "half"}))
    result = run(pytester)
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    told = result.stdout.str()
    assert "app.cases.jsonl:2: case odd: unknown field boundry" in told
    assert "app.cases.jsonl:3: case half: missing field principal_arn" in told


def test_other_files_are_left_alone(pytester: pytest.Pytester) -> None:
    write(pytester, "data.jsonl", json.dumps({"no": "case"}))
    write(pytester, "data.yaml", "[")
    assert run(pytester).ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_run_without_cases_loads_nothing_of_the_engine(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\n"
        "def test_it(): assert not {'locum.policy', 'locum.core', 'locum.cli.home', 'botocore'} & {*sys.modules}"
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
