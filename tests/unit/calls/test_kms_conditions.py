"""The condition keys of KMS hold for every request that has them, and for none that only looks so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import InProcess, Key

HOME = "000000000000"
DEFAULTS = {"BypassPolicyLockoutSafetyCheck": "false", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"}


class Keys:
    """A KMS key with the alias `app-NAME`, and another one without."""

    def __init__(self, plane: InProcess) -> None:
        self.plane, self.kms = plane, plane.client("kms")
        self.one, self.two = (self.kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
        self.kms.create_alias(AliasName="alias/app", TargetKeyId=self.one)
        self.signing = self.kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        self.users = 0

    def sealed(self, key: str) -> bytes:
        found: bytes = self.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        return found

    def user(self, condition: dict[str, Any]) -> Key:
        self.users += 1
        statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": condition}
        return self.plane.user(f"holder-{self.users}", statement)

    def allows(self, condition: dict[str, Any], operation: str, **params: Any) -> bool:
        try:
            getattr(self.plane.client("kms", self.user(condition)), operation)(**params)
        except ClientError as error:
            return bool(error.response["Error"]["Code"] != "AccessDeniedException")
        return True


@pytest.fixture(scope="module")
def keys(plane: InProcess) -> Keys:
    return Keys(plane)


def equals(key: str, value: Any) -> dict[str, Any]:
    return {"StringEquals": {f"kms:{key}": value}}


def test_an_encryption_context_is_had_by_who_names_it_rightly(keys: Keys) -> None:
    wanted = equals("EncryptionContext:AppName", "ExampleApp")
    assert keys.allows(wanted, "encrypt", KeyId=keys.one, Plaintext=b"x", EncryptionContext={"appname": "ExampleApp"})
    assert not keys.allows(wanted, "encrypt", KeyId=keys.one, Plaintext=b"x", EncryptionContext={"AppName": "Other"})
    assert not keys.allows(wanted, "encrypt", KeyId=keys.one, Plaintext=b"x")


def test_a_key_of_the_encryption_context_may_have_colons_and_slashes(keys: Keys) -> None:
    wanted = equals("EncryptionContext:aws:s3/arn:of", "b")
    context = {"aws:s3/arn:of": "b"}
    assert keys.allows(wanted, "generate_data_key", KeyId=keys.one, KeySpec="AES_256", EncryptionContext=context)


def test_all_keys_of_the_encryption_context_are_told(keys: Keys) -> None:
    only = {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["a", "b"]}}
    call = {"KeyId": keys.one, "Plaintext": b"x"}
    assert keys.allows(only, "encrypt", **call, EncryptionContext={"a": "1", "b": "2"})
    assert not keys.allows(only, "encrypt", **call, EncryptionContext={"a": "1", "c": "2"})


def test_each_side_of_a_reencryption_has_its_own_context(keys: Keys) -> None:
    blob = keys.sealed(keys.one)
    source = {"SourceEncryptionContext": {"to": "you"}, "DestinationEncryptionContext": {"to": "me"}}
    assert not keys.allows(
        equals("EncryptionContext:to", "me"), "re_encrypt", CiphertextBlob=blob, DestinationKeyId=keys.two, **source
    )


@pytest.mark.parametrize("form", ["{id}", "alias/app", "arn:aws:kms:us-east-1:000000000000:key/{id}"])
def test_reencryption_on_the_same_key_is_seen_by_every_name_of_the_key(keys: Keys, form: str) -> None:
    other = {"Bool": {"kms:ReEncryptOnSameKey": "false"}}
    blob, name = keys.sealed(keys.one), form.format(id=keys.one)
    assert not keys.allows(other, "re_encrypt", CiphertextBlob=blob, DestinationKeyId=name)
    assert keys.allows(other, "re_encrypt", CiphertextBlob=blob, DestinationKeyId=keys.two, SourceKeyId=keys.one)


def test_an_alias_that_is_asked_for_is_not_any_alias_of_the_key(keys: Keys) -> None:
    call = {"Plaintext": b"x"}
    assert keys.allows(equals("RequestAlias", "alias/app"), "encrypt", KeyId="alias/app", **call)
    assert not keys.allows(equals("RequestAlias", "alias/app"), "encrypt", KeyId=keys.one, **call)
    having = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}}
    assert keys.allows(having, "encrypt", KeyId=keys.one, **call)
    assert not keys.allows(having, "encrypt", KeyId=keys.two, **call)


def test_the_spec_of_a_data_key_is_not_that_of_its_key(keys: Keys) -> None:
    call = {"KeyId": keys.one, "KeySpec": "AES_256"}
    assert not keys.allows(equals("KeySpec", "AES_256"), "generate_data_key", **call)
    assert keys.allows(equals("KeySpec", "SYMMETRIC_DEFAULT"), "generate_data_key", **call)
    assert keys.allows(equals("KeyUsage", "SIGN_VERIFY"), "get_public_key", KeyId=keys.signing)


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_default_of_a_parameter_is_its_value(keys: Keys, name: str) -> None:
    operator = "Bool" if DEFAULTS[name] == "false" else "StringEquals"
    condition = {operator: {f"kms:{name}": DEFAULTS[name]}}
    assert keys.allows(condition, "create_key")
    other = {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "BypassPolicyLockoutSafetyCheck": True}
    assert not keys.allows(condition, "create_key", **other)


ROWS: list[tuple[dict[str, Any], str, dict[str, Any], dict[str, Any]]] = [
    ({"NumericGreaterThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "20"}}, "schedule_key_deletion", {},
     {"PendingWindowInDays": 7}),
    (equals("CallerAccount", HOME), "describe_key", {}, {}),
    (equals("KeyOrigin", "AWS_KMS"), "describe_key", {}, {}),
    ({"Bool": {"kms:MultiRegion": "false"}}, "describe_key", {}, {}),
    (equals("EncryptionAlgorithm", "SYMMETRIC_DEFAULT"), "encrypt", {"Plaintext": b"x"},
     {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "operation", "right", "wrong"), ROWS)
def test_what_a_key_and_a_request_are_is_told(
    keys: Keys, condition: dict[str, Any], operation: str, right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    made = keys.kms.create_key()["KeyMetadata"]["KeyId"]
    if wrong:
        assert not keys.allows(condition, operation, KeyId=made, **{**right, **wrong})
    assert keys.allows(condition, operation, KeyId=made, **right)


def test_how_a_signature_is_made_may_be_restricted(keys: Keys) -> None:
    call = {"KeyId": keys.signing, "Message": b"x" * 32, "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    raw = equals("MessageType", "RAW")
    assert keys.allows(raw, "sign", **call)
    assert not keys.allows(raw, "sign", **call, MessageType="DIGEST")
    assert not keys.allows(equals("SigningAlgorithm", "RSASSA_PSS_SHA_512"), "sign", **call)


def test_what_is_granted_to_whom_may_be_restricted(keys: Keys) -> None:
    to = f"arn:aws:iam::{HOME}:root"
    call = {"KeyId": keys.one, "GranteePrincipal": to, "Operations": ["Decrypt", "Encrypt"]}
    few = {"ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt"]}}
    assert not keys.allows(few, "create_grant", **call)
    assert keys.allows(few, "create_grant", **{**call, "Operations": ["Decrypt"]})
    assert keys.allows(equals("GranteePrincipal", to), "create_grant", **call)
    assert not keys.allows({"Bool": {"kms:GrantIsForAWSResource": "true"}}, "create_grant", **call)
    constraint = equals("GrantConstraintType", "EncryptionContextSubset")
    assert not keys.allows(constraint, "create_grant", **call)
    limited = {"EncryptionContextSubset": {"to": "me"}}
    assert keys.allows(constraint, "create_grant", **call, Constraints=limited)
    assert keys.allows(equals("EncryptionContext:to", "me"), "create_grant", **call, Constraints=limited)


def test_nobody_but_a_service_comes_by_a_service(keys: Keys) -> None:
    by = equals("ViaService", "s3.us-east-1.amazonaws.com")
    assert not keys.allows(by, "encrypt", KeyId=keys.one, Plaintext=b"x")


def test_the_policy_of_a_key_has_its_conditions(keys: Keys) -> None:
    made = keys.kms.create_key()["KeyMetadata"]["KeyId"]
    me = {"AWS": f"arn:aws:iam::{HOME}:root"}
    rows = [
        {"Effect": "Allow", "Principal": me, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
         "Condition": {"StringNotEquals": {"kms:EncryptionContext:to": "me"}}},
    ]  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": rows})
    keys.kms.put_key_policy(KeyId=made, PolicyName="default", Policy=policy)
    assert keys.allows({}, "encrypt", KeyId=made, Plaintext=b"x", EncryptionContext={"to": "me"})
    assert not keys.allows({}, "encrypt", KeyId=made, Plaintext=b"x")


@pytest.mark.parametrize("operation", ["create_alias", "update_alias", "delete_alias"])
def test_a_deny_on_an_alias_holds_where_the_alias_exists(plane: InProcess, keys: Keys, operation: str) -> None:
    name = f"alias/denied-{operation}"
    keys.kms.create_alias(AliasName=name, TargetKeyId=keys.one)
    denied = {"Effect": "Deny", "Action": "*", "Resource": f"arn:aws:kms:us-east-1:{HOME}:{name}"}
    key = plane.user(f"denied-{operation}", {"Effect": "Allow", "Action": "*", "Resource": "*"}, denied)
    target = {} if operation == "delete_alias" else {"TargetKeyId": keys.two}
    with pytest.raises(ClientError, match=f"{name} with an explicit deny") as refused:
        getattr(plane.client("kms", key), operation)(AliasName=name, **target)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
