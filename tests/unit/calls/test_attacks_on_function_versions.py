"""Versions and aliases of a Lambda function: who may do everything with them alone does nothing to the function."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.functions import package
from support.inprocess import REGION, InProcess, refusal
from support.plane import ACCOUNT, trusting

NAME = "sealedfunction"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
PERMISSION = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}

By = Callable[[str], dict[str, str]]
QUALIFIED: dict[str, By] = {
    "in the name": lambda qualifier: {"FunctionName": f"{NAME}:{qualifier}"},
    "in the ARN": lambda qualifier: {"FunctionName": f"{ARN}:{qualifier}"},
    "in a part of the ARN": lambda qualifier: {"FunctionName": f"{ACCOUNT}:function:{NAME}:{qualifier}"},
    "beside the name": lambda qualifier: {"FunctionName": NAME, "Qualifier": qualifier},
    "beside the ARN": lambda qualifier: {"FunctionName": ARN, "Qualifier": qualifier},
    "in both": lambda qualifier: {"FunctionName": f"{NAME}:{qualifier}", "Qualifier": qualifier},
}


@pytest.fixture(scope="module")
def owner(plane: InProcess) -> Any:
    trust = trusting(Service="lambda.amazonaws.com")
    role = plane.client("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client = plane.client("lambda")
    code = {"ZipFile": package(main="")}
    client.create_function(FunctionName=NAME, Runtime="python3.12", Role=role, Handler="m.h", Code=code, Publish=True)
    client.create_alias(FunctionName=NAME, Name="live", FunctionVersion="1")
    client.add_permission(FunctionName=NAME, StatementId="own", **PERMISSION)
    client.put_function_event_invoke_config(FunctionName=NAME, MaximumRetryAttempts=2)
    return client


@pytest.fixture(scope="module", params=["denied the function", "allowed its versions"])
def attacker(request: pytest.FixtureRequest, plane: InProcess, owner: Any) -> Any:
    deny = {"Effect": "Deny", "Action": "*", "Resource": ARN}
    allow = {"Effect": "Allow", "Action": "*", "Resource": f"{ARN}:*"}
    statements = (EVERYTHING, deny) if request.param.startswith("denied") else (allow,)
    key = plane.user(f"at-{request.param.split()[0]}", *statements)
    return plane.client("lambda", key, parameter_validation=False)


def state_of(owner: Any) -> list[Any]:
    """What somebody else might have changed of the function."""
    policy = json.loads(owner.get_policy(FunctionName=NAME)["Policy"])
    urls = refusal(owner.get_function_url_config, FunctionName=NAME)[0]
    retries = owner.get_function_event_invoke_config(FunctionName=NAME)["MaximumRetryAttempts"]
    found = owner.get_function(FunctionName=NAME)
    return [policy, urls, retries, found["Configuration"]["Description"], found.get("Tags")]


@pytest.mark.parametrize("qualifier", ["1", "live", "$LATEST", "$latest", "$Latest"])
@pytest.mark.parametrize("by", QUALIFIED)
def test_a_function_is_not_changed_by_a_qualifier(owner: Any, attacker: Any, by: str, qualifier: str) -> None:
    before, named = state_of(owner), QUALIFIED[by](qualifier)
    name = {"FunctionName": named["FunctionName"]}
    refusal(attacker.remove_permission, StatementId="own", **named)
    with suppress(ClientError):  # a version or alias that is allowed has settings of its own
        attacker.put_function_event_invoke_config(MaximumRetryAttempts=0, **named)
        attacker.update_function_event_invoke_config(MaximumRetryAttempts=1, **named)
        assert state_of(owner) == before
        attacker.delete_function_event_invoke_config(**named)
    refusal(attacker.create_function_url_config, AuthType="NONE", **named)
    refusal(attacker.delete_function, **{**named, "Qualifier": "$LATEST"})
    if "Qualifier" not in named or ":" in named["FunctionName"].removeprefix(ARN):
        refusal(attacker.update_function_configuration, Description="broken", **name)
        refusal(attacker.delete_alias, Name="live", **name)
    refusal(attacker.tag_resource, Resource=f"{ARN}:{qualifier}", Tags={"broken": "yes"})
    assert state_of(owner) == before


@pytest.mark.parametrize("by", QUALIFIED)
def test_a_permission_on_a_version_is_none_on_the_function(owner: Any, attacker: Any, by: str) -> None:
    before, named = state_of(owner), QUALIFIED[by]("1")
    attacker.add_permission(StatementId="added", **PERMISSION, **named)
    told = json.loads(attacker.get_policy(**named)["Policy"])["Statement"]
    assert [(one["Sid"], one["Resource"]) for one in told] == [("added", f"{ARN}:1")]
    assert state_of(owner) == before
    attacker.remove_permission(StatementId="added", **named)
    assert refusal(attacker.get_policy, **named)[0] == "ResourceNotFoundException"
    assert state_of(owner) == before


def test_of_two_qualifiers_neither_is_taken(owner: Any, attacker: Any) -> None:
    two = {"FunctionName": f"{NAME}:1", "Qualifier": "live"}
    for call in (attacker.get_policy, attacker.get_function, attacker.delete_function):
        assert refusal(call, **two)[0] == "InvalidParameterValueException"
    assert refusal(attacker.add_permission, StatementId="two", **PERMISSION, **two)[1] == 400


def test_an_alias_deletes_no_version(owner: Any, attacker: Any) -> None:
    assert refusal(attacker.delete_function, FunctionName=NAME, Qualifier="live")[1] == 400
    owner.get_function(FunctionName=NAME, Qualifier="1")
