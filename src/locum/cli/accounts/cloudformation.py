"""An account as CloudFormation templates, with the names that everything has (CAPABILITY_NAMED_IAM).

CloudFormation User Guide, "CloudFormation quotas": 500 resources and 1 MB a template. What a template cannot have are
versions of policies but the default one, and tags of policies and instance profiles.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from locum.cli.accounts.documents import renamed
from locum.cli.accounts.labels import Labels
from locum.cli.accounts.making import is_service_linked, service_of, suffix_of, tag_list
from locum.cli.accounts.model import Account, Identity, Role, User
from locum.cli.accounts.ordering import Exported, in_order
from locum.cli.accounts.resources import Other
from locum.core.arn import iam_arn

MOST: Final = 500
_LARGEST: Final = 1_000_000
_ACCOUNT: Final = "\ue000"
"""Stands for the account's id until texts are made: a character for private use."""


def exported(account: Account, others: Iterable[Other] = ()) -> Exported:
    """The templates of an account, and what they have not. They are to be deployed in the order of their names.

    `others` are resources beside the identities.
    """
    roles, told = in_order(account)
    writing = _Writing(account)
    resources = [*writing.resources(roles), *map(writing.other, others)]
    templates = list(_templates(resources))
    if dropped := sum(len(one.versions) - 1 for one in account.policies.values()):
        told.append(f"{dropped} versions of policies that are not the default ones")
    if any(one.tags for one in account.policies.values()) or any(one.tags for one in account.profiles.values()):
        told.append("tags of policies and instance profiles")
    numbered = len(templates) > 1
    names = [f"iam-{n}.template.json" if numbered else "iam.template.json" for n in range(1, len(templates) + 1)]
    return Exported(dict(zip(names, templates, strict=True)), told)


