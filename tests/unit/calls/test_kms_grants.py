"""KMS grants let their grantee use a key within their constraints, beside all policies but never against a Deny."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess, Key, refusal

HOME, AWAY = "000000000000", "333344445555"
DENIED = "AccessDeniedException"
OWN = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "kms:*", "Resource": "*"}
NOTHING = {"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class World:
    """Keys of root, whose `client` has the grants; `grantee` makes a user that no policy lets use them."""

    def __init__(self, plane: InProcess) -> None:
        self.plane, self.kms, self.users = plane, plane.client("kms"), 0
        self.away = plane.account(AWAY)

    def key(self) -> str:
        made: str = self.kms.create_key()["KeyMetadata"]["Arn"]
        return made

    def grantee(self, *statements: dict[str, Any]) -> tuple[str, Any]:
        """The ARN of a new user, and its client of KMS."""
        self.users += 1
        name = f"grantee-{self.users}"
        return f"arn:aws:iam::{HOME}:user/{name}", self.plane.client(
            "kms", self.plane.user(name, *statements or (NOTHING,))
        )

    def grant(self, key: str, grantee: str, *operations: str, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.kms.create_grant(
            KeyId=key, GranteePrincipal=grantee, Operations=list(operations), **more
        )
        return made

    def sealed(self, key: str, **context: str) -> dict[str, Any]:
        """The parameters of a Decrypt of something that is encrypted under `key`."""
        blob = self.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
        return {"CiphertextBlob": blob, "EncryptionContext": context}


@pytest.fixture(scope="module")
def world(plane: InProcess) -> World:
    return World(plane)


def test_the_grantee_uses_the_key_for_the_operations_of_its_grant_and_another_does_not(world: World) -> None:
    key = world.key()
    (arn, client), (_, other) = world.grantee(), world.grantee()
    sealed = world.sealed(key)
    assert refusal(client.decrypt, **sealed)[0] == DENIED
    world.grant(key, arn, "Decrypt")
    assert client.decrypt(**sealed)["Plaintext"] == b"x"
    assert refusal(other.decrypt, **sealed)[0] == DENIED
    assert refusal(client.encrypt, KeyId=key, Plaintext=b"x")[0] == DENIED
    assert refusal(client.decrypt, **world.sealed(world.key()))[0] == DENIED


@pytest.mark.parametrize("way", ["revoke", "retire"])
def test_a_grant_that_is_gone_grants_nothing(world: World, way: str) -> None:
    key, (arn, client) = world.key(), world.grantee()
    grant = world.grant(key, arn, "DescribeKey")["GrantId"]
    client.describe_key(KeyId=key)
    (world.kms.revoke_grant if way == "revoke" else world.kms.retire_grant)(KeyId=key, GrantId=grant)
    assert refusal(client.describe_key, KeyId=key)[0] == DENIED


def test_the_encryption_context_is_the_one_that_the_grant_demands(world: World) -> None:
    key, (arn, client) = world.key(), world.grantee()
    world.grant(key, arn, "Encrypt", "DescribeKey", Constraints={"EncryptionContextEquals": {"Team": "red"}})
    encrypt = {"KeyId": key, "Plaintext": b"x"}
    client.encrypt(EncryptionContext={"team": "red"}, **encrypt)
    for context in ({}, {"team": "Red"}, {"team": "red", "more": "x"}, {"other": "red"}):
        assert refusal(client.encrypt, EncryptionContext=context, **encrypt)[0] == DENIED, context
    client.describe_key(KeyId=key)


def test_the_encryption_context_has_what_the_grant_demands_a_part_of(world: World) -> None:
    key, (arn, client) = world.key(), world.grantee()
    world.grant(key, arn, "GenerateDataKey", Constraints={"EncryptionContextSubset": {"team": "red", "app": "web"}})
    call = {"KeyId": key, "KeySpec": "AES_256"}
    client.generate_data_key(EncryptionContext={"team": "red", "app": "web", "more": "x"}, **call)
    for context in ({}, {"team": "red"}, {"team": "red", "app": "Web"}):
        assert refusal(client.generate_data_key, EncryptionContext=context, **call)[0] == DENIED, context


def test_each_side_of_a_reencryption_takes_a_grant_with_its_own_context(world: World) -> None:
    source, destination, (arn, client) = world.key(), world.key(), world.grantee()
    sealed = world.sealed(source, side="old")
    call = {
        "CiphertextBlob": sealed["CiphertextBlob"],
        "SourceEncryptionContext": {"side": "old"},
        "DestinationKeyId": destination,
        "DestinationEncryptionContext": {"side": "new"},
    }
    world.grant(source, arn, "ReEncryptFrom", Constraints={"EncryptionContextEquals": {"side": "old"}})
    wrong = world.grant(destination, arn, "ReEncryptTo", Constraints={"EncryptionContextEquals": {"side": "old"}})
    assert refusal(client.re_encrypt, **call)[0] == DENIED
    world.kms.revoke_grant(KeyId=destination, GrantId=wrong["GrantId"])
    world.grant(destination, arn, "ReEncryptTo", Constraints={"EncryptionContextEquals": {"side": "new"}})
    client.re_encrypt(**call)


def test_a_deny_of_the_key_policy_or_of_the_grantees_own_wins(world: World) -> None:
    key, (arn, client) = world.key(), world.grantee()
    denied_arn, denied = world.grantee({"Effect": "Deny", "Action": "kms:Decrypt", "Resource": key})
    sealed = world.sealed(key)
    for grantee in (arn, denied_arn):
        world.grant(key, grantee, "Decrypt")
    client.decrypt(**sealed)
    assert refusal(denied.decrypt, **sealed)[0] == DENIED
    deny = {"Effect": "Deny", "Principal": {"AWS": arn}, "Action": "kms:Decrypt", "Resource": "*"}
    world.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document(OWN, deny))
    assert refusal(client.decrypt, **sealed)[0] == DENIED


def _role(world: World, key: Key | None, name: str, account: str) -> tuple[str, Any]:
    """A role without permissions, of whichever account, and the client of a session of it."""
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    arn = world.plane.client("iam", key).create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"][
        "Arn"
    ]
    user = world.plane.client("iam", key)
    user.create_user(UserName=f"into-{name}")
    assume = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
    user.put_user_policy(UserName=f"into-{name}", PolicyName="p", PolicyDocument=assume)
    made = user.create_access_key(UserName=f"into-{name}")["AccessKey"]
    sts = world.plane.client("sts", Key(made["AccessKeyId"], made["SecretAccessKey"]))
    found = sts.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    session = Key(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    return arn, world.plane.client("kms", session)


@pytest.mark.parametrize("account", [HOME, AWAY])
def test_a_role_has_the_grant_by_itself_in_any_account(world: World, account: str) -> None:
    """As the service-linked role of Auto Scaling has, by a grant on a key of another account."""
    key = world.key()
    arn, client = _role(world, world.away if account == AWAY else None, "granted", account)
    assert refusal(client.describe_key, KeyId=key)[0] == DENIED
    world.grant(key, arn, "DescribeKey")
    assert client.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    assert refusal(client.encrypt, KeyId=key, Plaintext=b"x")[0] == DENIED


def test_a_grant_to_an_account_needs_the_identity_policies_of_the_caller(world: World) -> None:
    key = world.key()
    world.grant(key, f"arn:aws:iam::{AWAY}:root", "DescribeKey")
    _, without = _role(world, world.away, "without", AWAY)
    assert refusal(without.describe_key, KeyId=key)[0] == DENIED
    world.plane.client("kms", world.away).describe_key(KeyId=key)


def test_a_grantee_passes_on_no_more_than_it_has(world: World) -> None:
    key, (arn, client), (other, _) = world.key(), world.grantee(), world.grantee()
    part = {"EncryptionContextSubset": {"team": "red"}}
    world.grant(key, arn, "Decrypt", "CreateGrant", Constraints=part)
    call = {"KeyId": key, "GranteePrincipal": other}
    client.create_grant(Operations=["Decrypt"], Constraints=part, **call)
    client.create_grant(
        Operations=["Decrypt"], Constraints={"EncryptionContextEquals": {"team": "red", "app": "web"}}, **call
    )
    for asked in (
        {"Operations": ["Decrypt"]},
        {"Operations": ["Decrypt", "Encrypt"], "Constraints": part},
        {"Operations": ["Decrypt"], "Constraints": {"EncryptionContextSubset": {"team": "blue"}}},
        {"Operations": ["Decrypt"], "Constraints": {"EncryptionContextEquals": {"app": "web"}}},
    ):
        assert refusal(client.create_grant, **asked, **call)[0] == DENIED, asked


def test_the_retiring_principal_retires_its_grant_and_no_other(world: World) -> None:
    key, (arn, grantee), (retiring, client) = world.key(), world.grantee(), world.grantee()
    own = world.grant(key, arn, "DescribeKey", RetiringPrincipal=retiring)["GrantId"]
    other = world.grant(key, arn, "DescribeKey")["GrantId"]
    assert refusal(client.retire_grant, KeyId=key, GrantId=other)[0] == DENIED
    assert refusal(grantee.retire_grant, KeyId=key, GrantId=own)[0] == DENIED
    client.retire_grant(KeyId=key, GrantId=own)
    assert [grant["GrantId"] for grant in world.kms.list_grants(KeyId=key)["Grants"]] == [other]


def test_a_service_uses_a_key_by_the_grant_of_its_caller(world: World) -> None:
    key, s3 = world.key(), world.plane.client("s3")
    s3.create_bucket(Bucket="granted-bucket")
    s3.put_object(Bucket="granted-bucket", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    user = world.plane.user("s3-grantee", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    get = world.plane.client("s3", user).get_object
    assert refusal(get, Bucket="granted-bucket", Key="k")[0] == "AccessDenied"
    context = {"EncryptionContextSubset": {"aws:s3:arn": "arn:aws:s3:::granted-bucket/k"}}
    world.grant(key, f"arn:aws:iam::{HOME}:user/s3-grantee", "Decrypt", Constraints=context)
    assert get(Bucket="granted-bucket", Key="k")["Body"].read() == b"x"


def test_a_policy_may_let_only_services_make_grants(world: World) -> None:
    only = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    key = world.key()
    arn, client = world.grantee({"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": "*", "Condition": only})
    told = refusal(client.create_grant, KeyId=key, GranteePrincipal=arn, Operations=["Decrypt"])
    assert told[0] == DENIED


@pytest.mark.parametrize("grantee", ["*", "arn:aws:iam::*:user/x", "not an ARN", f"arn:aws:iam::{HOME}:user/*"])
def test_a_grantee_that_is_nobody_gets_nothing_and_breaks_nothing(world: World, grantee: str) -> None:
    key, (arn, client), (_, other) = world.key(), world.grantee(), world.grantee()
    world.grant(key, arn, "DescribeKey")
    world.grant(key, grantee, "DescribeKey")
    client.describe_key(KeyId=key)
    assert refusal(other.describe_key, KeyId=key)[0] == DENIED
