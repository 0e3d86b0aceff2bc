"""What an interrupted creation made is this stack's after a restart, and nobody else's of the same name ever is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from locum.state import Event, Stack, StackResource, put
from support.inprocess import InProcess
from support.plane import ACCOUNT, allow, document, trusting
from support.stacks import Stacks, template

TRUST = json.loads(trusting(Service="ec2.amazonaws.com"))


def role(name: str) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name, "AssumeRolePolicyDocument": TRUST}}


def table(name: str) -> dict[str, Any]:
    schema = {
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    return {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name, **schema}}


def interrupted(plane: InProcess, name: str, *, made: bool = True) -> None:
    """The state as it was while the creation of the resources of a stack was under way, its calls `made` or not."""
    state, status = plane.node.runtime.ledger.state, "CREATE_IN_PROGRESS"
    (stack,) = [it for it in state.table(Stack, ACCOUNT).values() if it.name == name]
    events: list[Event] = [put(replace(stack, status=status))]
    for it in state.table(StackResource, ACCOUNT).values():
        if it.stack == stack.id:
            begun = replace(it, status=status, physical="", waiting=it.properties, properties=b"", attributes=b"")
            events.append(put(begun if made else replace(begun, token="NEVERMADE123")))

    class Done:
        def __init__(self, *events: Event) -> None:
            self.events = events

    plane.run(plane.node.ledger.transact(lambda _state: Done(*events), lambda _done: ()))


def roles(plane: InProcess) -> dict[str, str]:
    """The unique ids of all roles by their names."""
    return {it["RoleName"]: it["RoleId"] for it in plane.client("iam").list_roles()["Roles"]}


def remade(plane: InProcess, name: str) -> None:
    """Somebody else's role takes the place of one of that name."""
    iam = plane.client("iam")
    iam.delete_role(RoleName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))


