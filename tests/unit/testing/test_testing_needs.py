"""The permissions that a run needed, held against the policies in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from locum.testing.needs import Known, Needs

ALLOWS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}


def known(folder: Path, *statements: dict[str, Any], role: str = "app") -> Known:
    file = folder / "policies.json"
    file.write_text(json.dumps({"roles": {role: [{"Version": "2012-10-17", "Statement": list(statements)}]}}))
    return Known.read(file)


def needs(*rows: list[Any], role: str = "app") -> Needs:
    found = Needs()
    found.merge({"incomplete": [], "roles": {role: list(rows)}})
    return found


def read(key: str) -> list[Any]:
    return ["s3:GetObject", f"arn:aws:s3:::{key}", "object", []]


def test_what_is_written_allows_itself(tmp_path: Path) -> None:
    found = needs(
        read("data/a"), read("data/b"), ["sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q", "queue", []]
    )
    file = tmp_path / "needed.json"
    file.write_text(found.text())
    assert list(found.beyond(Known.read(file))) == []
    assert "123456789012" not in found.text()


def test_what_is_wider_in_the_file_is_enough(tmp_path: Path) -> None:
    assert list(needs(read("data/a")).beyond(known(tmp_path, {**ALLOWS, "Action": ["s3:Get*"]}))) == []


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        (ALLOWS, read("other/a")),
        (ALLOWS, ["s3:PutObject", "arn:aws:s3:::data/a", "object", []]),
        ({**ALLOWS, "Resource": "arn:aws:s3:::data/?"}, read("data/*")),
        ({**ALLOWS, "Resource": "arn:aws:s3:::data/a.b"}, read("data/axb")),
        ({**ALLOWS, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, read("data/a")),
    ],
)
def test_what_grows_is_told(tmp_path: Path, statement: dict[str, Any], row: list[Any]) -> None:
    (told,) = needs(row).beyond(known(tmp_path, statement))
    assert told.startswith(f"role app: {row[0]} on ")


def test_the_policies_of_another_role_allow_nothing(tmp_path: Path) -> None:
    assert list(needs(read("data/a")).beyond(known(tmp_path, ALLOWS, role="other")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not what --locum-policy-out writes"),
        ("[]", "not what --locum-policy-out writes"),
        ('{"roles": {"app": {"Statement": []}}}', "policies.json: "),
        ('{"roles": {"app": [{"Statement": [{"Effect": "Allow"}]}]}}', "policies.json: "),
        (json.dumps({"roles": {"app": [{"Statement": {**ALLOWS, "Effect": "Deny"}}]}}), "Effect Allow"),
        (json.dumps({"roles": {"app": [{"Statement": {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}}]}}),
         "Effect Allow"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "policies.json").write_text(text)
    with pytest.raises(ValueError, match=told):
        Known.read(tmp_path / "policies.json")


def test_what_two_workers_told_is_one_policy() -> None:
    found = needs(read("data/a"))
    found.merge(needs(read("data/a"), read("data/b")).told())
    assert found.documents() == needs(read("data/a"), read("data/b")).documents()
