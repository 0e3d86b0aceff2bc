"""A resource that a call names otherwise than its ARN does is the one that policies speak of."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import REGION, InProcess, Key

ACCOUNT = "000000000000"


class Group:
    """A security group in the default VPC."""

    def __init__(self, plane: InProcess, name: str) -> None:
        self.id = plane.client("ec2").create_security_group(GroupName=name, Description="d")["GroupId"]
        self.arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{self.id}"


def code(plane: InProcess, key: Key, operation: str, **params: Any) -> str:
    try:
        getattr(plane.client("ec2", key), operation)(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def everything_but(plane: InProcess, name: str, arn: str) -> Key:
    deny = {"Effect": "Deny", "Action": "ec2:*", "Resource": arn}
    return plane.user(name, {"Effect": "Allow", "Action": "*", "Resource": "*"}, deny)


def only(plane: InProcess, name: str, arn: str) -> Key:
    return plane.user(name, {"Effect": "Allow", "Action": "ec2:*", "Resource": arn})


def test_a_deny_on_a_security_group_holds_by_its_name(plane: InProcess) -> None:
    group, other = Group(plane, "denied"), Group(plane, "free")
    key = everything_but(plane, "by-name", group.arn)
    assert code(plane, key, "delete_security_group", GroupName="denied") == "UnauthorizedOperation"
    assert code(plane, key, "delete_security_group", GroupId=other.id) == ""


def test_an_allow_on_a_security_group_holds_by_its_name(plane: InProcess) -> None:
    group = Group(plane, "allowed")
    Group(plane, "not-allowed")
    key = only(plane, "only-by-name", group.arn)
    assert code(plane, key, "delete_security_group", GroupName="not-allowed") == "UnauthorizedOperation"
    assert code(plane, key, "delete_security_group", GroupName="allowed") == ""


def test_two_names_at_once_are_both_decided_on(plane: InProcess) -> None:
    mine, denied = Group(plane, "mine"), Group(plane, "theirs")
    for key in (everything_but(plane, "two-names", denied.arn), only(plane, "only-one", mine.arn)):
        for names in ({"GroupId": mine.id, "GroupName": "theirs"}, {"GroupId": denied.id, "GroupName": "mine"}):
            assert code(plane, key, "delete_security_group", **names) == "UnauthorizedOperation"


@pytest.mark.parametrize("name", ["absent", "*", "sg-*", " "])
def test_a_name_that_is_not_found_stands_for_any_group(plane: InProcess, name: str) -> None:
    group = Group(plane, f"kept {name}")
    key = only(plane, f"hunter-{len(name)}{ord(name[0])}", group.arn)
    assert code(plane, key, "delete_security_group", GroupName=name) == "UnauthorizedOperation"


def test_the_record_has_the_resource_that_was_found(plane: InProcess) -> None:
    group = Group(plane, "recorded")
    plane.client("ec2").delete_security_group(GroupName="recorded")
    record = next(record for record in plane.records(5) if record.operation == "DeleteSecurityGroup")
    assert [resource.arn for resource in record.resources] == [group.arn]
