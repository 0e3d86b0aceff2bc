"""What conditions see of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from locum import authz
from locum.authz.context import Conditions
from locum.core.calls import BY_HEADER, Signing
from locum.core.principal import NOBODY, Caller, Session
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.policy import derived_context
from locum.state import Instance, InstanceProfile, ProfileAssociation
from support.authority import (
    HOME,
    NOW,
    REGION,
    World,
    allow,
    as_role,
    as_root,
    as_user,
    deny,
    policy,
    role,
    session_of,
    user,
)

ANN = user("ann", tags={"Team": "blue"})
APP = role("app", path="/x/", tags={"Team": "green", "Cost": "1"})


def context(world: World, caller: Caller, operation: str, *, at: int = 0, **params: Any) -> Conditions:
    call = world.call(caller, operation, params, user_agent="agent", source_ip="10.0.0.1", secure=True)
    check = authz.plan(world.state, call).checks[at]
    return Conditions(world.state, call, check, UNKNOWN, HOME)


def keys(found: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: found.get(name) for name in names}


def test_the_keys_of_a_user() -> None:
    found = context(World().having(ANN), as_user(ANN), "sqs:ListQueues")
    wanted = {
        "aws:principalarn": ANN.arn,
        "aws:principalaccount": HOME,
        "aws:principaltype": "User",
        "aws:userid": ANN.id,
        "aws:username": "ann",
        "aws:principaltag/team": "blue",
        "aws:sourceip": "10.0.0.1",
        "aws:securetransport": "true",
        "aws:useragent": "agent",
        "aws:currenttime": "2026-09-21T14:13:20Z",
        "aws:epochtime": str(int(NOW)),
        "aws:requestedregion": REGION,
        "aws:viaawsservice": "false",
        "aws:tokenissuetime": None,
        "aws:multifactorauthpresent": None,
        "aws:referer": None,
        "aws:calledvia": None,
    }
    assert keys(found, *wanted) == wanted


def test_the_keys_of_a_role_session() -> None:
    caller = as_role(
        APP,
        "me",
        tags={"team": "red"},
        source_identity="ann",
        mfa_at=int(NOW) - 30,
        context={"aws:FederatedProvider": "x"},
    )
    found = context(World().having(APP), caller, "sqs:ListQueues")
    wanted = {
        "aws:principalarn": APP.arn,
        "aws:userid": f"{APP.id}:me",
        "aws:username": None,
        "aws:principaltype": "AssumedRole",
        "aws:principaltag/team": "red",
        "aws:principaltag/cost": "1",
        "aws:sourceidentity": "ann",
        "aws:tokenissuetime": "2026-09-21T14:12:20Z",
        "aws:multifactorauthpresent": "true",
        "aws:multifactorauthage": "30",
        "aws:federatedprovider": "x",
    }
    assert keys(found, *wanted) == wanted


def test_nobody_has_no_principal_keys() -> None:
    found = context(World(), NOBODY, "s3:GetObject", Bucket="b", Key="k")
    assert keys(found, "aws:principalarn", "aws:username", "aws:principalaccount") == dict.fromkeys(
        ("aws:principalarn", "aws:username", "aws:principalaccount")
    )


@pytest.mark.parametrize("caller", [as_user(ANN), as_role(APP), as_root(), NOBODY])
def test_the_principals_keys_are_the_engines_own(caller: Caller) -> None:
    found = context(World().having(ANN, APP), caller, "sqs:ListQueues")
    derived = derived_context(caller.principal)
    assert {key: found.get(key) for key in derived} == derived


@pytest.mark.parametrize("key", ["KIND-IS", "\u212aind-is", "kind-i\u017f", "k\u0131nd-is", "k\u0130nd-is"])
def test_a_denied_tag_key_is_not_got_round_by_letters_that_look_alike(key: str) -> None:
    condition = {"Null": {"aws:RequestTag/kind-is": "false"}}
    ann = user("ann", allow("*"), deny("iam:TagRole", Condition=condition))
    world = World().having(ann, APP)
    assert not world.allows(as_user(ann), "iam:TagRole", RoleName="app", Tags=[{"Key": key, "Value": "x"}])
    assert world.allows(as_user(ann), "iam:TagRole", RoleName="app", Tags=[{"Key": "kind-iz", "Value": "x"}])


def test_tags_in_a_request_are_request_tags_however_a_service_spells_them() -> None:
    world = World().having(ANN)
    spellings: list[tuple[str, dict[str, Any]]] = [
        ("iam:TagRole", {"RoleName": "r", "Tags": [{"Key": "Team", "Value": "blue"}]}),
        ("sqs:CreateQueue", {"QueueName": "q", "tags": {"Team": "blue"}}),
        ("kms:TagResource", {"KeyId": "k", "Tags": [{"TagKey": "Team", "TagValue": "blue"}]}),
        ("s3:PutBucketTagging", {"Bucket": "b", "Tagging": {"TagSet": [{"Key": "Team", "Value": "blue"}]}}),
        (
            "ecs:TagResource",
            {"resourceArn": "arn:aws:ecs:a:111122223333:c/x", "tags": [{"key": "Team", "value": "blue"}]},
        ),
    ]
    for operation, params in spellings:
        found = context(world, as_user(ANN), operation, **params)
        assert found.get("aws:requesttag/team") == "blue", operation
        assert found.get("aws:tagkeys") == ("Team",), operation


def test_untagging_has_tag_keys_only() -> None:
    found = context(World().having(ANN), as_user(ANN), "iam:UntagRole", RoleName="r", TagKeys=["a", "b"])
    assert found.get("aws:tagkeys") == ("a", "b")
    assert found.get("aws:requesttag/a") is None


def test_the_tags_of_iam_resources_come_from_the_state() -> None:
    ann = user("ann", allow("iam:*", Condition={"StringEquals": {"iam:ResourceTag/Team": "green"}}))
    world = World().having(ann, APP, role("other"))
    assert world.allows(as_user(ann), "iam:GetRole", RoleName="app")
    assert not world.allows(as_user(ann), "iam:GetRole", RoleName="other")


def test_the_tags_of_other_resources_come_from_the_facts() -> None:
    ann = user("ann", allow("sqs:*", Condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/Team}"}}))
    ann = user("ann", inline=ann.inline, tags={"Team": "blue"})
    world = World().having(ann)
    url = f"http://h/{HOME}/q"
    assert not world.allows(as_user(ann), "sqs:SendMessage", QueueUrl=url)
    world.facts[f"arn:aws:sqs:{REGION}:{HOME}:q"] = ResourceFacts(tags={"team": "blue"})
    assert world.allows(as_user(ann), "sqs:SendMessage", QueueUrl=url)


def test_a_listing_may_be_limited_to_a_prefix() -> None:
    ann = user("ann", allow("s3:ListBucket", Condition={"StringLike": {"s3:prefix": "home/${aws:username}/*"}}))
    world = World().having(ann)
    assert world.allows(as_user(ann), "s3:ListObjectsV2", Bucket="b", Prefix="home/ann/x")
    assert not world.allows(as_user(ann), "s3:ListObjectsV2", Bucket="b", Prefix="home/bob/x")
    assert not world.allows(as_user(ann), "s3:ListObjectsV2", Bucket="b")


def test_a_public_acl_may_be_denied() -> None:
    ann = user("ann", allow("s3:*"), deny("s3:PutObject", Condition={"StringLike": {"s3:x-amz-acl": "public-*"}}))
    world = World().having(ann)
    assert world.allows(as_user(ann), "s3:PutObject", Bucket="b", Key="k", ACL="private")
    assert not world.allows(as_user(ann), "s3:PutObject", Bucket="b", Key="k", ACL="public-read")


def test_policies_see_how_a_request_was_signed() -> None:
    world = World().having(ANN)
    for signing, wanted in (
        (BY_HEADER, ("REST-HEADER", "AWS4-HMAC-SHA256", None, None)),
        (Signing(payload="UNSIGNED-PAYLOAD"), ("REST-HEADER", "AWS4-HMAC-SHA256", None, "UNSIGNED-PAYLOAD")),
        (Signing("REST-QUERY-STRING", age=1500), ("REST-QUERY-STRING", "AWS4-HMAC-SHA256", "1500", None)),
        (Signing("REST-QUERY-STRING", "AWS", 0), ("REST-QUERY-STRING", "AWS", "0", None)),
        (Signing("POST", "AWS", 0), ("POST", "AWS", "0", None)),
    ):
        call = world.call(as_user(ANN), "s3:GetObject", {"Bucket": "b", "Key": "k"}, signing=signing)
        found = Conditions(world.state, call, authz.plan(world.state, call).checks[0], UNKNOWN, HOME)
        keys = ("s3:authtype", "s3:signatureversion", "s3:signatureage", "s3:x-amz-content-sha256")
        assert tuple(map(found.get, keys)) == wanted


def test_an_instance_type_is_a_key_of_the_instance_alone() -> None:
    small = {"StringEquals": {"ec2:InstanceType": "t3.micro"}}
    everywhere = user("ann", allow("ec2:RunInstances", Condition=small))
    world = World().having(everywhere)
    launch = {"ImageId": "ami-1", "InstanceType": "t3.micro"}
    assert "image/ami-1" in world.refusal(as_user(everywhere), "ec2:RunInstances", **launch)
    ec2 = "arn:aws:ec2:*:*:instance/*"
    right = user("bob", allow("ec2:RunInstances", ec2, Condition=small), _but_instances())
    world.having(right)
    assert world.allows(as_user(right), "ec2:RunInstances", **launch)
    assert not world.allows(as_user(right), "ec2:RunInstances", **{**launch, "InstanceType": "p5.48xlarge"})


def _but_instances() -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "ec2:RunInstances", "NotResource": "arn:aws:ec2:*:*:instance/*"}


def test_tagging_may_be_allowed_at_creation_only() -> None:
    condition = {"StringEquals": {"ec2:CreateAction": "RunInstances", "aws:RequestTag/team": "blue"}}
    ann = user("ann", allow("ec2:RunInstances"), allow("ec2:CreateTags", Condition=condition))
    world = World().having(ann)

    def launch(team: str) -> dict[str, Any]:
        return {
            "ImageId": "ami-1",
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": team}]}],
        }

    assert world.allows(as_user(ann), "ec2:RunInstances", **launch("blue"))
    assert not world.allows(as_user(ann), "ec2:RunInstances", **launch("red"))
    tags = [{"Key": "team", "Value": "blue"}]
    assert not world.allows(as_user(ann), "ec2:CreateTags", Resources=["i-1"], Tags=tags)


INSTANCE = Instance(
    account=HOME,
    id="i-1",
    region=REGION,
    reservation="r-1",
    instance_type="t3.micro",
    state_changed=1,
    launched=1,
    zone=f"{REGION}a",
    private_ip="10.0.0.5",
    tags={"Team": "blue"},
)
WEB = InstanceProfile(account=HOME, name="web", id="AIPAWEB", created=1, roles=("app",))
BOND = ProfileAssociation(
    account=HOME,
    id="iip-assoc-1",
    region=REGION,
    instance="i-1",
    profile="web",
    profile_id="AIPAWEB",
    profile_arn=WEB.arn,
    since=1,
)


def test_the_keys_of_an_instance_come_from_the_state() -> None:
    world = World().having(ANN, INSTANCE, WEB, BOND)
    found = context(world, as_user(ANN), "ec2:TerminateInstances", InstanceIds=["i-1"])
    wanted = {
        "ec2:instancetype": "t3.micro",
        "ec2:instanceprofile": WEB.arn,
        "ec2:metadatahttptokens": "required",
        "ec2:metadatahttpputresponsehoplimit": "2",
        "ec2:availabilityzone": f"{REGION}a",
        "ec2:region": REGION,
    }
    assert keys(found, *wanted) == wanted
    tagged = user("bob", allow("ec2:*", Condition={"StringEquals": {"ec2:ResourceTag/Team": "blue"}}))
    world.having(tagged)
    assert world.allows(as_user(tagged), "ec2:TerminateInstances", InstanceIds=["i-1"])


def test_credentials_of_an_instance_name_it() -> None:
    world = World().having(APP, INSTANCE)
    caller = as_role(APP, "i-1", instance_id="i-1", context={"ec2:RoleDelivery": "2.0"})
    found = context(world, caller, "sqs:ListQueues")
    assert found.get("ec2:sourceinstancearn") == INSTANCE.arn
    assert found.get("ec2:roledelivery") == "2.0"
    assert context(world, as_role(APP), "sqs:ListQueues").get("ec2:sourceinstancearn") is None


def test_credentials_of_an_instance_tell_the_vpc_and_the_address_that_they_were_delivered_to() -> None:
    world = World().having(APP)
    told = {"aws:ec2instancesourcevpc": "vpc-1", "aws:ec2instancesourceprivateipv4": "10.0.0.5"}
    delivered = as_role(APP, "i-1", instance_id="i-1", context=told)
    assert keys(context(world, delivered, "sqs:ListQueues"), *told) == told
    claimed = as_role(APP, "session", context=told)  # of whatever else sets keys of a session
    found = context(world, claimed, "sqs:ListQueues")
    assert [found.get(key) for key in told] == [None, None]


def test_a_role_without_a_given_boundary_may_be_forbidden() -> None:
    limit = policy("limit", allow("s3:*"))
    bounded = {"StringEquals": {"iam:PermissionsBoundary": limit.arn}}
    ann = user("ann", allow("iam:*", Condition=bounded))
    world = World().having(ann, limit, role("free"), role("bound", boundary=limit.arn))
    made = {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}
    assert not world.allows(as_user(ann), "iam:CreateRole", **made)
    assert world.allows(as_user(ann), "iam:CreateRole", PermissionsBoundary=limit.arn, **made)
    assert world.allows(as_user(ann), "iam:PutRolePolicy", RoleName="bound", PolicyName="p", PolicyDocument="{}")
    assert not world.allows(as_user(ann), "iam:PutRolePolicy", RoleName="free", PolicyName="p", PolicyDocument="{}")


def test_attaching_may_be_limited_to_a_policy() -> None:
    readers = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    ann = user("ann", allow("iam:AttachRolePolicy", Condition={"ArnEquals": {"iam:PolicyARN": readers}}))
    world = World().having(ann, role("app"))
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert world.allows(as_user(ann), "iam:AttachRolePolicy", RoleName="app", PolicyArn=readers)
    assert not world.allows(as_user(ann), "iam:AttachRolePolicy", RoleName="app", PolicyArn=admin)


@pytest.mark.parametrize(
    ("operation", "params", "allowed"),
    [
        ("GetItem", {"Key": {"id": {"S": "AIDAANNXXXXXXXXXXXXXX"}}}, True),
        ("GetItem", {"Key": {"id": {"S": "bob"}}}, False),
        ("PutItem", {"Item": {"id": {"S": "bob"}}}, False),
        ("Query", {"KeyConditionExpression": "id = :me", "ExpressionAttributeValues": {":me": {"S": "bob"}}}, False),
        ("Query", {"KeyConditionExpression": "?"}, False),
        (
            "Query",
            {
                "KeyConditionExpression": "id = :me",
                "ExpressionAttributeValues": {":me": {"S": "AIDAANNXXXXXXXXXXXXXX"}},
            },
            True,
        ),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": [{"id": {"S": "bob"}}]}}}, False),
    ],
)
def test_items_may_be_limited_to_ones_own(operation: str, params: dict[str, Any], allowed: bool) -> None:
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:userid}"]}}
    ann = user(
        "ann", allow(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Batch*"], Condition=own)
    )
    world = World().having(ann)
    given = params if "RequestItems" in params else {"TableName": "t", **params}
    assert world.allows(as_user(ann), f"dynamodb:{operation}", **given) is allowed


def test_a_key_condition_of_any_length_is_read_once() -> None:
    """And not once from each letter of a long name, which would take hours."""
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["own"]}}
    ann = user("ann", allow("dynamodb:Query", Condition=own))
    given = {"TableName": "t", "ExpressionAttributeValues": {":v": {"S": "own"}}}
    long, world = "a" * 1_000_000, World().having(ann)
    assert world.allows(as_user(ann), "dynamodb:Query", KeyConditionExpression=f"{long} = :v", **given)
    assert not world.allows(as_user(ann), "dynamodb:Query", KeyConditionExpression=long, **given)


def test_partiql_does_not_get_around_leading_keys() -> None:
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:userid}"]}}
    ann = user("ann", allow("dynamodb:*", Condition=own))
    world = World().having(ann)
    assert not world.allows(as_user(ann), "dynamodb:ExecuteStatement", Statement='SELECT * FROM "t"')


def test_a_context_can_be_read_as_a_whole() -> None:
    world = World().having(APP)
    found = context(world, as_role(APP, tags={"a": "b"}), "s3:ListObjectsV2", Bucket="b", Prefix="p")
    everything = dict(found)
    assert len(found) == len(everything)
    assert everything["s3:prefix"] == "p"
    assert everything["aws:principaltag/a"] == "b"
    assert "aws:referer" not in found
    with pytest.raises(KeyError):
        found["aws:referer"]


def test_sts_sees_what_is_asked_of_it() -> None:
    params: dict[str, Any] = {
        "RoleArn": APP.arn,
        "RoleSessionName": "s",
        "ExternalId": "e",
        "SourceIdentity": "me",
        "TransitiveTagKeys": ["a"],
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    found = context(World().having(ANN, APP), as_user(ANN), "sts:AssumeRole", **params)
    wanted = {
        "sts:externalid": "e",
        "sts:rolesessionname": "s",
        "sts:sourceidentity": "me",
        "sts:transitivetagkeys": ("a",),
        "aws:requesttag/a": "b",
    }
    assert keys(found, *wanted) == wanted


def test_a_session_without_a_second_factor_says_false() -> None:
    session: Session = session_of(APP)
    assert session.mfa_at is None
    assert context(World().having(APP), as_role(APP), "sqs:ListQueues").get("aws:multifactorauthpresent") == "false"
