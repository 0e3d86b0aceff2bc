"""Types of which tests know how to tell what a resource is, where their providers do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from locum.services.cloudformation.providers import PROVIDERS, _of_service
from locum.services.cloudformation.providers.base import Found, Listing, Reading, Request, Resource


def _read_queue(resource: Resource) -> Reading:
    asked = {"QueueUrl": resource.physical, "AttributeNames": ["All"]}
    told = (yield Request("sqs", "GetQueueAttributes", asked))["Attributes"]
    properties = {name: int(told[name]) for name in ("DelaySeconds", "VisibilityTimeout") if name in told}
    name = told["QueueArn"].rpartition(":")[2]
    return Found({"QueueName": name, **properties}, {"Arn": told["QueueArn"], "QueueUrl": resource.physical})


def _list_queues(_resource: Resource) -> Listing:
    return list((yield Request("sqs", "ListQueues", {})).get("QueueUrls", ()))


def _read_role(resource: Resource) -> Reading:
    role = (yield Request("iam", "GetRole", {"RoleName": resource.physical}))["Role"]
    properties = {
        "RoleName": role["RoleName"],
        "Path": role["Path"],
        "AssumeRolePolicyDocument": json.loads(unquote(role["AssumeRolePolicyDocument"])),
        "MaxSessionDuration": role["MaxSessionDuration"],
        **({"Description": role["Description"]} if "Description" in role else {}),
    }
    return Found(properties, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _list_roles(_resource: Resource) -> Listing:
    return [role["RoleName"] for role in (yield Request("iam", "ListRoles", {}))["Roles"]]


def _read_secret(resource: Resource) -> Reading:
    told = yield Request("secretsmanager", "DescribeSecret", {"SecretId": resource.physical})
    found = yield Request("secretsmanager", "GetSecretValue", {"SecretId": resource.physical})
    return Found({"Name": told["Name"], "SecretString": found["SecretString"]}, {"Id": told["ARN"]})


def _list_permissions(resource: Resource) -> Listing:
    named = {"FunctionName": resource.properties["FunctionName"]}
    policy = json.loads((yield Request("lambda", "GetPolicy", named))["Policy"])
    return [statement["Sid"] for statement in policy["Statement"]]


_TOLD: Final[dict[str, tuple[Callable[[Resource], Reading] | None, Callable[[Resource], Listing] | None]]] = {
    "AWS::IAM::Role": (_read_role, _list_roles),
    "AWS::Lambda::Permission": (None, _list_permissions),
    "AWS::SQS::Queue": (_read_queue, _list_queues),
    "AWS::SecretsManager::Secret": (_read_secret, None),
}


def tell() -> None:
    """Have the providers tell what their resources are, as far as they do not."""
    for kind, (read, found) in _TOLD.items():
        made_by = PROVIDERS[kind]
        own = _of_service(kind.split("::")[1].lower())
        assert isinstance(own, dict)
        own[kind] = made_by._replace(read=made_by.read or read, list=made_by.list or found)
