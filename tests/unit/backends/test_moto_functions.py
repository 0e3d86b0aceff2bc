"""Functions as moto keeps them, for the function host."""

from __future__ import annotations

from locum.backends.moto.functions import find
from support.functions import package
from support.inprocess import InProcess
from support.plane import ACCOUNT, REGION, trusting

ROLE = f"arn:aws:iam::{ACCOUNT}:role/found"


def test_a_function_is_found_with_configuration_and_code(plane: InProcess) -> None:
    trust = trusting(Service="lambda.amazonaws.com")
    plane.client("iam").create_role(RoleName="found", AssumeRolePolicyDocument=trust)
    code = package(main="")
    made = plane.client("lambda").create_function(
        FunctionName="found",
        Runtime="python3.12",
        Role=ROLE,
        Handler="main.handler",
        Timeout=7,
        MemorySize=256,
        Environment={"Variables": {"STAGE": "test"}},
        Code={"ZipFile": code},
    )
    found = find(ACCOUNT, REGION, "found", "")
    assert found is not None
    assert (found.arn, found.code_sha256) == (made["FunctionArn"], made["CodeSha256"])
    assert (found.runtime, found.handler, found.role) == ("python3.12", "main.handler", ROLE)
    assert (found.timeout, found.memory, found.environment) == (7, 256, {"STAGE": "test"})
    assert (found.version, found.code) == ("$LATEST", code)
    assert "STAGE" not in repr(found)


def test_what_is_not_there_is_not_made_by_looking_for_it() -> None:
    assert find(ACCOUNT, REGION, "missing", "") is None
    assert find(ACCOUNT, REGION, "missing", "live") is None
    assert find("999988887777", "eu-central-1", "missing", "$LATEST") is None
