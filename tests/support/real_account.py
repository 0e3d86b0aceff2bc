"""The details of an account such as real ones are: made, not recorded, from what AWS documents and tools leave behind.

Trust policies and permissions are in the forms of the IAM User Guide, of CDK's and Control Tower's roles, of EKS's and
GitHub's federation; policies of AWS are attached as services' guides have it. Documents are URL-encoded, as the API
answers them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

REAL: Final = "218765309412"
VENDOR: Final = "464622532012"
AWS_POLICY: Final = "arn:aws:iam::aws:policy/"
MISSING: Final = f"{AWS_POLICY}AmazonNoSuchServiceFullAccess"
CREATED: Final = "2023-04-05T06:07:08+00:00"
_WORDS: Final = (
    *("billing", "orders", "search", "media", "ledger", "intake", "fleet", "portal"),
    *("batch", "metrics", "audit", "mail", "geo", "cart", "quote"),
)
_MANAGED: Final = (
    *("ReadOnlyAccess", "SecurityAudit", "AmazonS3ReadOnlyAccess", "AmazonSQSFullAccess", "CloudWatchLogsFullAccess"),
    *("AmazonDynamoDBReadOnlyAccess", "AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"),
    *("service-role/AWSLambdaBasicExecutionRole", "service-role/AWSLambdaVPCAccessExecutionRole"),
    *("service-role/AmazonECSTaskExecutionRolePolicy", "AmazonEC2ContainerRegistryReadOnly", "PowerUserAccess"),
)

Row = dict[str, Any]


def document(*statements: Mapping[str, Any]) -> Row:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(principal: Any, action: Any = "sts:AssumeRole", **condition: Any) -> Row:
    """A trust policy."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return document(statement | ({"Condition": condition} if condition else {}))


def encoded(value: Any) -> str:
    """A document as the API has it."""
    return quote(json.dumps(value), safe="-_.~")


def arn(kind: str, name: str, path: str = "/") -> str:
    """An ARN of the account."""
    return f"arn:aws:iam::{REAL}:{kind}{path}{name}"