def test_a_named_role_that_the_interrupted_creation_made_is_the_stacks(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("named", template({"Role": role("of-a-stack")}))
    before = roles(plane)["of-a-stack"]
    interrupted(plane, "named")
    assert stacks.settled("named") == "CREATE_COMPLETE"
    assert roles(plane)["of-a-stack"] == before
    assert stacks.delete("named") == "DELETE_COMPLETE"
    assert "of-a-stack" not in roles(plane)


def test_it_may_be_interrupted_again(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("often", template({"Role": role("made-often")}))
    for _ in range(2):
        interrupted(plane, "often")
        plane.close()
        plane.start()
        stacks = Stacks(plane)
        assert stacks.settled("often") == "CREATE_COMPLETE"


def test_a_resource_of_a_backend_is_the_stacks_as_well(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("backed", template({"Table": table("of-a-backend")}))
    interrupted(plane, "backed")
    assert stacks.settled("backed") == "CREATE_COMPLETE"
    assert stacks.delete("backed") == "DELETE_COMPLETE"
    assert "of-a-backend" not in plane.client("dynamodb").list_tables()["TableNames"]


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue"])
def test_so_is_what_a_service_would_make_for_anybody_twice(plane: InProcess, stacks: Stacks, kind: str) -> None:
    name, member = kind.rpartition("::")[2].lower(), f"{kind.rpartition('::')[2]}Name"
    stacks.create(f"twice-{name}", template({"Thing": {"Type": kind, "Properties": {member: f"the-twice-{name}"}}}))
    before = stacks.physical(f"twice-{name}")
    interrupted(plane, f"twice-{name}")
    assert stacks.settled(f"twice-{name}") == "CREATE_COMPLETE"
    assert stacks.physical(f"twice-{name}") == before
    assert stacks.delete(f"twice-{name}") == "DELETE_COMPLETE"


@pytest.mark.parametrize("order", [(), ("One",)], ids=["together", "one after the other"])
def test_so_are_several_policies_of_a_role(plane: InProcess, stacks: Stacks, order: tuple[str, ...]) -> None:
    iam, allowed = plane.client("iam"), document(allow("s3:ListAllMyBuckets"))
    name = f"with-policies-{len(order)}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    policies: dict[str, dict[str, Any]] = {
        policy: {
            "Type": "AWS::IAM::RolePolicy",
            "Properties": {"RoleName": name, "PolicyName": policy, "PolicyDocument": json.loads(allowed)},
        }
        for policy in ("One", "Two", "Three")
    }
    policies["Two"]["DependsOn"] = list(order)
    assert stacks.create(name, template(policies)) == "CREATE_COMPLETE"
    for _ in range(2):
        interrupted(plane, name)
        assert stacks.settled(name) == "CREATE_COMPLETE"
    iam.put_role_policy(RoleName=name, PolicyName="Two", PolicyDocument=allowed)
    interrupted(plane, name)
    assert stacks.settled(name) == "ROLLBACK_COMPLETE"  # somebody else has changed what the role may


def test_what_is_made_by_nobody_is_made(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("unmade", template({"Role": role("unmade")}))
    plane.client("iam").delete_role(RoleName="unmade")
    interrupted(plane, "unmade", made=False)
    assert stacks.settled("unmade") == "CREATE_COMPLETE"
    assert "unmade" in roles(plane)


# -- attacks -------------------------------------------------------------------------------------------------


def foreign(plane: InProcess, name: str) -> None:
    """Nothing is done: the stack's call was never made, and the role is somebody else's."""


def changed(plane: InProcess, name: str) -> None:
    """Somebody makes the role their own."""
    plane.client("iam").tag_role(RoleName=name, Tags=[{"Key": "owner", "Value": "somebody"}])


@pytest.mark.parametrize(("attack", "made"), [(foreign, False), (remade, True), (changed, True)])
def test_a_role_that_is_somebody_elses_is_neither_adopted_nor_deleted(
    plane: InProcess, stacks: Stacks, attack: Callable[[InProcess, str], None], made: bool
) -> None:
    name = attack.__name__
    stacks.create(name, template({"Role": role(f"role-{name}")}))
    attack(plane, f"role-{name}")
    before = roles(plane)[f"role-{name}"]
    interrupted(plane, name, made=made)
    assert stacks.settled(name) == "ROLLBACK_COMPLETE"
    assert "AlreadyExists" in stacks.reason(name, "Role", "CREATE_FAILED")
    assert roles(plane)[f"role-{name}"] == before
    assert stacks.delete(name) == "DELETE_COMPLETE"
    assert roles(plane)[f"role-{name}"] == before


def test_a_table_that_somebody_made_between_the_end_and_the_start_is_not_adopted(
    plane: InProcess, stacks: Stacks
) -> None:
    stacks.create("between", template({"Table": table("between")}))
    dynamodb = plane.client("dynamodb")
    dynamodb.delete_table(TableName="between")
    dynamodb.create_table(**table("between")["Properties"])
    interrupted(plane, "between")
    assert stacks.settled("between") == "ROLLBACK_COMPLETE"
    assert stacks.delete("between") == "DELETE_COMPLETE"
    assert "between" in dynamodb.list_tables()["TableNames"]


@pytest.mark.parametrize("made", [True, False])
def test_a_queue_of_somebody_else_is_neither_adopted_nor_deleted(plane: InProcess, stacks: Stacks, made: bool) -> None:
    sqs, name = plane.client("sqs"), f"queue-{made}".lower()
    stacks.create(name, template({"Thing": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}}))
    url = stacks.physical(name)["Thing"]
    if made:
        sqs.delete_queue(QueueUrl=url)
        sqs.create_queue(QueueName=name)
    interrupted(plane, name, made=made)
    assert stacks.settled(name) == "ROLLBACK_COMPLETE"
    assert "already exists" in stacks.reason(name, "Thing", "CREATE_FAILED")
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert stacks.delete(name) == "DELETE_COMPLETE"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"]


def test_what_an_interrupted_creation_made_goes_where_the_stack_is_deleted(plane: InProcess, stacks: Stacks) -> None:
    stacks.create("dropped", template({"Role": role("dropped")}))
    interrupted(plane, "dropped")
    stacks.client.delete_stack(StackName=(arn := stacks.told("dropped")["StackId"]))
    assert stacks.settled(arn) == "DELETE_COMPLETE"
    assert "dropped" not in roles(plane)
