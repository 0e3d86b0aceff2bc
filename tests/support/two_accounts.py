"""Two accounts that have one of everything each, and calls in the one that name what is the other's.

Entities are made from their declarations, so that a kind that is added later is there too. Calls are made from the
service model: every text in an operation's input is, in turn, each of the identifiers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec

from locum.core.arn import iam_arn
from locum.core.identifiers import access_key_id
from locum.core.principal import Caller, Principal
from locum.credentials import KeyRing, new_access_key
from locum.credentials.onetime import new_seed
from locum.services.verbs import Context
from locum.state import (
    Account,
    AnyEntity,
    Entity,
    GroupInstance,
    GroupTag,
    PolicyVersion,
    StackVersion,
    State,
    change,
    put,
)
from locum.wire.models import service_model
from support.one_account import Entropy

MINE, THEIRS = "111122223333", "444455556666"
NOW = 1_790_000_000
DEPTH = 3
"""How deep in a structure texts are looked for."""


def own(account: str, text: str) -> str:
    """A name that is of `account` alone."""
    return f"{'mine' if account == MINE else 'theirs'}-{text}"


def document(account: str, **more: Any) -> str:
    statement = {"Sid": own(account, "sid").replace("-", ""), "Effect": "Allow", "Action": "s3:GetObject", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Belongings:
    """One entity of each kind, of one account."""

    def __init__(self, account: str, ring: KeyRing, entropy: Entropy) -> None:
        self.account = account
        self.digit = "1" if account == MINE else "2"
        key_id, _, sealed = new_access_key(ring, account, entropy)
        self.session_key = access_key_id("ASIA", account, entropy)
        serial = iam_arn(account, "mfa", "/", own(account, "MfaDevice"))
        trust = json.loads(document(account, Principal={"Service": "ec2.amazonaws.com"}))
        trust["Statement"][0]["Action"] = "sts:AssumeRole"
        self._known: Mapping[str, Any] = {
            "account": account,
            "user": own(account, "user"),
            "trust": json.dumps(trust),
            "inline": {own(account, "inline"): document(account, Resource="*")},
            "description": own(account, "description"),
            "tags": {own(account, "tag"): own(account, "tag-value")},
            "alias": own(account, "alias"),
            "path": "/",
            "root": f"r-{self.digit * 4}",
            "parent": f"r-{self.digit * 4}",
            "url": f"{own(account, 'idp')}.example.com",
            "AccessKey.id": key_id,
            "AccessKey.secret": sealed,
            "Instance.id": f"i-{self.digit * 17}",
            "Instance.reservation": f"r-{self.digit * 17}",
            "Instance.region": "us-east-1",
            "Instance.zone": "us-east-1a",
            "ProfileAssociation.id": f"iip-assoc-{self.digit * 17}",
            "ProfileAssociation.region": "us-east-1",
            "ProfileAssociation.instance": f"i-{self.digit * 17}",
            "ProfileAssociation.profile": own(account, "instanceprofile"),
            "ProfileAssociation.profile_id": own(account, "InstanceProfile-id"),
            "ProfileAssociation.profile_arn": iam_arn(
                account, "instance-profile", "/", own(account, "InstanceProfile")
            ),
            "InstanceProfile.roles": (own(account, "role"),),
            "User.groups": (own(account, "group"),),
            "Policy.versions": (PolicyVersion(number=1, document=document(account, Resource="*"), created=1),),
            "MfaDevice.seed": new_seed(ring, serial, entropy)[1],
            "MfaDevice.enabled": NOW,
            "Organization.policy_types": ("SERVICE_CONTROL_POLICY",),
            "Organization.services": {"iam.amazonaws.com": NOW},
            "OrganizationPolicy.type": "SERVICE_CONTROL_POLICY",
            "OrganizationPolicy.content": document(account, Resource="*"),
            "ServiceSpecificCredential.service": "codecommit.amazonaws.com",
            # One that is meant for nobody in particular is anybody's to see, on AWS as here.
            "DelegationRequest.owner_account": account,
            "DelegationRequest.policy": document(account, Resource="*"),
            "Member.id": account,
            "Unit.id": f"ou-{self.digit * 4}-{self.digit * 8}",
            **{f"{kind}.caller": Caller(Principal.root(account)) for kind in ("Stack", "ChangeSet")},
            **{
                f"{kind}.version": StackVersion(template=1, tags={own(account, "tag"): own(account, "tag-value")})
                for kind in ("Stack", "StackSet", "ChangeSet")
            },
            "StackSetTemplate.number": 1,
            "StackTemplate.number": 1,
            "StackTemplate.text": document(account, Resources={"R": {"Type": "AWS::SQS::Queue"}}),
            "region": "us-east-1",
            "group": own(account, "AutoScalingGroup"),
            "AutoScalingGroup.tags": (GroupTag(key=own(account, "tag"), value=own(account, "tag-value")),),
            "AutoScalingGroup.members": (self._member(f"i-{self.digit * 17}"),),
            "AutoScalingGroup.zones": ("us-east-1a",),
            "LaunchConfiguration.launch": {"ImageId": own(account, "image"), "InstanceType": "t3.nano"},
            "LifecycleHook.transition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "ScalingPolicy.type": "SimpleScaling",
            "ScalingPolicy.settings": {"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 1},
        }
        self.entities = [self._made(kind) for kind in get_args(AnyEntity)]

    @staticmethod
    def _member(instance: str) -> GroupInstance:
        return GroupInstance(id=instance, zone="us-east-1a", type="t3.nano", lifecycle="InService", since=NOW)

    def _made(self, kind: type[Entity]) -> AnyEntity:
        fields = {}
        for field in msgspec.structs.fields(kind):
            for name in (f"{kind.__name__}.{field.name}", field.name):
                if name in self._known:
                    fields[field.name] = self._known[name]
                    break
            else:
                if field.required:
                    fields[field.name] = self._value(kind, field)
        made: AnyEntity = kind(**fields)  # type: ignore[assignment]  # it is one of them
        return made

    def _value(self, kind: type[Entity], field: msgspec.structs.FieldInfo) -> Any:
        if field.type is str:
            return own(self.account, kind.__name__ if field.name == "name" else f"{kind.__name__}-{field.name}")
        text = own(self.account, field.name).encode()
        return {int: NOW, float: float(NOW), bytes: text, bool: True}.get(field.type, ())

    @property
    def identifiers(self) -> list[str]:
        """All that names something of the account."""
        found = [self.account, f"arn:aws:iam::{self.account}:root", self.session_key]
        for entity in self.entities:
            found += [
                getattr(entity, name) for name in ("name", "id", "arn", "key", "url", "alias") if hasattr(entity, name)
            ]
        return sorted({text for text in found if len(text) > 2})

    @property
    def texts(self) -> set[str]:
        """Everything that is written in its entities."""
        return set(_texts(msgspec.to_builtins(self.entities)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) > 5:
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


class World:
    """Both accounts in one state; a user of `MINE` calls, who may do everything there."""

    def __init__(self) -> None:
        self.entropy = Entropy()
        self.ring = KeyRing.generate(self.entropy)
        self.mine = Belongings(MINE, self.ring, self.entropy)
        self.theirs = Belongings(THEIRS, self.ring, self.entropy)
        everything = [put(entity) for entity in (*self.mine.entities, *self.theirs.entities)]
        self.state = change(State(), everything)
        self.secrets = self.theirs.texts - self.mine.texts
        user = next(entity for entity in self.mine.entities if type(entity).__name__ == "User")
        principal = Principal.user(MINE, user.arn, user.id, user.name)  # type: ignore[union-attr]  # a user has them
        self.caller = Caller(principal, "AKIAMINE")

    def context(self) -> Context:
        return Context(
            self.state,
            float(NOW),
            self.entropy,
            self.ring,
            self.caller,
            "us-east-1",
            history=Nothing(),
            usage=Nothing(),
        )

    def told_of(self, answer: Any, params: Mapping[str, Any]) -> list[str]:
        """What of the other account an answer tells that the request did not say."""
        text, asked = json.dumps(answer, default=str), json.dumps(params, default=str)
        return sorted(secret for secret in self.secrets if secret in text and secret not in asked)


class Nothing:
    """No calls were ever recorded."""

    answer: Mapping[str, Any] = {"Events": []}

    def lookup(self, *_: Any) -> Any:
        return self

    def uses(self, account: str, principal: str | None = None) -> list[Any]:
        assert account == MINE
        return []


# --- calls ------------------------------------------------------------------------------------------------------

_PREFERRED = {
    "RoleName": "role",
    "UserName": "user",
    "GroupName": "group",
    "InstanceProfileName": "instanceprofile",
}


def attacks(service: str, operation: str, world: World) -> Iterator[dict[str, Any]]:
    """Inputs of `operation` with each text in it, in turn, one of the other account's identifiers."""
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return
    for path in _paths(shape):
        for identifier in world.theirs.identifiers:
            params = _filled(shape, world.mine)
            _set(params, shape, path, identifier, world.mine)
            yield params


