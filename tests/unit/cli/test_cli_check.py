"""`locum check`: unit tests for policies, with exit codes for CI; what cannot be used is named with file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from locum.cli.commands.check import command
from support.decision_cases import ME, failing, lines, policy, raw_case, statement


def check(*arguments: Any) -> Result:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "may.jsonl"


def test_cases_that_pass_say_only_how_many(file: Path) -> None:
    file.write_text(lines(raw_case("a"), raw_case("b")))
    result = check(file)
    assert (result.exit_code, result.output) == (0, "2 passed, 0 failed\n")


def test_a_failed_case_is_told_with_its_place_and_why(file: Path) -> None:
    file.write_text(lines(raw_case(), failing()))
    result = check(file)
    assert result.exit_code == 1
    first, *rest = result.output.splitlines()
    assert first.startswith(f"{file}:2:")
    told = " ".join(result.output.split())  # a long path folds the line, wherever it is
    assert f"{file}:2: writes: expected ALLOW," in told
    assert any("because no identity-based policy allows the s3:GetObject action" in line for line in rest)
    assert rest[-1] == "1 passed, 1 failed"


def test_an_explanation_names_the_policy_by_its_place_in_the_case(file: Path) -> None:
    scps = [[policy(statement())], [policy(statement(action="sqs:*"))]]
    file.write_text(lines(raw_case(scps=scps)))
    told = " ".join(check(file).output.split())
    assert "no SCP at level 2 of 2, root to account, allows s3:GetObject: scps[1][0] must allow s3:GetObject on" in told


def test_json_is_one_object_a_case_and_nothing_else(file: Path) -> None:
    file.write_text(lines(raw_case(), failing()))
    result = check("--json", file)
    assert result.exit_code == 1
    passed, failed = (json.loads(line) for line in result.output.splitlines())
    assert passed == {"id": "reads", "expected": "ALLOW", "actual": "ALLOW", "passed": True, "reason": ""}
    assert set(failed) == set(passed)
    assert (failed["id"], failed["actual"], failed["passed"]) == ("writes", "IMPLICIT_DENY", False)
    assert "s3:PutObject" in failed["reason"] or "s3:GetObject" in failed["reason"]


def test_files_of_both_forms_are_counted_together(tmp_path: Path) -> None:
    one, other, third = tmp_path / "a.jsonl", tmp_path / "b.yaml", tmp_path / "c.yml"
    one.write_text(lines(raw_case("one")))
    other.write_text(json.dumps([raw_case("two"), failing("three")]))
    third.write_text(json.dumps([raw_case("four")]))
    result = check(one, other, third)
    assert result.exit_code == 1
    assert result.output.startswith(f"{other}:")
    assert result.output.endswith("3 passed, 1 failed\n")


@pytest.mark.parametrize("name", ["none.jsonl", "none.yaml"])
@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_has_no_cases(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert (check(file).exit_code, check(file).output) == (0, "0 passed, 0 failed\n")
    assert check("--json", file).output == ""


BAD_POLICY = raw_case("bad", identity_policies=[policy(statement(effect="allow"))])
UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": (raw_case(boundry=None), "case reads: unknown field boundry"),
    "unknown field of the request": (raw_case(request={"aktion": "x"}), "case reads: unknown field request.aktion"),
    "no principal": ({"id": "x"}, "case x: missing field principal_arn"),
    "no action": (raw_case(request={"resource": "*"}), "case reads: missing field request.action"),
    "no verdict": (raw_case(expected="DENY"), "expected DENY is none of ALLOW, EXPLICIT_DENY, IMPLICIT_DENY"),
    "not a principal": (raw_case(principal_arn="arn:aws:s3:::b"), "is none of a user, root, assumed-role"),
    "half a session": (raw_case(principal_arn=f"arn:aws:sts::{ME}:assumed-role"), "is no role session's"),
    "one policy for a list": (raw_case(identity_policies=policy()), "identity_policies is no list"),
    "policies for levels": (raw_case(scps=[policy(statement())]), "scps[0] is no list: scps are levels"),
    "a word for a flag": (raw_case(flags={"resource_in_management_account": "no"}), "neither true nor false"),
    "an unknown flag": (raw_case(flags={"flag": True}), "unknown flag flag"),
    "a nested context": (
        raw_case(request={"action": "a:b", "resource": "*", "resource_account": ME, "context": {"k": {}}}),
        "request.context k is neither a value nor a list of values",
    ),
    "a policy that is none": (BAD_POLICY, "case bad: identity_policies[0]: "),
}


@pytest.mark.parametrize(("raw", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_case_that_cannot_be_run_is_named_with_its_place_and_the_others_run(
    file: Path, raw: dict[str, Any], words: str
) -> None:
    file.write_text(lines(raw_case(), raw, failing()))
    result = check(file)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{file}:2: ")
    assert words in result.stderr
    assert result.stdout.endswith("1 passed, 1 failed, 1 unusable\n")


def test_a_malformed_policy_is_named_with_the_place_in_it(file: Path) -> None:
    file.write_text(lines(BAD_POLICY))
    assert "$.Statement[0].Effect" in check(file).stderr


def nested(opening: str, closing: str = "") -> bytes:
    return (opening * 100_000 + closing * 100_000).encode()


BOMB = "\n".join(["- a: &a0 x", *(f"  b{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]" for n in range(12))])
HOSTILE = {
    "not JSON": ("x.jsonl", b"{}\n{", "2: not JSON"),
    "a list over several lines": ("x.jsonl", b"[\n", "1: not JSON"),
    "not an object": ("x.jsonl", b"[]", "1: case 1 is not an object"),
    "not a number": ("x.jsonl", b'{"id": NaN}', "1: not JSON: NaN is no JSON"),
    "digits": ("x.jsonl", b'{"id": ' + b"9" * 9_999 + b"}", "1: "),
    "a field twice": ("x.jsonl", b'{"expected": "ALLOW", "expected": "ALLOW"}', "the field expected is given twice"),
    "deep JSON": ("x.jsonl", nested("[", "]"), "1: "),
    "bytes": ("x.jsonl", b"\n\xff\xfe", "2: not UTF-8 text"),
    "null bytes": ("x.yaml", b"- \x00", "1: not YAML"),
    "not YAML": ("x.yaml", b"- id: a\n  b: [\n", "not YAML"),
    "not a list": ("x.yaml", b"id: a", "1: a YAML file of cases is a list"),
    "code": ("x.yaml", b"- !!python/object/apply:os.getcwd []", "1: not YAML"),
    "not an integer": ("x.yaml", b"- !!int x", "1: not a case"),
    "not a date": ("x.yaml", b"- !!timestamp 2001-99-99", "1: not a case"),
    "bytes in a case": ("x.yaml", b"- id: !!binary eA==\n  boundary: !!binary eA==", "1: case "),
    "a list for a key": ("x.yaml", b"- {[a]: b}", "1: not YAML"),
    "a key twice": ("x.yaml", b"- id: a\n  id: b", "the field id is given twice"),
    "an alias in itself": ("x.yaml", b"- &a [*a]", "an alias stands for what it is part of"),
    "a billion aliases": ("x.yaml", BOMB.encode(), "a case of more than 200000 values"),
    "deep YAML": ("x.yaml", nested("[", "]"), "it nests too deep"),
}


@pytest.mark.parametrize(("name", "text", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_a_line(tmp_path: Path, name: str, text: bytes, words: str) -> None:
    file = tmp_path / name
    file.write_bytes(text)
    result = check(file)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{file}:")
    assert words in result.stderr
    assert all(len(line) < 500 for line in result.stderr.splitlines())


def test_a_separator_of_unicode_in_a_text_ends_no_line(file: Path) -> None:
    file.write_text(json.dumps(raw_case("a\u2028b"), ensure_ascii=False) + "\r\n")
    assert check(file).output == "1 passed, 0 failed\n"


def test_a_case_writes_nothing_on_the_terminal_but_text(file: Path) -> None:
    file.write_text(lines(failing("\x1b[2J\ud800\n"), raw_case("\x1b[2J", expected="\x1b")))
    result = check(file)
    assert "\x1b" not in result.output
    assert "\\x1b[2J\\ud800\\n: expected ALLOW" in " ".join(result.output.split())


def test_a_file_that_is_not_there_is_unusable(tmp_path: Path) -> None:
    assert check(tmp_path / "nothing.jsonl").exit_code == 2


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted({*raw_case(), "principal_type", "principal_unique_id", "session", "boundary", "session_policies"}
                | {"resource_policy", "scps", "rcps", "flags"})  # fmt: skip
MEMBERS = ["action", "resource", "resource_account", "context", "wildcard_only"]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3), st.dictionaries(st.sampled_from(MEMBERS), VALUES))
def test_whatever_stands_in_a_case_there_is_an_answer(
    file: Path, fields: dict[str, Any], members: dict[str, Any]
) -> None:
    raw = raw_case()
    raw["request"] |= members
    file.write_text(json.dumps(raw | fields))
    assert check(file).exit_code in (0, 1, 2)
    assert check("--json", file).exit_code in (0, 1, 2)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.binary(max_size=60) | st.text("-&*a:[]{}!<\n |>'\"#", max_size=60).map(str.encode))
def test_whatever_stands_in_a_file_there_is_an_answer(tmp_path: Path, text: bytes) -> None:
    for name in ("x.jsonl", "x.yaml"):
        (tmp_path / name).write_bytes(text)
        assert check(tmp_path / name).exit_code in (0, 1, 2)
