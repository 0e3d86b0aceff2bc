"""Examples that need no more than a user with a policy, as real calls of boto3: refused are those that pages deny."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from support.authority import HOME, REGION
from support.example_policies import ExampleCall, calls, examples
from support.inprocess import REGION as HERE
from support.inprocess import InProcess, Key

pytestmark = pytest.mark.xdist_group("example policies through the gateway")

ACCOUNT = "000000000000"
REFUSALS = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
}
PLAIN = {"id", "page", "identity", "allowed", "denied", "by"}


def _plain(example: Mapping[str, Any]) -> bool:
    """Whether all there is to an example are users of one account with one policy."""
    texts = json.dumps(example["identity"]) if set(example) <= PLAIN and "identity" in example else "aws:userid"
    kind, *name = str(example.get("by", "user/ann")).split("/")
    return "aws:userid" not in texts and kind == "user" and len(name) == 1


def _calls() -> Iterator[ExampleCall]:
    """The first call that is allowed and the first that is denied, of each example that is plain."""
    for example in examples():
        if _plain(example):
            plain = (call for call in calls(example) if set(call.circumstances) <= {"by"} and call.id.endswith("-1"))
            yield from (call for call in plain if str(call.circumstances.get("by", "user/")).startswith("user/"))


CALLS = list(_calls())


class Stage:
    """A plane, and its users by name."""

    def __init__(self, plane: InProcess) -> None:
        self.plane = plane
        self._keys: dict[str, Key] = {}

    def user(self, name: str, statements: list[dict[str, Any]]) -> Key:
        """The key of a user who may do what `statements` say, and nothing else."""
        if name not in self._keys:
            self._keys[name] = self.plane.user(name)
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.plane.client("iam").put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        return self._keys[name]

    def refused(self, call: ExampleCall) -> str:
        """The code with which the plane refuses to carry out the call for want of permissions; empty if it does not."""
        identity, params = _here([call.example["identity"], call.params])
        everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        who = str(call.circumstances.get("by", call.example.get("by", "user/ann"))).removeprefix("user/")
        key = self.user(who, everything if identity == "everything" else identity)
        service, operation = call.operation.split(":")
        client = self.plane.client(service, key, parameter_validation=False, inject_host_prefix=False)
        names = {model: name for name, model in client.meta.method_to_api_mapping.items()}
        try:
            getattr(client, names.get(operation, xform_name(operation)))(**params)
        except ClientError as error:
            code = str(error.response["Error"]["Code"])
            return code if code in REFUSALS else ""
        return ""


def _here(value: Any) -> Any:
    """The same in the account and the region of the plane."""
    return json.loads(json.dumps(value).replace(HOME, ACCOUNT).replace(REGION, HERE))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    plane = InProcess(tmp_path_factory.mktemp("examples"))
    yield Stage(plane)
    plane.close()


def _parameter(call: ExampleCall) -> object:
    marks = [pytest.mark.xfail(strict=True, reason=call.differs)] if call.differs else []
    return pytest.param(call, id=call.id, marks=marks)


@pytest.mark.parametrize("call", [_parameter(call) for call in CALLS])
def test_a_real_call_is_refused_where_the_page_says_so(stage: Stage, call: ExampleCall) -> None:
    assert bool(stage.refused(call)) is not call.allowed


def test_most_kinds_of_services_are_called() -> None:
    assert len(CALLS) >= 180
    assert len({call.operation.partition(":")[0] for call in CALLS}) >= 25
