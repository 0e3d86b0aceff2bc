from __future__ import annotations

import json

import pytest

from locum.state import AWS_MANAGED_ACCOUNT, managed

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def test_a_policy_of_aws_has_its_document_and_default_version() -> None:
    policy = managed.get("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    assert policy is not None
    assert (policy.account, policy.path, policy.name) == (
        AWS_MANAGED_ACCOUNT,
        "/service-role/",
        "AWSLambdaBasicExecutionRole",
    )
    assert policy.versions[0].number == policy.default
    assert json.loads(policy.document)["Statement"][0]["Effect"] == "Allow"


def test_the_same_policy_is_the_same_value() -> None:
    assert managed.get(ADMIN) is managed.get(ADMIN)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/Nope",
        "arn:aws:iam::aws:policy/administratoraccess",
        "arn:aws:iam::aws:policy/service-role/AdministratorAccess",
        "arn:aws:iam::111122223333:policy/AdministratorAccess",
        "AdministratorAccess",
        "",
    ],
)
def test_an_arn_that_aws_does_not_have(arn: str) -> None:
    assert managed.get(arn) is None
    assert managed.summary(arn) is None


def test_every_document_is_there_and_whole() -> None:
    summaries = list(managed.every())
    assert len({s.arn for s in summaries}) == len({s.id for s in summaries}) == len(summaries) > 1500
    assert [s.name for s in summaries] == sorted(s.name for s in summaries)
    for summary in (summaries[0], summaries[len(summaries) // 2], summaries[-1]):
        policy = managed.get(summary.arn)
        assert policy is not None
        assert policy.id == summary.id
        assert json.loads(policy.document)["Version"]