def plain(service: str, operation: str, world: World) -> dict[str, Any]:
    """An input of `operation` that names what the caller's own account has."""
    shape = service_model(service).operation_model(operation).input_shape
    filled: dict[str, Any] = {} if shape is None else _filled(shape, world.mine)
    return filled


def _paths(shape: Any, depth: int = 0) -> Iterator[tuple[str, ...]]:
    """Where there are texts that are free."""
    if depth > DEPTH:
        return
    for name, member in shape.members.items():
        inner = member.member if member.type_name == "list" else member
        if inner.type_name == "string" and not getattr(inner, "enum", None):
            yield (name,)
        elif inner.type_name == "structure":
            yield from ((name, *rest) for rest in _paths(inner, depth + 1))


def _set(params: dict[str, Any], shape: Any, path: tuple[str, ...], text: str, mine: Belongings) -> None:
    name, rest = path[0], path[1:]
    member = shape.members[name]
    inner = member.member if member.type_name == "list" else member
    value: Any = text
    if rest:
        value = _filled(inner, mine)
        _set(value, inner, rest, text, mine)
    params[name] = [value] if member.type_name == "list" else value


def _filled(shape: Any, mine: Belongings) -> dict[str, Any]:
    """The required members, as of the caller's own account; and what is required without the model's saying so."""
    needed = dict.fromkeys((*shape.required_members, *_NEEDED.get(shape.name, ())))
    return {name: _any(shape.members[name], name, mine) for name in needed}


