"""A backend that keeps what it has runs the instances: what it did for a launch that is refused after all is undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from locum.agents.instances.backend_instances import BackendInstances
from locum.backends import BackendCall, Carried
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.services.verbs import Outcome
from locum.state import Instance, InstanceProfile, State, put, remove
from support.backends import Doing, behind
from support.inprocess import InProcess
from support.one_account import TRUSTS_EC2

ACCOUNT = "000000000000"
_numbers = count(1)
IMAGE = "ami-12c6146b"


class Elsewhere:
    """A backend's EC2, as far as launches go.

    `meanwhile` is awaited before a call is answered that `waits`; the next `lost` answers of launches get lost.
    `states` are those of instances that do not run. With `paged`, each page of instances has one.
    """

    def __init__(self) -> None:
        self.living: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.ended: list[str] = []
        self.launches: list[dict[str, Any]] = []
        self.lost = 0
        self.paged = False
        self.waits = "RunInstances"
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    def answer(self, call: BackendCall) -> HttpResponse:
        act = getattr(self, f"_{call.operation}", None)
        return act(call.params) if act else _xml(f"<{call.operation}Response/>")

    def _RunInstances(self, params: dict[str, Any]) -> HttpResponse:
        self.launches.append(params)
        token = params["ClientToken"]
        name = next((each for each, of in self.living.items() if of == token), None) or f"i-{next(_numbers):017x}"
        self.living[name] = token
        if self.lost:
            self.lost -= 1
            raise Fault("ServiceUnavailable", "The backend of ec2 did not answer.", 503)
        item = f"<item><instanceId>{name}</instanceId><privateIpAddress>10.0.0.9</privateIpAddress></item>"
        reservation = "<reservationId>r-1</reservationId><ownerId>1</ownerId>"
        return _xml(f"<RunInstancesResponse>{reservation}<instancesSet>{item}</instancesSet></RunInstancesResponse>")

    def _TerminateInstances(self, params: dict[str, Any]) -> HttpResponse:
        if missing := [name for name in params["InstanceIds"] if name not in self.living]:
            text = f"The instance ID '{missing[0]}' does not exist"
            error = f"<Error><Code>InvalidInstanceID.NotFound</Code><Message>{text}</Message></Error>"
            return _xml(f"<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>", 400)
        for name in params["InstanceIds"]:
            del self.living[name]
            self.ended.append(name)
        return _xml("<TerminateInstancesResponse><instancesSet/></TerminateInstancesResponse>")

    def _DescribeInstances(self, params: dict[str, Any]) -> HttpResponse:
        names, start = list(self.living), int(params.get("NextToken", 0))
        if self.paged:
            names = names[start : start + 1]
        more = f"<nextToken>{start + 1}</nextToken>" if self.paged and start + 1 < len(self.living) else ""
        items = "".join(
            f"<item><instanceId>{name}</instanceId>"
            f"<instanceState><name>{self.states.get(name, 'running')}</name></instanceState></item>"
            for name in names
        )
        found = f"<item><reservationId>r-1</reservationId><instancesSet>{items}</instancesSet></item>"
        found = f"<reservationSet>{found}</reservationSet>{more}"
        return _xml(f"<DescribeInstancesResponse>{found}</DescribeInstancesResponse>")


def _xml(body: str, status: int = 200) -> HttpResponse:
    return HttpResponse(status, [("content-type", "text/xml")], body.encode())


@pytest.fixture
def elsewhere(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    runtime, ec2 = plane.node.runtime, Elsewhere()
    before, carry_out = runtime.settings, Doing.call

    async def call(doing: Doing, made: BackendCall) -> Carried:
        if made.operation == ec2.waits and ec2.meanwhile is not None:
            await ec2.meanwhile()
        return await carry_out(doing, made)

    monkeypatch.setattr(Doing, "call", call)
    with behind(plane, "ec2", ec2.answer):
        runtime.settings = replace(before, instances_at_backend=True)
        yield ec2
        runtime.settings = before


@pytest.fixture(scope="module")
def profile(plane: InProcess) -> str:
    iam = plane.client("iam")
    iam.create_role(RoleName="worn-there", AssumeRolePolicyDocument=TRUSTS_EC2)
    iam.create_instance_profile(InstanceProfileName="worn-there")
    iam.add_role_to_instance_profile(InstanceProfileName="worn-there", RoleName="worn-there")
    return "worn-there"


def run(plane: InProcess, **params: Any) -> str:
    answer = plane.client("ec2").run_instances(**{"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, **params})
    return str(answer["Instances"][0]["InstanceId"])


def state(plane: InProcess, name: str) -> str:
    found = plane.node.ledger.state.get(Instance, ACCOUNT, name)
    assert found is not None
    return found.state


def worn(plane: InProcess, name: str) -> int:
    filters = [{"Name": "instance-id", "Values": [name]}]
    answer = plane.client("ec2").describe_iam_instance_profile_associations(Filters=filters)
    return len(answer["IamInstanceProfileAssociations"])


def test_the_role_and_the_metadata_options_are_not_sent(plane: InProcess, elsewhere: Elsewhere, profile: str) -> None:
    options = {"HttpTokens": "optional"}
    name = run(plane, IamInstanceProfile={"Name": profile}, MetadataOptions=options, KeyName="k", ClientToken="mine")
    (sent,) = elsewhere.launches
    assert sent.keys() == {"ImageId", "MinCount", "MaxCount", "KeyName", "ClientToken"}
    assert sent["ClientToken"] != "mine"
    association = plane.client("ec2").describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [name]}]
    )["IamInstanceProfileAssociations"]
    assert association[0]["IamInstanceProfile"]["Arn"].endswith(f"/{profile}")


def test_a_launch_that_is_refused_after_all_is_undone(plane: InProcess, elsewhere: Elsewhere) -> None:
    iam = plane.client("iam")
    iam.create_role(RoleName="goes", AssumeRolePolicyDocument=TRUSTS_EC2)
    iam.create_instance_profile(InstanceProfileName="goes")
    iam.add_role_to_instance_profile(InstanceProfileName="goes", RoleName="goes")

    def gone(state: State) -> Outcome:
        found = state.get(InstanceProfile, ACCOUNT, "goes")
        assert found is not None
        return Outcome({}, (remove(found),))

    async def meanwhile() -> None:
        await plane.node.ledger.transact(gone, lambda _: ())

    elsewhere.meanwhile = meanwhile
    with pytest.raises(ClientError, match="Invalid IAM Instance Profile name"):
        run(plane, IamInstanceProfile={"Name": "goes"})
    assert (len(elsewhere.launches), elsewhere.living) == (1, {})
    assert len(elsewhere.ended) == 1


def test_a_launch_whose_answer_got_lost_is_found_again(plane: InProcess, elsewhere: Elsewhere) -> None:
    elsewhere.lost = 1
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        run(plane, ClientToken="lost")
    (made,) = elsewhere.living
    assert run(plane, ClientToken="lost") == made
    assert (list(elsewhere.living), elsewhere.ended) == ([made], [])


def test_a_spot_request_whose_answer_got_lost_is_found_again(plane: InProcess, elsewhere: Elsewhere) -> None:
    request = plane.client("ec2").request_spot_instances
    given = {"LaunchSpecification": {"ImageId": IMAGE, "InstanceType": "t3.micro"}, "ClientToken": "lost-spot"}
    elsewhere.lost = 1
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        request(**given)
    (made,) = elsewhere.living
    assert request(**given)["SpotInstanceRequests"][0]["InstanceId"] == made
    assert (list(elsewhere.living), elsewhere.ended) == ([made], [])
    assert run(plane, ClientToken="lost-spot") != made


def test_what_the_backend_has_lost_is_terminated_with_the_rest(plane: InProcess, elsewhere: Elsewhere) -> None:
    lost, left = run(plane, KeyName="a"), run(plane, KeyName="b")
    del elsewhere.living[lost]
    plane.client("ec2").terminate_instances(InstanceIds=[lost, left])
    assert elsewhere.living.keys().isdisjoint({lost, left})


def test_an_instance_that_ends_there_by_itself_is_ended_here(
    plane: InProcess, elsewhere: Elsewhere, profile: str
) -> None:
    compare = BackendInstances(plane.node.runtime).compare
    name = run(plane, IamInstanceProfile={"Name": profile})
    for there, here in (
        ("stopped", "stopped"),
        ("pending", "stopped"),
        ("running", "running"),
        ("stopping", "running"),
    ):
        elsewhere.states[name] = there
        plane.run(compare())
        assert (state(plane, name), worn(plane, name)) == (here, 1)
    elsewhere.states[name] = "shutting-down"
    plane.run(compare())
    assert (state(plane, name), worn(plane, name)) == ("terminated", 0)


def test_an_instance_that_is_missing_there_once_is_not_taken_for_ended(plane: InProcess, elsewhere: Elsewhere) -> None:
    instances = BackendInstances(plane.node.runtime)
    name = run(plane)
    token = elsewhere.living.pop(name)
    plane.run(instances.compare())
    elsewhere.living[name] = token
    plane.run(instances.compare())
    del elsewhere.living[name]
    plane.run(instances.compare())
    assert state(plane, name) == "running"
    plane.run(instances.compare())
    assert state(plane, name) == "terminated"


def test_instances_on_later_pages_of_the_backend_are_there_too(plane: InProcess, elsewhere: Elsewhere) -> None:
    instances, elsewhere.paged = BackendInstances(plane.node.runtime), True
    names = [run(plane, KeyName=key) for key in "abc"]
    elsewhere.states[names[2]] = "stopped"
    for _ in range(2):
        plane.run(instances.compare())
    assert [state(plane, name) for name in names] == ["running", "running", "stopped"]


def test_a_start_at_the_backend_begins_another_life(plane: InProcess, elsewhere: Elsewhere) -> None:
    compare, name = BackendInstances(plane.node.runtime).compare, run(plane)
    for there in ("stopped", "running"):
        elsewhere.states[name] = there
        plane.run(compare())
    found = plane.node.ledger.state.get(Instance, ACCOUNT, name)
    assert found is not None
    assert found.boots == 1


def test_a_change_that_is_made_here_meanwhile_is_not_taken_back(plane: InProcess, elsewhere: Elsewhere) -> None:
    name = run(plane)
    elsewhere.states[name] = "stopped"

    def tagged(current: State) -> Outcome:
        found = current.get(Instance, ACCOUNT, name)
        assert found is not None
        return Outcome({}, (put(msgspec.structs.replace(found, tags={"a": "b"})),))

    async def meanwhile() -> None:
        await plane.node.ledger.transact(tagged, lambda _: ())

    elsewhere.waits, elsewhere.meanwhile = "DescribeInstances", meanwhile
    plane.run(BackendInstances(plane.node.runtime).compare())
    assert state(plane, name) == "running"


def test_a_backend_that_does_not_answer_ends_no_instance(plane: InProcess, elsewhere: Elsewhere) -> None:
    instances = BackendInstances(plane.node.runtime)
    name = run(plane)

    async def fails() -> None:
        raise Fault("ServiceUnavailable", "The backend of ec2 did not answer.", 503)

    elsewhere.waits, elsewhere.meanwhile = "DescribeInstances", fails
    for _ in range(3):
        with pytest.raises(Fault):
            plane.run(instances.compare())
    assert state(plane, name) == "running"
