"""Faults on request: what they refuse and delay, that they never allow anything, and who can set them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from locum.agents.chaos import Chaos
from locum.audit import readable
from locum.calls.injections import MOST
from locum.cli.commands.explain import lines
from locum.core.clock import system_clock, system_entropy
from locum.core.errors import LocumError
from locum.core.identifiers import OWN_IMAGE
from locum.imds.service import TOKEN, TOKEN_TTL
from support.inprocess import InProcess, Key, exchange, refusal

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
EXPIRED = ("ExpiredToken", 403, "The security token included in the request is expired")


def trust(**principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class World:
    """A plane with a role and an instance, whose faults are set as `locum fault` sets them."""

    def __init__(self, data: Path) -> None:
        self.later = 0.0
        self.plane = InProcess(data, lambda: system_clock() + self.later)
        self.chaos = Chaos(self.plane.node.runtime)
        self.plane.profile("app")

    def ask(self, **question: Any) -> list[dict[str, Any]]:
        return list(self.plane.run(self.chaos.answer(question))["faults"])

    def inject(self, kind: str, **fields: Any) -> str:
        (one,) = self.ask(type="inject", fault={"kind": kind, **fields})
        return str(one["id"])

    def launched(self) -> str:
        given = {"ImageId": OWN_IMAGE, "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": {"Name": "app"}}
        return str(self.plane.client("ec2").run_instances(**given)["Instances"][0]["InstanceId"])

    async def imds(self, instance: str, method: str, path: str, headers: dict[bytes, bytes]) -> Any:
        node = self.plane.node
        return await node.metadata.answer(node.account, instance, method, path, headers)

    def delivered(self, instance: str) -> Key:
        put, get = ("PUT", "/latest/api/token"), ("GET", "/latest/meta-data/iam/security-credentials/app")
        token = self.plane.run(self.imds(instance, *put, {TOKEN_TTL: b"60"})).body
        found = json.loads(self.plane.run(self.imds(instance, *get, {TOKEN: token})).body)
        return Key(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])

    def who(self, key: Key | None = None) -> Any:
        return self.plane.client("sts", key).get_caller_identity

    def close(self) -> None:
        self.plane.run(self.chaos.close())
        self.plane.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "data")
    yield made
    made.close()


# -- calls -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "params", "error"),
    [
        ("sts", "get_caller_identity", {}, ("Throttling", 400, "Rate exceeded")),
        ("iam", "list_users", {}, ("Throttling", 400, "Rate exceeded")),
        ("ec2", "describe_instances", {}, ("RequestLimitExceeded", 503, "Request limit exceeded.")),
        ("s3", "list_buckets", {}, ("SlowDown", 503, "Please reduce your request rate.")),
        ("dynamodb", "list_tables", {}, ("ThrottlingException", 400, "Rate exceeded")),
        ("lambda", "list_functions", {}, ("TooManyRequestsException", 429, "Rate Exceeded.")),
        ("route53", "list_hosted_zones", {}, ("Throttling", 400, "Rate exceeded")),
    ],
)
def test_a_throttled_call_gets_the_error_of_its_service(
    world: World, service: str, operation: str, params: dict[str, Any], error: tuple[str, int, str]
) -> None:
    world.inject("calls", service=service, rate=1.0)
    assert refusal(getattr(world.plane.client(service), operation), **params) == error


def test_one_operation_alone_is_refused_with_a_code(world: World) -> None:
    s3 = world.plane.client("s3")
    s3.create_bucket(Bucket="things")
    world.inject("calls", service="s3", operation="GetObject", rate=1.0, error="InternalError")
    s3.put_object(Bucket="things", Key="a", Body=b"a")
    assert refusal(s3.get_object, Bucket="things", Key="a")[:2] == ("InternalError", 500)
    world.ask(type="clear")
    assert s3.get_object(Bucket="things", Key="a")["Body"].read() == b"a"


def test_a_call_that_is_refused_on_request_changes_nothing_and_its_record_says_why(world: World) -> None:
    name = world.inject("calls", service="iam", operation="CreateUser", rate=1.0)
    iam = world.plane.client("iam")
    assert refusal(iam.create_user, UserName="ann")[0] == "Throttling"
    assert not iam.list_users()["Users"]
    (record,) = [record for record in world.plane.records() if record.operation == "CreateUser"]
    assert record.injected == f"{name}: iam:CreateUser throttled at 100%"
    told = world.plane.run(_records(world, record.request_id))
    assert any("on request, by `locum fault`: f-1" in line for line in lines(told))


async def _records(world: World, request_id: str) -> dict[str, Any]:
    runtime = world.plane.node.runtime
    (found,) = await runtime.ledger.read(lambda: runtime.history.by_request(request_id))
    return readable(found)


@pytest.mark.parametrize(
    ("rate", "chance", "met"),
    [(0.0, 0, False), (0.3, 0.29, True), (0.3, 0.31, False), (1.0, 0.999999, True), (0.5, 0.5, False)],
)
def test_chance_is_drawn_from_the_entropy_that_is_passed_in(
    world: World, rate: float, chance: float, met: bool
) -> None:
    world.plane.node.runtime.entropy = lambda size: int(chance * 256**size).to_bytes(size, "big")
    world.inject("calls", service="sts", rate=rate)
    try:
        assert (refusal(world.who())[0] == "Throttling") if met else world.who()()
    finally:
        world.plane.node.runtime.entropy = system_entropy


def test_a_fault_allows_nothing_and_is_not_told_to_who_is_not_authenticated(world: World) -> None:
    world.plane.client("s3").create_bucket(Bucket="things")
    nobody = world.plane.user("nobody")
    world.inject("calls", service="*", rate=1.0)
    signed = world.plane.request("s3", "list_objects_v2", nobody, Bucket="things")
    bare = {name: value for name, value in signed.headers.items() if name != "authorization"}
    assert b"AccessDenied" in world.plane.send(replace(signed, headers=bare)).body
    wrong = world.who(Key(nobody.access_key_id, "not-the-secret"))
    assert refusal(wrong)[0] == "SignatureDoesNotMatch"
    assert refusal(world.who(Key("AKIAIOSFODNN7EXAMPLE", "secret")))[0] == "InvalidClientTokenId"
    assert refusal(world.plane.client("iam", nobody).list_users)[0] == "Throttling"
    world.ask(type="clear")
    assert refusal(world.plane.client("iam", nobody).list_users)[0] == "AccessDenied"


def test_the_calls_of_services_are_not_throttled_with_those_of_clients(world: World) -> None:
    instance = world.launched()
    world.inject("calls", service="sts", rate=1.0)
    assert world.delivered(instance).session_token
    assert refusal(world.who(world.delivered(instance)))[0] == "Throttling"


def test_a_delayed_answer_comes_when_its_fault_is_cleared(world: World) -> None:
    world.inject("calls", service="sts", delay=60.0)
    request = world.plane.request("sts", "get_caller_identity")

    async def answered() -> int:
        asked = asyncio.ensure_future(_sent(world, request))
        await _hit(world)
        assert not asked.done()
        await world.chaos.answer({"type": "clear"})
        return await asked

    assert world.plane.run(answered()) == 200


async def _hit(world: World) -> None:
    """Let everything go on until the one fault has met something."""
    (entry,) = world.plane.node.runtime.injections.entries
    while not entry.hits:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0)


async def _sent(world: World, request: Any) -> int:
    return (await exchange(world.plane.node.gateway, request)).status


# -- metadata --------------------------------------------------------------------------------------------


def test_a_failing_metadata_service_says_nothing_of_an_instance_and_others_are_not_met(world: World) -> None:
    one, other = world.launched(), world.launched()
    world.inject("metadata", instance=one, rate=1.0)
    for method, path in (("PUT", "/latest/api/token"), ("GET", "/latest/meta-data/instance-id")):
        answer = world.plane.run(world.imds(one, method, path, {TOKEN_TTL: b"60"}))
        assert answer.status == 503
        assert b"i-" not in answer.body.replace(b"utf-8", b"").replace(b"iso-8859-1", b"")
    assert world.delivered(other).access_key_id


def test_a_delayed_metadata_request_is_decided_on_what_is_true_when_it_is_answered(world: World) -> None:
    instance = world.launched()
    world.inject("metadata", delay=60.0)

    async def answered() -> int:
        asked = asyncio.ensure_future(world.imds(instance, "PUT", "/latest/api/token", {TOKEN_TTL: b"60"}))
        await _hit(world)
        request = world.plane.request("ec2", "terminate_instances", InstanceIds=[instance])
        assert await _sent(world, request) == 200
        await world.chaos.answer({"type": "clear"})
        return int((await asked).status)

    assert world.plane.run(answered()) == 503


# -- credentials -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["instance", "role", "arn", "any"])
def test_credentials_expire_on_request_and_the_metadata_service_delivers_new_ones(world: World, by: str) -> None:
    one, other = world.launched(), world.launched()
    first, second = world.delivered(one), world.delivered(other)
    fields = {"instance": {"instance": one}, "role": {"role": "app"}, "arn": {"role": ROLE}, "any": {}}[by]
    world.inject("sessions", **fields)
    assert refusal(world.who(first)) == EXPIRED
    if by == "instance":
        assert world.who(second)()
    else:
        assert refusal(world.who(second)) == EXPIRED
    world.later += 2
    assert world.delivered(one) != first
    assert world.who(world.delivered(one))()
    assert world.who()()  # a long-term key is no session


def test_the_error_of_expired_credentials_is_that_of_the_service(world: World) -> None:
    key = world.delivered(world.launched())
    world.inject("sessions")
    assert refusal(world.plane.client("ec2", key).describe_instances)[0] == "RequestExpired"
    assert refusal(world.plane.client("dynamodb", key).list_tables)[0] == "ExpiredTokenException"
    assert refusal(world.plane.client("s3", key).list_buckets)[:2] == ("ExpiredToken", 400)


# -- propagation -----------------------------------------------------------------------------------------


def test_a_profile_just_created_is_not_known_to_ec2_yet(world: World) -> None:
    running = world.launched()
    association = world.plane.client("ec2").describe_iam_instance_profile_associations()
    name = association["IamInstanceProfileAssociations"][0]["AssociationId"]
    world.inject("propagation", seconds=10.0)
    iam, ec2 = world.plane.client("iam"), world.plane.client("ec2")
    iam.create_instance_profile(InstanceProfileName="new")
    iam.add_role_to_instance_profile(InstanceProfileName="new", RoleName="app")
    launch = {"ImageId": OWN_IMAGE, "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": {"Name": "new"}}
    invalid = (
        "InvalidParameterValue",
        400,
        "Value (new) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
    )
    assert refusal(ec2.run_instances, **launch) == invalid
    specification = {"ImageId": OWN_IMAGE, "IamInstanceProfile": {"Name": "new"}}
    assert refusal(ec2.request_spot_instances, LaunchSpecification=specification) == invalid
    replaced = {"AssociationId": name, "IamInstanceProfile": {"Name": "new"}}
    assert refusal(ec2.replace_iam_instance_profile_association, **replaced) == invalid
    assert len(ec2.describe_instances()["Reservations"]) == 1
    world.later += 11
    assert ec2.run_instances(**launch)["Instances"]
    ec2.replace_iam_instance_profile_association(**replaced)
    assert running


def test_a_role_just_created_is_neither_assumed_nor_a_principal_yet(world: World) -> None:
    ann = world.plane.user("ann", EVERYTHING)
    world.inject("propagation", seconds=10.0)
    iam, sts = world.plane.client("iam", ann), world.plane.client("sts", ann)
    new = iam.create_role(RoleName="new", AssumeRolePolicyDocument=trust(AWS=ACCOUNT))["Role"]["Arn"]
    assert refusal(sts.assume_role, RoleArn=new, RoleSessionName="session")[0] == "AccessDenied"
    other = {"RoleName": "other", "AssumeRolePolicyDocument": trust(AWS=new)}
    malformed = ("MalformedPolicyDocument", 400, f'Invalid principal in policy: "AWS":"{new}"')
    assert refusal(iam.create_role, **other) == malformed
    s3 = world.plane.client("s3", ann)
    s3.create_bucket(Bucket="things")
    statement = {"Effect": "Allow", "Principal": {"AWS": new}, "Action": "s3:*", "Resource": "arn:aws:s3:::things/*"}
    policy = {"Bucket": "things", "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    assert refusal(s3.put_bucket_policy, **policy)[0] == "MalformedPolicy"
    world.later += 11
    assert sts.assume_role(RoleArn=new, RoleSessionName="session")["Credentials"]
    iam.create_role(**other)
    s3.put_bucket_policy(**policy)


def test_a_policy_just_put_does_not_allow_yet_and_one_just_deleted_does_not_allow_any_more(world: World) -> None:
    bob = world.plane.user("bob")
    world.inject("propagation", seconds=10.0)
    iam, as_bob = world.plane.client("iam"), world.plane.client("iam", bob)
    policy = {"UserName": "bob", "PolicyName": "own"}
    iam.put_user_policy(**policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [EVERYTHING]}))
    assert refusal(as_bob.list_users)[0] == "AccessDenied"
    assert world.plane.records(1)[0].injected == "f-1: propagation of IAM's changes takes 10 s"
    world.later += 11
    assert as_bob.list_users()["Users"]
    iam.delete_user_policy(**policy)
    assert refusal(as_bob.list_users)[0] == "AccessDenied"  # IAM's own word is that of the change


def test_a_batch_whose_permission_is_on_its_way_is_refused_as_a_whole(world: World) -> None:
    bob, s3 = world.plane.user("bob"), world.plane.client("s3")
    s3.create_bucket(Bucket="things")
    s3.put_object(Bucket="things", Key="a", Body=b"a")
    world.inject("propagation", seconds=10.0)
    own = {"UserName": "bob", "PolicyName": "own"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [EVERYTHING]})
    world.plane.client("iam").put_user_policy(**own, PolicyDocument=document)
    batch = {"Bucket": "things", "Delete": {"Objects": [{"Key": "a"}]}}
    assert refusal(world.plane.client("s3", bob).delete_objects, **batch)[0] == "AccessDenied"
    assert s3.get_object(Bucket="things", Key="a")["Body"].read() == b"a"


def test_a_role_that_is_on_its_way_is_not_assumed_for_an_instance_yet(world: World) -> None:
    instance = world.launched()
    world.inject("propagation", seconds=10.0)
    denied = trust(Service="lambda.amazonaws.com")
    iam = world.plane.client("iam")
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=denied)
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=trust(Service="ec2.amazonaws.com"))
    assert world.delivered(instance)  # what it was allows it, and what it is
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=denied)
    world.later += 2
    with pytest.raises(KeyError):
        world.delivered(instance)  # what it was would allow it


def test_without_the_fault_a_change_takes_effect_at_once(world: World) -> None:
    world.inject("propagation", seconds=600.0)
    ann = world.plane.user("ann", EVERYTHING)
    assert refusal(world.plane.client("iam", ann).list_users)[0] == "AccessDenied"
    world.ask(type="clear")
    assert world.plane.client("iam", ann).list_users()["Users"]


# -- what is set -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "calls", "service": "sts", "rate": float("nan")},
        {"kind": "calls", "service": "sts", "rate": -1},
        {"kind": "calls", "service": "sts", "rate": 1.01},
        {"kind": "calls", "service": "sts", "delay": 61},
        {"kind": "calls", "service": "sts", "delay": float("inf")},
        {"kind": "calls", "service": "sts", "error": "<b>", "rate": 1},
        {"kind": "calls", "service": "sts", "status": 200, "rate": 1},
        {"kind": "calls", "service": "no-such-service", "rate": 1},
        {"kind": "calls", "service": "s3", "operation": "GetEverything", "rate": 1},
        {"kind": "calls", "rate": 1},
        {"kind": "metadata", "rate": 2},
        {"kind": "metadata", "rate": 1, "status": 200},
        {"kind": "propagation", "seconds": 0},
        {"kind": "propagation", "seconds": float("nan")},
        {"kind": "propagation", "seconds": 601},
        {"kind": "earthquake"},
        {"kind": "sessions", "user": "ann"},
    ],
)
def test_what_cannot_be_a_fault_is_told_and_sets_nothing(world: World, fault: dict[str, Any]) -> None:
    with pytest.raises(LocumError):
        world.ask(type="inject", fault=fault)
    assert not world.plane.node.runtime.injections.some


def test_there_is_a_bound_to_the_faults_that_are_set(world: World) -> None:
    for _ in range(MOST):
        world.inject("metadata", delay=1.0)
    with pytest.raises(LocumError, match="clear some"):
        world.inject("metadata", delay=1.0)


def test_faults_are_listed_with_their_hits_and_cleared_one_by_one(world: World) -> None:
    first, second = world.inject("calls", service="sts", rate=1.0), world.inject("metadata", rate=0.5)
    refusal(world.who())
    assert [(one["id"], one["hits"]) for one in world.ask(type="list")] == [(first, 1), (second, 0)]
    assert [one["id"] for one in world.ask(type="clear", id=first)] == [first]
    assert world.who()()
    with pytest.raises(LocumError, match="there is no fault"):
        world.ask(type="clear", id=first)


def test_a_restarted_plane_has_no_faults(world: World) -> None:
    world.inject("calls", service="sts", rate=1.0)
    world.plane.run(world.chaos.close())
    world.plane.close()
    world.plane.start()
    world.chaos = Chaos(world.plane.node.runtime)
    assert world.who()()
    assert not world.ask(type="list")
