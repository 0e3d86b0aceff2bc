"""What a plane tells of what runs in it, and the names that a shell completes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from locum.agents.overview import Overview
from locum.compute.control import Asked
from locum.core.errors import LocumError
from locum.services.verbs import Outcome
from locum.state import Instance, State, put
from support.inprocess import InProcess
from support.plane import TRUSTS_EC2


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    """One of its own, for what there is altogether is asked."""
    made = InProcess(tmp_path / "data")
    yield made
    made.close()


def answer(plane: InProcess, **message: Any) -> dict[str, Any]:
    node = plane.node
    overview = Overview(lambda: node.ledger.state, node.carriers, lambda: node.functions)

    async def asked() -> dict[str, Any]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            kind = next(kind for kind in overview.questions if kind in message)
            return dict(await overview.questions[kind](Asked(message, [], ours)))

    return plane.run(asked())


def launched(plane: InProcess) -> str:
    answer = plane.client("ec2").run_instances(ImageId="ami-10c0000000000000a", MinCount=1, MaxCount=1)
    return str(answer["Instances"][0]["InstanceId"])


def test_an_empty_plane_runs_nothing_and_says_so(plane: InProcess) -> None:
    assert answer(plane, running=True) == {"instances": [], "carriers": [], "functions": [], "stacks": []}


def test_an_instance_is_told_until_it_is_terminated(plane: InProcess) -> None:
    instance = launched(plane)
    assert [it["id"] for it in answer(plane, running=True)["instances"]] == [instance]
    plane.client("ec2").terminate_instances(InstanceIds=[instance])
    assert answer(plane, running=True)["instances"] == []


def test_a_stack_is_told_while_it_is_under_way(plane: InProcess) -> None:
    template = '{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}'
    plane.client("cloudformation").create_stack(StackName="s", TemplateBody=template)
    (told,) = answer(plane, running=True)["stacks"]
    assert (told["name"], told["status"]) == ("s", "CREATE_IN_PROGRESS")
    plane.settle_stacks()
    assert answer(plane, running=True)["stacks"] == []


@pytest.mark.parametrize("kind", ["instances", "profiles", "roles"])
def test_names_are_those_of_the_account_that_is_asked_for(plane: InProcess, kind: str) -> None:
    iam = plane.client("iam")
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUSTS_EC2)
    iam.create_instance_profile(InstanceProfileName="web")
    expected = {"instances": [launched(plane)], "profiles": ["web"], "roles": ["app"]}
    account = plane.node.account
    assert answer(plane, names=kind, account=account)["names"] == expected[kind]
    assert answer(plane, names=kind, account="999999999999")["names"] == []


def test_there_is_an_end_to_the_names(plane: InProcess) -> None:
    first = launched(plane)

    def many(state: State) -> Outcome:
        found = state.get(Instance, plane.node.account, first)
        assert found is not None
        return Outcome({}, tuple(put(replace(found, id=f"i-{number:017x}")) for number in range(1_500)))

    plane.run(plane.node.ledger.transact(many, lambda _outcome: ()))
    assert len(answer(plane, names="instances", account=plane.node.account)["names"]) == 1_000


@pytest.mark.parametrize("message", [{"names": "users", "account": "1"}, {"names": "roles"}, {"running": "no"}])
def test_a_question_that_is_none_is_refused(plane: InProcess, message: dict[str, Any]) -> None:
    with pytest.raises(LocumError):
        answer(plane, **message)