class RealAccount:
    """Writes the details of an account with so many roles; always the same ones."""

    def __init__(self, roles: int = 200) -> None:
        self._random = random.Random(1302)
        self.policies = [self._policy(word, index) for index, word in enumerate(_WORDS)]
        self.groups = [self._group(name) for name in ("admins", "developers", "readers")]
        self.users = [self._user(f"{word}.person", index) for index, word in enumerate(_WORDS)]
        self.roles = [self._role(index) for index in range(roles - 6)] + self._particular()

    def details(self) -> Row:
        """The output."""
        return {
            "UserDetailList": self.users,
            "GroupDetailList": self.groups,
            "RoleDetailList": self.roles,
            "Policies": self.policies,
        }

    def _named(self, noun: str, name: str, path: str = "/", kind: str = "") -> Row:
        return {
            "Path": path,
            f"{noun}Name": name,
            f"{noun}Id": f"A{self._random.getrandbits(80):020X}",
            "Arn": arn(kind or noun.lower(), name, path),
            "CreateDate": CREATED,
        }

    def _policy(self, word: str, index: int) -> Row:
        """Some have versions that others are missing between, and a default one that is not the newest."""
        kept = ((1,), (1, 2), (3, 4, 7), (2, 3, 4, 5, 6), (9,))[index % 5]
        default = kept[index % len(kept)]
        versions = [
            {
                "VersionId": f"v{number}",
                "IsDefaultVersion": number == default,
                "CreateDate": CREATED,
                "Document": encoded(self._permissions(word, number)),
            }
            for number in reversed(kept)
        ]
        return {
            **self._named("Policy", f"{word}-access", ("/", "/teams/")[index % 2]),
            "DefaultVersionId": f"v{default}",
            "AttachmentCount": 1,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": True,
            "UpdateDate": CREATED,
            "PolicyVersionList": versions,
        }

    def _permissions(self, word: str, number: int) -> Row:
        bucket = f"arn:aws:s3:::{word}-data-{number}"
        return document(
            {"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket,
             "Condition": {"StringLike": {"s3:prefix": ["", "home/${aws:username}/*"]}}},
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{bucket}/*"},
            {"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": f"arn:aws:sqs:*:{REAL}:{word}-*"},
            {"Effect": "Deny", "Action": "s3:DeleteObject*", "Resource": "*",
             "Condition": {"StringNotEquals": {"aws:PrincipalAccount": REAL}}},
        )  # fmt: skip

    def _own(self, index: int) -> Row:
        one = self.policies[index % len(self.policies)]
        return {"PolicyName": one["PolicyName"], "PolicyArn": one["Arn"]}

    @staticmethod
    def _aws(name: str) -> Row:
        return {"PolicyName": name.rpartition("/")[2], "PolicyArn": f"{AWS_POLICY}{name}"}

    def _group(self, name: str) -> Row:
        attached = {"admins": "AdministratorAccess", "developers": "PowerUserAccess", "readers": "ReadOnlyAccess"}
        self_service = document({"Effect": "Allow", "Action": "iam:ChangePassword",
                                 "Resource": arn("user", "${aws:username}")})  # fmt: skip
        return {
            **self._named("Group", name, "/people/"),
            "GroupPolicyList": [{"PolicyName": "self-service", "PolicyDocument": encoded(self_service)}],
            "AttachedManagedPolicies": [self._aws(attached[name])],
        }

    def _user(self, name: str, index: int) -> Row:
        inline = [{"PolicyName": "own", "PolicyDocument": encoded(self._permissions(name, index))}]
        return {
            **self._named("User", name, ("/", "/people/")[index % 2]),
            **({"UserPolicyList": inline} if index % 3 == 0 else {}),
            "GroupList": [("admins", "developers", "readers")[index % 3]],
            "AttachedManagedPolicies": [self._own(index)] if index % 4 == 0 else [],
            "Tags": [{"Key": "CostCenter", "Value": str(1000 + index)}],
        }

    def _role(self, index: int) -> Row:
        """One of what accounts have most of: roles of services, of other accounts, of providers, of people."""
        word = _WORDS[index % len(_WORDS)]
        kind = ("ec2", "lambda", "task", "build", "partner", "github", "irsa", "person", "stack")[index % 9]
        role = {
            **self._named("Role", f"{word}-{kind}-{index}", "/service-role/" if kind == "build" else "/"),
            "AssumeRolePolicyDocument": encoded(self._trust(kind, word, index)),
            "InstanceProfileList": [],
            "RolePolicyList": [],
            "AttachedManagedPolicies": [self._aws(name) for name in self._random.sample(_MANAGED, index % 3)],
            "Tags": [{"Key": "team", "Value": word}],
            "RoleLastUsed": {"LastUsedDate": CREATED, "Region": "eu-central-1"} if index % 2 else {},
        }
        if index % 4 == 0:
            role["AttachedManagedPolicies"].append(self._own(index))
        if index % 5 != 0:
            permissions = encoded(self._permissions(word, index))
            role["RolePolicyList"] = [{"PolicyName": f"{word}-inline", "PolicyDocument": permissions}]
        if kind == "ec2":
            shown = {name: role[name] for name in ("Path", "RoleName", "RoleId", "Arn", "CreateDate")}
            shown["AssumeRolePolicyDocument"] = role["AssumeRolePolicyDocument"]
            profile = self._named("InstanceProfile", role["RoleName"], "/", "instance-profile")
            role["InstanceProfileList"] = [{**profile, "Roles": [shown]}]
        if kind == "person":
            boundary = self.policies[1]["Arn"]
            role["PermissionsBoundary"] = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}
        if kind == "stack":
            role["Tags"].append({"Key": "aws:cloudformation:stack-name", "Value": f"{word}-stack"})
        return role

    def _trust(self, kind: str, word: str, index: int) -> Row:
        services = {
            "ec2": "ec2",
            "lambda": "lambda",
            "task": "ecs-tasks",
            "build": "codebuild",
            "stack": "cloudformation",
        }
        if kind in services:
            return trust({"Service": f"{services[kind]}.amazonaws.com"})
        if kind == "partner":
            return trust({"AWS": f"arn:aws:iam::{VENDOR}:root"}, StringEquals={"sts:ExternalId": f"{word}-{index}"})
        if kind == "person":
            return trust({"AWS": [arn("user", f"{_WORDS[0]}.person"), REAL]}, ["sts:AssumeRole", "sts:TagSession"])
        host = "token.actions.githubusercontent.com"
        if kind == "irsa":
            host = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
        subject = f"repo:acme/{word}:*" if kind == "github" else f"system:serviceaccount:{word}:default"
        claims = {"StringEquals": {f"{host}:aud": "sts.amazonaws.com"}, "StringLike": {f"{host}:sub": subject}}
        return trust({"Federated": arn("oidc-provider", host)}, "sts:AssumeRoleWithWebIdentity", **claims)

    def _particular(self) -> list[Row]:
        """What is only made in some order, or with something left out, or by a service, or not at all."""
        ring = [trust({"AWS": [arn("role", "ring-b"), arn("role", "ring-a")]}), trust({"AWS": arn("role", "ring-a")})]
        gone = trust({"AWS": ["AROAQX7EXAMPLEDELETED", f"arn:aws:iam::{VENDOR}:role/Collector", REAL]})
        linked = trust({"Service": "autoscaling.amazonaws.com"})
        reserved = trust({"Federated": arn("saml-provider", "AWSSSO_0123_DO_NOT_DELETE")}, "sts:AssumeRoleWithSAML")
        return [
            self._plain("ring-a", ring[0]),
            self._plain("ring-b", ring[1]),
            self._plain("collector", gone),
            self._plain("AWSServiceRoleForAutoScaling", linked, "/aws-service-role/autoscaling.amazonaws.com/"),
            self._plain("AWSReservedSSO_Admin_0123456789abcdef", reserved, "/aws-reserved/sso.amazonaws.com/"),
            {**self._plain("new-service", trust({"Service": "ec2.amazonaws.com"})),
             "AttachedManagedPolicies": [{"PolicyName": MISSING.rpartition("/")[2], "PolicyArn": MISSING}]},
        ]  # fmt: skip

    def _plain(self, name: str, trusted: Row, path: str = "/") -> Row:
        return {
            **self._named("Role", name, path),
            "AssumeRolePolicyDocument": encoded(trusted),
            "InstanceProfileList": [],
            "RolePolicyList": [],
            "AttachedManagedPolicies": [],
            "Tags": [],
            "RoleLastUsed": {},
        }
