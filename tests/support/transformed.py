"""Templates as their transforms leave them, and proposals of such."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.services.cloudformation.intrinsics import Pseudo
from locum.services.cloudformation.parameters import ParameterValue
from locum.services.cloudformation.proposals import Proposal, proposed, template_before
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.transforms import expanded
from support.one_account import Plane

PSEUDO: Final = Pseudo("111122223333", "eu-west-1", "app", "arn:aws:cloudformation:eu-west-1:111122223333:stack/app/1")
EXPAND: Final = ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"]
SAM: Final = "Transform: AWS::Serverless-2016-10-31\n"
Objects = Mapping[str, str | Fault]
FUNCTION: Final = """
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.12
      CodeUri: s3://code/f.zip
"""
ROLE_AND_FUNCTION: Final = ["IAM::Role", "Lambda::Function"]


def function(more: str) -> str:
    lines = "".join(f"      {line}\n" for line in more.strip("\n").splitlines())
    return f"{SAM}Resources:{FUNCTION}{lines}"


def resources(text: str) -> str:
    return f"{SAM}Resources:\n{text}"


def processed(text: str, objects: Objects | None = None, **given: str | list[str]) -> dict[str, Any]:
    """The template of `text` after its transforms; `objects` are the contents at S3 by bucket and key."""
    values = {name: ParameterValue(str(value), value, False) for name, value in given.items()}
    steps = expanded(Plane("cloudformation", {}).context(), template_before(text), values, PSEUDO)
    try:
        ask = next(steps)
        while True:
            found = answer(ask, objects or {})
            ask = steps.throw(found) if isinstance(found, Fault) else steps.send(found)
    except StopIteration as done:
        result: dict[str, Any] = json.loads(done.value)
        return result


def answer(ask: Ask, objects: Objects) -> Mapping[str, Any] | Fault:
    call = ask.call
    assert (call.service, call.operation, call.region) == ("s3", "GetObject", "us-east-1")
    found = objects[f"{call.params['Bucket']}/{call.params['Key']}"]
    return found if isinstance(found, Fault) else {"Body": found.encode()}


def refused(text: str, objects: Objects | None = None, **given: str | list[str]) -> str:
    with pytest.raises(Fault) as raised:
        processed(text, objects, **given)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    return raised.value.message


def types(template: Mapping[str, Any]) -> list[str]:
    return sorted(resource["Type"].removeprefix("AWS::") for resource in template["Resources"].values())


def proposal(text: str, objects: Objects | None = None, **params: Any) -> Proposal:
    context = Plane("cloudformation", {}).context()
    steps = proposed(context, {"TemplateBody": text, **params}, PSEUDO, None, Seals(context.keyring, context.entropy))
    try:
        ask = next(steps)
        while True:
            found = answer(ask, objects or {})
            assert not isinstance(found, Fault)
            ask = steps.send(found)
    except StopIteration as done:
        result: Proposal = done.value
        return result