def _templates(resources: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """The resources, in as many templates as it takes. What is in an earlier one is named by its name."""
    part: dict[str, Any] = {}
    size = 0
    for label, resource in resources:
        length = len(json.dumps(resource, indent=2))
        if part and (len(part) >= MOST or size + length > _LARGEST // 2):
            yield _template(part)
            part, size = {}, 0
        part[label] = resource
        size += length
    yield _template(part)


def _template(resources: Mapping[str, Any]) -> str:
    body = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Written by locum export",
        "Resources": {label: _closed(resource, resources) for label, resource in resources.items()},
    }
    return json.dumps(body, indent=2) + "\n"


def _closed(value: Any, resources: Mapping[str, Any]) -> Any:
    """A value whose references are to resources of the same template: others are names and ARNs."""
    if isinstance(value, _Reference):
        return value.function if value.label in resources else _text(value.text)
    if isinstance(value, dict):
        return {name: _closed(inner, resources) for name, inner in value.items()}
    if isinstance(value, list):
        return [_closed(inner, resources) for inner in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> Any:
    """A text, in which the account's id is that of the stack."""
    if _ACCOUNT not in text:
        return text
    if text == _ACCOUNT:
        return {"Ref": "AWS::AccountId"}
    return {"Fn::Sub": text.replace("${", "${!").replace(_ACCOUNT, "${AWS::AccountId}")}


class _Reference(str):
    """The text of what another resource is known by, and the function that answers it."""

    text: str
    label: str
    function: dict[str, Any]

    def __new__(cls, text: str, label: str, function: dict[str, Any]) -> _Reference:
        made = super().__new__(cls, text)
        made.text, made.label, made.function = text, label, function
        return made


class _Writing:
    """Writes the resources of an account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._labels = Labels(lambda name: "".join(filter(str.isalnum, name)), "")
        self._known: dict[str, _Reference] = {}
        """What can be referred to: names by kind, and ARNs."""

    def resources(self, roles: list[Role]) -> Iterator[tuple[str, dict[str, Any]]]:
        """All, each after those that it refers to, by their labels."""
        account = self._account
        for provider in account.providers.values():
            known = {"ClientIdList": list(provider.client_ids), "ThumbprintList": list(provider.thumbprints)}
            tagged = {"Url": f"https://{provider.name}", "Tags": tag_list(provider.tags or {})}
            yield self._made("OIDCProvider", provider, {**known, **tagged}, "oidc-provider", refers=False)
        for policy in account.policies.values():
            properties = {"ManagedPolicyName": policy.name, "Path": policy.path, "Description": policy.description}
            yield self._made("ManagedPolicy", policy, {**properties, "PolicyDocument": policy.document}, "policy")
        for group in account.groups.values():
            yield self._made("Group", group, {"GroupName": group.name, "Path": group.path, **self._policies(group)})
        for user in account.users.values():
            groups = [self._ref("group", name) for name in user.groups]
            yield self._made("User", user, {"UserName": user.name, "Groups": groups, **self._bounded(user)})
        for role in roles:
            yield self._service_linked(role) if is_service_linked(role) else self._role(role)
        for profile in account.profiles.values():
            held = [self._ref("role", name) for name in profile.roles]
            named = {"InstanceProfileName": profile.name, "Path": profile.path}
            yield self._made("InstanceProfile", profile, {**named, "Roles": held})

    def other(self, one: Other) -> tuple[str, dict[str, Any]]:
        """A resource beside the identities."""
        kind = one.kind.rpartition(":")[2]
        return self._labels.of(f"{one.name}{kind}"), {"Type": one.kind, "Properties": self._open(one.properties)}

    def _role(self, role: Role) -> tuple[str, dict[str, Any]]:
        properties = {
            "RoleName": role.name,
            "Description": role.description,
            "AssumeRolePolicyDocument": self._referring(role.trust),
            "MaxSessionDuration": role.max_session,
            **self._bounded(role),
        }
        return self._made("Role", role, properties)

    def _service_linked(self, role: Role) -> tuple[str, dict[str, Any]]:
        properties = {
            "AWSServiceName": service_of(role),
            "CustomSuffix": suffix_of(role),
            "Description": role.description,
        }
        return self._made("ServiceLinkedRole", role, properties, "role", refers=False)

    def _bounded(self, one: User | Role) -> dict[str, Any]:
        return {
            "Path": one.path,
            **self._policies(one),
            "PermissionsBoundary": self._arn(one.boundary),
            "Tags": tag_list(
                {key: value for key, value in (one.tags or {}).items() if not key.lower().startswith("aws:")}
            ),
        }

    def _policies(self, one: Identity) -> dict[str, Any]:
        inline = [{"PolicyName": name, "PolicyDocument": document} for name, document in one.inline.items()]
        return {"Policies": inline, "ManagedPolicyArns": [self._arn(arn) for arn in one.attached]}

    def _made(
        self, kind: str, one: Any, properties: Mapping[str, Any], noun: str = "", *, refers: bool = True
    ) -> tuple[str, dict[str, Any]]:
        """The resource, which others can refer to from now on."""
        label = self._labels.of(f"{one.name}{kind}")
        noun = noun or {"Group": "group", "User": "user", "Role": "role"}.get(kind, "instance-profile")
        if refers:
            arn, by_name = iam_arn(self._account.id, noun, one.path, one.name), {"Ref": label}
            function = by_name if noun == "policy" else {"Fn::GetAtt": [label, "Arn"]}
            self._known[arn] = _Reference(self._open(arn), label, function)
            self._known[f"{noun} {one.name}"] = _Reference(one.name, label, by_name)
        given = {name: self._open(value) for name, value in properties.items() if value not in (None, "", [])}
        return label, {"Type": f"AWS::IAM::{kind}", "Properties": given}

    def _open(self, value: Any) -> Any:
        """A value in which the account's id is open. References stay."""
        if isinstance(value, _Reference):
            return value
        if isinstance(value, dict):
            return {name: self._open(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._open(inner) for inner in value]
        return renamed(value, {self._account.id: _ACCOUNT})

    def _ref(self, noun: str, name: str) -> str:
        return self._known.get(f"{noun} {name}", name)

    def _arn(self, arn: str) -> str:
        return self._known.get(arn, arn)

    def _referring(self, value: Any) -> Any:
        """A trust policy that refers to the users and roles that it names."""
        if isinstance(value, dict):
            return {name: self._referring(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._referring(inner) for inner in value]
        return self._known.get(value, value) if isinstance(value, str) else value
