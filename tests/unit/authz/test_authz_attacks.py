"""Nobody gets in who may not: the attacks that the plane is there to refuse."""

from __future__ import annotations

import pytest

from locum import authz
from locum.core.principal import NOBODY, Caller, Principal
from locum.core.resources import ResourceFacts
from locum.state import Group, InstanceProfile, ProfileAssociation, change, put, remove
from support.authority import (
    AWAY,
    HOME,
    NOW,
    REGION,
    World,
    allow,
    as_role,
    as_root,
    as_user,
    deny,
    document,
    policy,
    role,
    trusting,
    user,
)

PROFILE = InstanceProfile(account=HOME, name="web", id="AIPAWEB", created=1, roles=("app",))
LAUNCH = {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": {"Name": "web"}}


def test_run_instances_with_a_profile_is_refused_without_pass_role() -> None:
    ann = user("ann", allow("ec2:*"))
    world = World().having(ann, role("app"), PROFILE)
    assert "iam:PassRole on resource: arn:aws:iam::111122223333:role/app" in world.refusal(
        as_user(ann), "ec2:RunInstances", **LAUNCH
    )


def test_run_instances_with_a_profile_is_allowed_with_pass_role_to_ec2_only() -> None:
    to_ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    passes = user("ann", allow("ec2:*"), allow("iam:PassRole", f"arn:aws:iam::{HOME}:role/app", Condition=to_ec2))
    other = user("bob", allow("ec2:*"), allow("iam:PassRole", Condition=to_lambda))
    world = World().having(passes, other, role("app"), PROFILE)
    assert world.allows(as_user(passes), "ec2:RunInstances", **LAUNCH)
    assert not world.allows(as_user(other), "ec2:RunInstances", **LAUNCH)


def test_a_profile_that_is_not_there_may_be_named_only_by_who_may_pass_every_role() -> None:
    ann = user("ann", allow("ec2:*"), allow("iam:PassRole", f"arn:aws:iam::{HOME}:role/app"))
    world = World().having(ann, role("app"))
    assert not world.allows(as_user(ann), "ec2:RunInstances", **LAUNCH)


@pytest.mark.parametrize("operation", ["ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation"])
def test_swapping_a_profile_takes_pass_role(operation: str) -> None:
    ann = user("ann", allow("ec2:*"))
    bond = ProfileAssociation(
        account=HOME,
        id="iip-assoc-1",
        region=REGION,
        instance="i-1",
        profile="web",
        profile_id="AIPAWEB",
        profile_arn=PROFILE.arn,
        since=1,
    )
    world = World().having(ann, role("app"), PROFILE, bond)
    params = {"InstanceId": "i-1", "AssociationId": "iip-assoc-1", "IamInstanceProfile": {"Arn": PROFILE.arn}}
    assert (f"{operation}", f"arn:aws:ec2:{REGION}:{HOME}:instance/i-1") in world.plan(
        as_user(ann), operation, **params
    )
    assert "iam:PassRole" in world.refusal(as_user(ann), operation, **params)


def test_adding_a_role_to_a_profile_takes_pass_role() -> None:
    ann = user("ann", allow("iam:AddRoleToInstanceProfile"))
    world = World().having(ann, role("app", path="/teams/"), PROFILE)
    told = world.refusal(as_user(ann), "iam:AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="app")
    assert "iam:PassRole on resource: arn:aws:iam::111122223333:role/teams/app" in told


def test_passing_a_role_of_another_account_is_refused() -> None:
    ann = user("ann", allow("*"))
    world = World().having(ann, role("app", account=AWAY))
    params = {"FunctionName": "f", "Role": f"arn:aws:iam::{AWAY}:role/app", "Code": {}}
    assert not world.allows(as_user(ann), "lambda:CreateFunction", **params)


def test_a_role_is_not_assumed_by_whom_its_trust_policy_does_not_name() -> None:
    ann, bob = user("ann", allow("sts:AssumeRole")), user("bob", allow("sts:AssumeRole"))
    app = role("app", trust=trusting(ann.id))
    world = World().having(ann, bob, app)
    params = {"RoleArn": app.arn, "RoleSessionName": "s"}
    assert world.allows(as_user(ann), "sts:AssumeRole", **params)
    assert "because no role trust policy allows the sts:AssumeRole action" in world.refusal(
        as_user(bob), "sts:AssumeRole", **params
    )


def test_naming_the_account_in_a_trust_policy_leaves_it_to_identity_policies() -> None:
    ann, bob = user("ann", allow("sts:AssumeRole")), user("bob")
    app = role("app", trust=trusting(f"arn:aws:iam::{HOME}:root"))
    world = World().having(ann, bob, app)
    params = {"RoleArn": app.arn, "RoleSessionName": "s"}
    assert world.allows(as_user(ann), "sts:AssumeRole", **params)
    assert "no identity-based policy" in world.refusal(as_user(bob), "sts:AssumeRole", **params)


def test_a_missing_or_wrong_external_id_is_refused() -> None:
    condition = {"StringEquals": {"sts:ExternalId": "the-secret-one"}}
    ann = user("ann", allow("sts:AssumeRole"), account=AWAY)
    app = role("app", trust=trusting(f"arn:aws:iam::{AWAY}:root", Condition=condition))
    world = World().having(ann, app)
    params = {"RoleArn": app.arn, "RoleSessionName": "s"}
    assert not world.allows(as_user(ann), "sts:AssumeRole", **params)
    assert not world.allows(as_user(ann), "sts:AssumeRole", ExternalId="another", **params)
    assert world.allows(as_user(ann), "sts:AssumeRole", ExternalId="the-secret-one", **params)


def test_a_role_that_does_not_exist_is_refused_like_one_that_trusts_nobody() -> None:
    ann = user("ann", allow("*"))
    params = {"RoleArn": f"arn:aws:iam::{HOME}:role/none", "RoleSessionName": "s"}
    assert "because no role trust policy allows" in World().having(ann).refusal(
        as_user(ann), "sts:AssumeRole", **params
    )


def test_session_tags_take_tag_session_in_the_trust_policy() -> None:
    ann = user("ann", allow("sts:*"))
    strict = role("strict", trust=trusting(ann.id))
    lenient = role("lenient", trust=trusting(ann.id, "sts:AssumeRole", "sts:TagSession"))
    world = World().having(ann, strict, lenient)
    tags = [{"Key": "team", "Value": "blue"}]
    assert world.allows(as_user(ann), "sts:AssumeRole", RoleArn=strict.arn, RoleSessionName="s")
    assert not world.allows(as_user(ann), "sts:AssumeRole", RoleArn=strict.arn, RoleSessionName="s", Tags=tags)
    assert world.allows(as_user(ann), "sts:AssumeRole", RoleArn=lenient.arn, RoleSessionName="s", Tags=tags)


@pytest.mark.parametrize("tagging", [{}, {"Tags": []}, {"TransitiveTagKeys": []}])
def test_transitive_tags_are_carried_on_only_where_the_session_may_be_tagged(tagging: dict[str, object]) -> None:
    first = role("first", allow("sts:*"))
    strict = role("strict", trust=trusting(first.id))
    lenient = role("lenient", trust=trusting(first.id, "sts:AssumeRole", "sts:TagSession"))
    world = World().having(first, strict, lenient)
    plain = as_role(first, tags={"ns": "a"})
    tagged = as_role(first, tags={"ns": "a"}, transitive_tag_keys=("ns",))
    assert world.allows(plain, "sts:AssumeRole", RoleArn=strict.arn, RoleSessionName="s", **tagging)
    assert world.allows(tagged, "sts:AssumeRole", RoleArn=lenient.arn, RoleSessionName="s", **tagging)
    refusal = world.refusal(tagged, "sts:AssumeRole", RoleArn=strict.arn, RoleSessionName="s", **tagging)
    assert f"is not authorized to perform: sts:TagSession on resource: {strict.arn}" in refusal


def test_a_source_identity_is_carried_on_only_where_it_may_be_set() -> None:
    first = role("first", allow("sts:*"))
    second = role("second", trust=trusting(first.id))
    world = World().having(first, second)
    params = {"RoleArn": second.arn, "RoleSessionName": "s"}
    assert world.allows(as_role(first), "sts:AssumeRole", **params)
    assert not world.allows(as_role(first, source_identity="ann"), "sts:AssumeRole", **params)


def test_a_boundary_limits_what_an_identity_policy_allows() -> None:
    limit = policy("limit", allow("sqs:*"))
    ann = user("ann", allow("*"), boundary=limit.arn)
    world = World().having(ann, limit)
    assert world.allows(as_user(ann), "sqs:ListQueues")
    assert "because no permissions boundary allows the sns:ListTopics action" in world.refusal(
        as_user(ann), "sns:ListTopics"
    )


def test_a_boundary_that_was_lost_is_no_freedom() -> None:
    ann = user("ann", allow("*"), boundary=f"arn:aws:iam::{HOME}:policy/gone")
    assert not World().having(ann).allows(as_user(ann), "sqs:ListQueues")


def test_a_session_policy_limits_the_session() -> None:
    app = role("app", allow("*"))
    world = World().having(app)
    narrow = as_role(app, policy=document(allow("sqs:*")))
    assert world.allows(narrow, "sqs:ListQueues")
    assert "because no session policy allows" in world.refusal(narrow, "sns:ListTopics")
    denied = as_role(app, policy=document(allow("*"), deny("sns:*")))
    assert "with an explicit deny in a session policy" in world.refusal(denied, "sns:ListTopics")


def test_a_managed_session_policy_that_is_gone_allows_nothing() -> None:
    app = role("app", allow("*"))
    limit = policy("limit", allow("sqs:*"))
    world = World().having(app, limit)
    caller = as_role(app, policy_arns=(limit.arn,))
    assert world.allows(caller, "sqs:ListQueues")
    world.state = change(world.state, [remove(limit)])
    assert not world.allows(caller, "sqs:ListQueues")


def test_the_session_of_a_deleted_role_may_do_nothing() -> None:
    app = role("app", allow("*"))
    world = World().having(app)
    world.facts["arn:aws:s3:::public"] = ResourceFacts(HOME, _public("arn:aws:s3:::public/*"))
    caller = as_role(app)
    assert world.allows(caller, "s3:GetObject", Bucket="public", Key="k")
    world.state = change(world.state, [remove(app)])
    for operation in ("s3:GetObject", "sts:GetCallerIdentity"):
        assert not world.allows(caller, operation, Bucket="public", Key="k")


def test_a_role_made_again_under_the_same_name_is_another_one() -> None:
    app = role("app", allow("*"))
    world = World().having(app)
    caller = as_role(app)
    world.having(role("app", allow("*"), id="AROANEWONEXXXXXXXXXXX"))
    assert not world.allows(caller, "sqs:ListQueues")


def test_a_change_of_any_policy_takes_effect_at_once() -> None:
    ann = user("ann", groups=("staff",))
    world = World().having(ann)
    assert not world.allows(as_user(ann), "sqs:ListQueues")
    world.having(user("ann", allow("sqs:ListQueues")))
    assert world.allows(as_user(ann), "sqs:ListQueues")
    world.having(user("ann", deny("sqs:ListQueues"), allow("*")))
    assert not world.allows(as_user(ann), "sqs:ListQueues")


def test_a_new_default_version_of_a_managed_policy_takes_effect_at_once() -> None:
    ann = user("ann", attached=(f"arn:aws:iam::{HOME}:policy/p",))
    world = World().having(ann, policy("p", allow("sqs:*")))
    assert world.allows(as_user(ann), "sqs:ListQueues")
    world.having(policy("p", allow("sns:*")))
    assert not world.allows(as_user(ann), "sqs:ListQueues")
    assert world.allows(as_user(ann), "sns:ListTopics")


def test_aws_managed_policies_count_and_unknown_ones_allow_nothing() -> None:
    reads = user("ann", attached=("arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess",))
    none = user("bob", attached=("arn:aws:iam::aws:policy/NoSuchPolicyAtAll",))
    world = World().having(reads, none)
    assert world.allows(as_user(reads), "sqs:ListQueues")
    assert not world.allows(as_user(none), "sqs:ListQueues")


@pytest.mark.parametrize("text", ["{", '{"Version":"2012-10-17"}', '{"Statement":[{"Effect":"Allow","Action":"*"}]}'])
def test_a_stored_document_that_cannot_be_read_denies_everything(text: str) -> None:
    ann = user("ann", inline={"a": document(allow("*")), "b": text})
    assert "with an explicit deny in an identity-based policy" in World().having(ann).refusal(
        as_user(ann), "sqs:ListQueues"
    )


def _public(resource: str, action: str = "s3:GetObject") -> str:
    return document({"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource})


def test_nobody_reads_a_bucket_but_a_public_one() -> None:
    world = World()
    world.facts["arn:aws:s3:::public"] = ResourceFacts(HOME, _public("arn:aws:s3:::public/*"))
    world.facts["arn:aws:s3:::private"] = ResourceFacts(HOME)
    assert world.allows(NOBODY, "s3:GetObject", Bucket="public", Key="k")
    assert not world.allows(NOBODY, "s3:PutObject", Bucket="public", Key="k")
    assert not world.allows(NOBODY, "s3:GetObject", Bucket="private", Key="k")
    assert not world.allows(NOBODY, "s3:GetObject", Bucket="nowhere", Key="k")


def test_another_accounts_bucket_takes_both_sides() -> None:
    ann, bob = user("ann", allow("s3:*")), user("bob")
    world = World().having(ann, bob)
    bucket = "arn:aws:s3:::theirs"
    world.facts[bucket] = ResourceFacts(AWAY)
    assert not world.allows(as_user(ann), "s3:GetObject", Bucket="theirs", Key="k")
    grant = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "s3:GetObject", "Resource": f"{bucket}/*"}
    world.facts[bucket] = ResourceFacts(AWAY, document(grant))
    assert world.allows(as_user(ann), "s3:GetObject", Bucket="theirs", Key="k")
    assert not world.allows(as_user(bob), "s3:GetObject", Bucket="theirs", Key="k")


def test_not_even_root_reads_another_accounts_bucket_unasked() -> None:
    world = World()
    world.facts["arn:aws:s3:::theirs"] = ResourceFacts(AWAY)
    assert world.allows(as_root(), "s3:GetObject", Bucket="ours", Key="k")
    assert not world.allows(as_root(), "s3:GetObject", Bucket="theirs", Key="k")


def test_a_bucket_policy_denies_root_itself() -> None:
    world = World()
    statement = {**deny("s3:*", "arn:aws:s3:::locked/*"), "Principal": "*"}
    world.facts["arn:aws:s3:::locked"] = ResourceFacts(HOME, document(statement))
    assert "with an explicit deny in a resource-based policy" in world.refusal(
        as_root(), "s3:GetObject", Bucket="locked", Key="k"
    )


def test_copying_takes_reading_the_source() -> None:
    ann = user("ann", allow("s3:PutObject", "arn:aws:s3:::mine/*"))
    world = World().having(ann)
    told = world.refusal(as_user(ann), "s3:CopyObject", Bucket="mine", Key="k", CopySource="secret/other%2Fkey")
    assert 's3:GetObject on resource: "arn:aws:s3:::secret/other/key"' in told


def test_every_key_of_a_batch_is_checked() -> None:
    ann = user("ann", allow("s3:DeleteObject", "arn:aws:s3:::b/mine/*"))
    world = World().having(ann)
    mine, other = {"Key": "mine/1"}, {"Key": "others/1"}
    assert world.allows(as_user(ann), "s3:DeleteObjects", Bucket="b", Delete={"Objects": [mine]})
    assert not world.allows(as_user(ann), "s3:DeleteObjects", Bucket="b", Delete={"Objects": [mine, other]})
    version = {"Key": "mine/1", "VersionId": "v"}
    assert not world.allows(as_user(ann), "s3:DeleteObjects", Bucket="b", Delete={"Objects": [version]})


def test_an_operation_that_nothing_knows_is_for_those_allowed_on_everything() -> None:
    some = user("ann", allow("s3:*", "arn:aws:s3:::*"))
    every = user("bob", allow("*"))
    world = World().having(some, every)
    for operation in ("s3:InventedYesterday", "nosuchservice:Anything"):
        assert not world.allows(as_user(some), operation)
        assert world.allows(as_user(every), operation)


def test_a_federated_user_without_a_session_policy_may_do_nothing() -> None:
    ann = user("ann", allow("*"))
    world = World().having(ann)
    principal = Principal.federated_user(HOME, "guest", ann.arn, ann.id)
    assert not world.allows(Caller(principal, "ASIA"), "sqs:ListQueues")


def test_a_kms_key_by_alias_is_guarded_by_its_key_policy() -> None:
    ann = user("ann", allow("kms:*"))
    world = World().having(ann)
    alias = f"arn:aws:kms:{REGION}:{HOME}:alias/app"
    assert not world.allows(as_user(ann), "kms:Encrypt", KeyId="alias/app", Plaintext=b"x")
    owner = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "kms:*", "Resource": "*"}
    world.facts[alias] = ResourceFacts(HOME, document(owner), arn=f"arn:aws:kms:{REGION}:{HOME}:key/1")
    assert world.allows(as_user(ann), "kms:Encrypt", KeyId="alias/app", Plaintext=b"x")


def test_a_group_grants_and_denies_to_its_members() -> None:
    from_group = authz.Call(
        service="sqs", operation="ListQueues", params={}, caller=as_user(user("ann")), region=REGION, now=NOW
    )
    world = World().having(user("ann", groups=("staff",)))
    assert not authz.decide_further(world.state, from_group, authz.Check("sqs:ListQueues", "*")).allowed
    world.state = change(world.state, [put(_group(allow("sqs:*")))])
    assert authz.decide_further(world.state, from_group, authz.Check("sqs:ListQueues", "*")).allowed


def _group(statement: dict[str, object]) -> Group:
    return Group(account=HOME, name="staff", id="AGPA1", created=1, inline={"g": document(statement)})


def test_a_ciphertext_is_not_opened_under_the_name_of_another_key() -> None:
    mine, other = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    arns = [f"arn:aws:kms:{REGION}:{HOME}:key/{key}" for key in (mine, other)]
    ann = user("ann", allow("kms:Decrypt", arns[0]))
    world = World().having(ann)
    owner = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "kms:*", "Resource": "*"}
    world.facts.update({arn: ResourceFacts(HOME, document(owner)) for arn in arns})
    assert world.allows(as_user(ann), "kms:Decrypt", CiphertextBlob=mine.encode() + b"\xff")
    for key in ({}, {"KeyId": mine}):
        assert not world.allows(as_user(ann), "kms:Decrypt", CiphertextBlob=other.encode() + b"\xff", **key)
    assert not world.allows(as_user(ann), "kms:Decrypt", CiphertextBlob=b"nothing of the kind")


def test_a_ciphertext_is_opened_with_the_key_of_another_account_that_lets_in_and_with_no_other() -> None:
    mine, other = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    ann = user("ann", allow("kms:Decrypt"))
    world = World().having(ann)
    theirs = f"arn:aws:kms:{REGION}:{AWAY}:key/{mine}"
    owner = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "kms:*", "Resource": "*"}
    world.facts[theirs] = ResourceFacts(AWAY, document(owner))
    assert world.allows(as_user(ann), "kms:Decrypt", CiphertextBlob=mine.encode() + b"\xff", KeyId=theirs)
    assert not world.allows(as_user(ann), "kms:Decrypt", CiphertextBlob=other.encode() + b"\xff", KeyId=theirs)
    assert not world.allows(as_user(ann), "kms:Decrypt", CiphertextBlob=mine.encode() + b"\xff")