_NEEDED = {
    "RunInstancesRequest": ("ImageId",),
    "IamInstanceProfileSpecification": ("Name",),
    "Tag": ("Key", "Value"),
}


def _any(shape: Any, name: str, mine: Belongings) -> Any:
    match shape.type_name:
        case "structure":
            return _filled(shape, mine)
        case "list":
            return [_any(shape.member, name, mine)]
        case "map":
            return {}
        case "string":
            return _text(shape, name, mine)
        case "blob":
            return b"blob"
        case "boolean":
            return True
        case _:
            return max(1, int(shape.metadata.get("min", 1)))


def _text(shape: Any, name: str, mine: Belongings) -> str:
    if getattr(shape, "enum", None):
        return str(shape.enum[0])
    if name in _PREFERRED:
        return own(mine.account, _PREFERRED[name])
    if name == "AssumeRolePolicyDocument":
        return document(mine.account, Principal={"Service": "ec2.amazonaws.com"}).replace(
            "s3:GetObject", "sts:AssumeRole"
        )
    if "PolicyDocument" in name or name in ("PolicyInputList", "Content"):
        return document(mine.account, Resource="*")
    return next((text for text in _candidates(name, mine)), "text-that-names-nothing")


def _candidates(name: str, mine: Belongings) -> Iterator[str]:
    """Of the account's own identifiers, those that `name` may mean."""
    nouns = {
        "PolicyArn": ("Policy", "arn"),
        "SAMLProviderArn": ("SamlProvider", "arn"),
        "OpenIDConnectProviderArn": ("OidcProvider", "arn"),
        "RoleArn": ("Role", "arn"),
        "SerialNumber": ("MfaDevice", "arn"),
        "AccessKeyId": ("AccessKey", "id"),
        "SSHPublicKeyId": ("SshPublicKey", "id"),
        "CertificateId": ("SigningCertificate", "id"),
        "ServiceSpecificCredentialId": ("ServiceSpecificCredential", "id"),
        "ServerCertificateName": ("ServerCertificate", "name"),
        "InstanceId": ("Instance", "id"),
        "InstanceIds": ("Instance", "id"),
        "Resources": ("Instance", "id"),
        "AssociationId": ("ProfileAssociation", "id"),
        "PolicySourceArn": ("User", "arn"),
        "Arn": ("User", "arn"),
        "VersionId": ("", "v1"),
        "ActionNames": ("", "s3:GetObject"),
        "PolicyName": ("", own(mine.account, "inline")),
        "RoleSessionName": ("", "session"),
        "PermissionsBoundary": ("Policy", "arn"),
        "TargetPrincipal": ("", mine.account),
        "ImageId": ("", "ami-12345678"),
        "Name": ("InstanceProfile", "name"),
        "AccountId": ("", mine.account),
        "ChildId": ("", mine.account),
        "CreateAccountRequestId": ("AccountCreation", "id"),
        "HandshakeId": ("Handshake", "id"),
        "OrganizationalUnitId": ("Unit", "id"),
        "ParentId": ("Unit", "id"),
        "PolicyId": ("OrganizationPolicy", "id"),
        "ResourceId": ("Unit", "id"),
        "ServicePrincipal": ("", "iam.amazonaws.com"),
        "TargetId": ("Unit", "id"),
        "JobId": ("AccessReport", "id"),
        "DeletionTaskId": ("RoleDeletion", "id"),
        "AutoScalingGroupName": ("AutoScalingGroup", "name"),
        "LaunchConfigurationName": ("LaunchConfiguration", "name"),
        "LifecycleHookName": ("LifecycleHook", "name"),
        "ScheduledActionName": ("ScheduledAction", "name"),
        "ScheduledActionNames": ("ScheduledAction", "name"),
    }
    kind, field = nouns.get(name, ("", ""))
    if not kind and field:
        yield field
    for entity in mine.entities:
        if type(entity).__name__ == kind:
            yield getattr(entity, field)


__all__ = ["MINE", "THEIRS", "Account", "World", "attacks", "plain"]
