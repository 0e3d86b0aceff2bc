"""Questions of commands, as they come over the control socket: records, policies, the clock, codes for agents."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from locum.agents.questions import PlaneQuestions
from locum.compute.control import Asked
from locum.core.errors import LocumError
from support.inprocess import InProcess, Key


class Asking:
    """The questions of a plane, asked without a socket."""

    def __init__(self, plane: InProcess) -> None:
        self.plane = plane
        self.asked: list[tuple[str, str, int]] = []
        self.plain = PlaneQuestions(plane.node.runtime, lambda: "-----BEGIN CERTIFICATE-----", None)
        self.with_agents = PlaneQuestions(plane.node.runtime, str, self._code)

    async def _code(self, account: str, instance: str, seconds: int) -> str:
        self.asked.append((account, instance, seconds))
        return "the-code"

    def answer(self, questions: PlaneQuestions, **message: Any) -> dict[str, Any]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            kind = next(kind for kind in questions.questions if kind in message)
            return dict(self.plane.run(self._answer(questions, kind, Asked(message, [], ours))))

    async def _answer(self, questions: PlaneQuestions, kind: str, asked: Asked) -> dict[str, Any]:
        return await questions.questions[kind](asked)


@pytest.fixture
def asking(plane: InProcess) -> Iterator[Asking]:
    asking = Asking(plane)
    yield asking
    plane.run(asking.plain.close())


def test_records_are_told_by_request_and_the_latest_denials_by_number(asking: Asking) -> None:
    plane = asking.plane
    caller = plane.client("iam", plane.user("asked-ann"))
    for _ in range(3):
        with pytest.raises(ClientError):
            caller.list_users()
    request = plane.client("iam").list_users()["ResponseMetadata"]["RequestId"]
    (found,) = asking.answer(asking.plain, records=request, denied=True)["records"]
    assert (found["operation"], found["verdict"]) == ("ListUsers", "allow")
    denied = asking.answer(asking.plain, records="", count=2, denied=True)["records"]
    assert [record["verdict"] for record in denied] == ["implicit-deny"] * 2
    assert asking.answer(asking.plain, records="no-such-request")["records"] == []


def test_a_launcher_is_told_the_authority(asking: Asking) -> None:
    assert asking.answer(asking.plain, authority=True) == {"authority": "-----BEGIN CERTIFICATE-----"}


def test_a_code_is_made_where_agents_are_served(asking: Asking) -> None:
    message = {"activate": "i-1", "account": "111122223333", "seconds": 60}
    assert asking.answer(asking.with_agents, **message) == {"code": "the-code"}
    assert asking.asked == [("111122223333", "i-1", 60)]
    with pytest.raises(LocumError, match="locum up --agents"):
        asking.answer(asking.plain, **message)


def test_the_time_is_told(asking: Asking) -> None:
    assert asking.answer(asking.plain, chaos={"type": "clock"})["ahead"] == 0


@pytest.mark.parametrize(
    "message",
    [
        {"records": "", "count": "many"},
        {"records": None},
        {"records": "", "where": "i-1"},
        {"policies": []},
        {"chaos": {"type": "else"}},
        {"activate": "i-1"},
    ],
)
def test_a_question_that_is_none_is_refused(asking: Asking, message: dict[str, Any]) -> None:
    with pytest.raises(LocumError, match=r"that (is none|cannot be)"):
        asking.answer(asking.with_agents, **message)


def test_records_are_selected_by_whose_they_are_and_what_was_decided(asking: Asking) -> None:
    plane = asking.plane
    allowed = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}
    key = plane.user("selected-eve", allowed)
    iam = plane.client("iam", key)
    iam.list_users()
    with pytest.raises(ClientError):
        iam.list_roles()
    eve = f"arn:aws:iam::{'0' * 12}:user/selected-eve"

    def operations(count: int = 50, **selection: Any) -> list[str]:
        found = asking.answer(asking.plain, records="", count=count, selection=selection)["records"]
        return [record["operation"] for record in found]

    assert operations(principal=eve) == ["ListUsers", "ListRoles"]
    assert operations(principal="selected-eve", verdict="denied") == ["ListRoles"]
    assert operations(principal="selected-eve", verdict="implicit-deny") == ["ListRoles"]
    assert operations(principal="selected-eve", verdict="explicit-deny") == []
    assert operations(principal=eve, action="IAM:list?sers") == ["ListUsers"]
    assert operations(principal=eve, action="iam:List[UR]*") == []
    assert operations(principal=eve, service="s3") == []
    assert operations(principal=eve, count=1) == ["ListRoles"]
    assert operations(principal=eve, role="selected-eve") == []
    assert operations(principal=eve, instance="i-0123") == []
    now = plane.node.runtime.clock()
    assert operations(principal=eve, since=now - 60, until=now + 1) == ["ListUsers", "ListRoles"]
    assert operations(principal=eve, since=now + 60) == []


def test_calls_of_a_role_are_selected_by_its_name_and_not_by_that_of_a_session(asking: Asking) -> None:
    plane = asking.plane
    user = plane.user("selected-assumer")
    arn = f"arn:aws:iam::{'0' * 12}:user/selected-assumer"
    trust = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    role = plane.client("iam").create_role(RoleName="selected-role", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    session = plane.client("sts", user).assume_role(RoleArn=role, RoleSessionName="selected-user")["Credentials"]
    held = Key(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    plane.client("sts", held).get_caller_identity()
    for name in ("selected-role", role):
        (found,) = asking.answer(asking.plain, records="", count=9, selection={"role": name})["records"]
        assert found["operation"] == "GetCallerIdentity"
    assert asking.answer(asking.plain, records="", count=9, selection={"role": "selected-user"})["records"] == []
    assert asking.answer(asking.plain, records="", count=9, selection={"principal": "selected-user"})["records"] == []


def test_records_are_followed_from_a_position_and_each_is_told_once(asking: Asking) -> None:
    plane = asking.plane
    iam = plane.client("iam", plane.user("followed-fay"))
    selection = {"principal": "followed-fay"}
    at = asking.answer(asking.plain, records="", selection=selection)["position"]
    told: list[str] = []
    for call in (iam.list_users, iam.list_roles, iam.list_groups):
        with pytest.raises(ClientError):
            call()
        found = asking.answer(asking.plain, records="", selection=selection, after=at)
        told += [record["operation"] for record in found["records"]]
        assert found["position"] > at
        at = found["position"]
    assert told == ["ListUsers", "ListRoles", "ListGroups"]
    again = asking.answer(asking.plain, records="", selection=selection, after=at)
    assert (again["records"], again["position"]) == ([], at)


@pytest.mark.parametrize("selection", [{"whose": "x"}, {"since": "yesterday"}, "x"])
def test_attack_a_selection_that_is_none_is_refused(asking: Asking, selection: Any) -> None:
    with pytest.raises(LocumError, match="a message that is none"):
        asking.answer(asking.plain, records="", selection=selection)