def test_a_role_in_a_topics_attributes_is_passed() -> None:
    ann = user("ann", allow("sns:*"))
    topic = f"arn:aws:sns:{REGION}:{HOME}:t"
    params = {"TopicArn": topic, "AttributeName": "HTTPSuccessFeedbackRoleArn"}
    world = World().having(ann, role("app"))
    told = world.refusal(
        as_user(ann), "sns:SetTopicAttributes", AttributeValue=f"arn:aws:iam::{HOME}:role/app", **params
    )
    assert "iam:PassRole" in told
    assert world.allows(as_user(ann), "sns:SetTopicAttributes", TopicArn=topic, AttributeName="DisplayName")


def test_making_a_bucket_is_a_matter_of_ones_own_account() -> None:
    ann = user("ann", allow("s3:CreateBucket"))
    world = World().having(ann)
    world.facts["arn:aws:s3:::taken"] = ResourceFacts(AWAY)
    assert world.allows(as_user(ann), "s3:CreateBucket", Bucket="taken")


def test_what_may_be_asked_further_follows_the_same_policies() -> None:
    ann = user("ann", allow("s3:GetObject"))
    world = World().having(ann)
    call = world.call(as_user(ann), "s3:GetObject", {"Bucket": "b", "Key": "k"})
    assert authz.decide_further(world.state, call, authz.Check("s3:GetObject", "arn:aws:s3:::b/other")).allowed
    assert not authz.decide_further(world.state, call, authz.Check("s3:ListBucket", "arn:aws:s3:::b")).allowed
