"""Files that are to be imported: every form that the command's output comes in, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.cli.accounts import details
from locum.cli.accounts.documents import decoded, renamed, same, without_principals
from locum.cli.accounts.model import Account
from locum.core.errors import ConfigurationError
from support.plane import ACCOUNT
from support.real_account import REAL, RealAccount, Row, arn, encoded, trust

EC2 = trust({"Service": "ec2.amazonaws.com"})


def read(*texts: str) -> Account:
    return details.account([page for text in texts for page in details.pages("file", text)])


def role(**more: Any) -> Row:
    return {"Path": "/", "RoleName": "r", "Arn": arn("role", "r"), "AssumeRolePolicyDocument": EC2, **more}


def test_pages_make_one_account_however_they_are_joined() -> None:
    whole = RealAccount(20).details()
    first = {"UserDetailList": whole["UserDetailList"], "IsTruncated": True, "Marker": "m"}
    rest = {**whole, "UserDetailList": [], "IsTruncated": False}
    expected = read(json.dumps(whole))
    assert read(json.dumps([first, rest])) == expected
    assert read(f"{json.dumps(first, indent=2)}\n{json.dumps(rest)}\n\n") == expected
    assert read(json.dumps(first), json.dumps(rest)) == expected
    assert read(json.dumps(whole), json.dumps(whole)) == expected  # the same again


def test_a_list_that_goes_on_elsewhere_is_known() -> None:
    assert details.pages("file", json.dumps({"Policies": [], "IsTruncated": True}))[-1].goes_on
    assert details.pages("file", json.dumps({"Policies": [], "NextToken": "x"}))[-1].goes_on
    assert not details.pages("file", json.dumps({"Policies": [], "IsTruncated": False}))[-1].goes_on


@pytest.mark.parametrize("written", [EC2, json.dumps(EC2), encoded(EC2), f"\n {json.dumps(EC2)}"])
def test_a_document_is_read_as_the_api_and_as_the_command_line_writes_it(written: Any) -> None:
    assert decoded(written) == EC2


ROLES = "RoleDetailList"
UNUSABLE = {
    "": "file is empty",
    "nothing": "file:1:1: no JSON: Expecting value",
    '{"RoleDetailList": [],}': "file:1:",
    "[1, 2]": r"file \(page 1\) is not a JSON object",
    "{}": "is no output of `aws iam get-account-authorization-details`",
    '{"Roles": []}': "has none of UserDetailList",
    '{"RoleDetailList": NaN}': "NaN is no number",
    '{"RoleDetailList": {}}': "RoleDetailList is not a list",
    '{"RoleDetailList": [3]}': r"RoleDetailList\[0\] is not an object",
    '{"RoleDetailList": [{}]}': r"RoleDetailList\[0\].Arn is missing",
    json.dumps({"GroupDetailList": [{"Arn": "x"}]}): r"GroupDetailList\[0\].Arn is no ARN of IAM in an account",
    "[" * 100_000: "nested deeper",
    '{"Policies": ' + "[" * 200 + "]" * 200 + "}": "nested deeper than 100 levels",
    '{"Policies": [], "x": "\\ud800"}': "half a character",
    '{"Policies": [], "x": ' + "9" * 5000 + "}": "no JSON",
    json.dumps({ROLES: [role(Arn=5)]}): r"file: RoleDetailList.0..Arn is not a text",
    json.dumps({ROLES: [role(RoleName=None)]}): r"RoleName is missing",
    json.dumps({ROLES: [role(AssumeRolePolicyDocument=[])]}): "AssumeRolePolicyDocument is no policy document",
    json.dumps({ROLES: [role(AssumeRolePolicyDocument="%FF")]}): "AssumeRolePolicyDocument is no policy document",
    json.dumps({ROLES: [role(AssumeRolePolicyDocument="[" * 9999)]}): "AssumeRolePolicyDocument is no policy document",
    json.dumps({ROLES: [role(Tags={"a": "b"})]}): "Tags is not a list",
    json.dumps({ROLES: [role(Tags=[{"Value": "b"}])]}): r"Tags\[0\].Key is missing",
    json.dumps({ROLES: [role(MaxSessionDuration="1")]}): "MaxSessionDuration is not a number",
    json.dumps({ROLES: [role(MaxSessionDuration=True)]}): "MaxSessionDuration is not a number",
    json.dumps({ROLES: [role(), role(Path="/x/")]}): r"RoleDetailList\[1\] tells of r otherwise than an earlier place",
    json.dumps({ROLES: [role(), role(RoleName="s", Arn="arn:aws:iam::999999999999:role/s")]}): "of several accounts",
    json.dumps({"UserDetailList": [{"UserName": "u", "Arn": arn("user", "u"), "GroupList": [1]}]}): "list of texts",
    json.dumps({"Policies": [{"PolicyName": "p", "Arn": arn("policy", "p"), "DefaultVersionId": "v1"}]}): "v1",
}


@pytest.mark.parametrize("text", UNUSABLE)
def test_attack_what_is_no_account_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ConfigurationError, match=UNUSABLE[text]):
        read(text)


def test_the_account_is_renamed_in_arns_and_where_it_stands_alone_and_nowhere_else() -> None:
    before = {
        "Resource": [f"arn:aws:sqs:eu-west-1:{REAL}:jobs", f"arn:aws:s3:::logs-{REAL}", "arn:aws:iam::*:role/x"],
        "Principal": {"AWS": [REAL, int(REAL), f"arn:aws:iam::{REAL}:root", "arn:aws:iam::999999999999:root"]},
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws-us-gov:sns:*:{REAL}:*"}},
    }
    assert renamed(before, {REAL: ACCOUNT}) == {
        "Resource": [f"arn:aws:sqs:eu-west-1:{ACCOUNT}:jobs", f"arn:aws:s3:::logs-{REAL}", "arn:aws:iam::*:role/x"],
        "Principal": {"AWS": [ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "arn:aws:iam::999999999999:root"]},
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{ACCOUNT}:*"}},
    }


def test_documents_say_the_same_whatever_the_order_of_their_lists() -> None:
    one = {"Statement": [{"Action": ["b", "a"], "Resource": ["*"]}]}
    assert same(one, {"Statement": {"Action": ["a", "b"], "Resource": "*"}})
    assert not same(one, {"Statement": {"Action": ["a"], "Resource": "*"}})
    assert not same(one, {"Statement": {"NotAction": ["a", "b"], "Resource": "*"}})


def test_attack_nobody_gets_in_for_whom_a_trust_policy_was_narrowed() -> None:
    """A principal that does not exist is left out: the policy without it lets in no others."""
    left = without_principals(trust({"AWS": ["a", "b"], "Service": "s"}), {"a", "s"})
    assert left["Statement"] == [{"Effect": "Allow", "Principal": {"AWS": ["b"]}, "Action": "sts:AssumeRole"}]
    assert without_principals(trust({"AWS": "a"}), {"a"})["Statement"][0]["Effect"] == "Deny"
    assert without_principals(trust("*"), {"a"}) == trust("*")
    denied = {"Statement": [{"Effect": "Deny", "NotPrincipal": {"AWS": "a"}, "Action": "*"}]}
    assert without_principals(denied, {"a"})["Statement"] == [{"Effect": "Deny", "Principal": "*", "Action": "*"}]
