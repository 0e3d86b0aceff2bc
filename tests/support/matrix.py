"""Who may do exactly one thing, and who may do everything but that: a role whose policy changes from call to call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from support.inprocess import InProcess, Key
from support.reference_actions import ALSO, LOOKED_UP
from support.reference_calls import ReferenceCall

EVERYTHING: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_STYLES: Final = {
    ("AccessDenied", 403): "s3 s3control route53 autoscaling elbv2 rds cloudformation iam sts sqs",
    (
        "AccessDeniedException",
        400,
    ): "dynamodb kms secretsmanager ssm logs events stepfunctions kinesis firehose ecs ecr "
    "athena glue organizations cloudtrail",
    ("AccessDeniedException", 403): "lambda scheduler eks apigateway",
    ("UnauthorizedOperation", 403): "ec2",
    ("AuthorizationError", 403): "sns",
    ("AccessDenied", 400): "cloudwatch",  # for clients that still know the codes of the query protocol
}
DENIALS: Final = {service: style for style, services in _STYLES.items() for service in services.split()}
"""service -> the code and the HTTP status of its denials."""

_SUCCEEDED: Final = ""
_OPENINGS: Final = {"ec2": "You are not authorized to perform this operation. "}
_ENDINGS: Final = {"ec2": r"\.? Encoded authorization failure message: [\w-]+"}
_WITHOUT_BODY: Final = ("HeadBucket", "HeadObject")
_ROLES: Final = re.compile(r"arn:aws:iam::\d*:role/[^\"']*")


class Told(NamedTuple):
    """The end of a call as a client sees it; `code` is empty where it succeeded."""

    code: str
    status: int
    message: str


class Walker:
    """The role `walker` of an account, and clients with a session of it. `names` are put in place of those in calls."""

    def __init__(self, plane: InProcess, account: str) -> None:
        self.plane = plane
        self.account = account
        self.root = plane.account(account)
        self.arn = f"arn:aws:sts::{account}:assumed-role/walker/walk"
        self.names: dict[str, str] = {}
        self._iam = plane.client("iam", self.root)
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
        for role in ("walker", "one-rolenamewithpath"):
            self._iam.create_role(RoleName=role, AssumeRolePolicyDocument=_document(trust))
        self._iam.create_user(UserName="starter")
        self._iam.put_user_policy(UserName="starter", PolicyName="p", PolicyDocument=_document(EVERYTHING))
        made = self._iam.create_access_key(UserName="starter")["AccessKey"]
        sts = plane.client("sts", Key(made["AccessKeyId"], made["SecretAccessKey"]))
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/walker", RoleSessionName="walk")["Credentials"]
        self._key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        self._client = cache(self._made)

    def with_key(self) -> Walker:
        """Make a KMS key, for the calls on one: a key that does not exist has no policy that lets anybody use it."""
        made = self.plane.client("kms", self.root).create_key()["KeyMetadata"]["KeyId"]
        self.names = {"one-keyid": made, "new-keyid": made}
        return self

    def only(self, call: ReferenceCall) -> Told:
        """`call` by a role that may do exactly that on exactly that resource."""
        resources = ["*"] if (call.service, call.operation) in LOOKED_UP else [call.arn, *call.others]
        further = list(ALSO.get((call.service, call.operation), ()))
        further += [("iam:PassRole", role) for role in set(_ROLES.findall(json.dumps(call.params, default=str)))]
        return self._call(call, _allow(call.action, *resources), *(_allow(action, arn) for action, arn in further))

    def all_but_action(self, call: ReferenceCall) -> Told:
        """`call` by a role that may do everything but that action."""
        return self._call(call, EVERYTHING, {"Effect": "Deny", "Action": call.action, "Resource": "*"})

    def all_but_resource(self, call: ReferenceCall) -> Told:
        """`call` by a role that may do everything, but nothing on that resource."""
        return self._call(call, EVERYTHING, {"Effect": "Deny", "Action": "*", "Resource": call.arn})

    def _call(self, call: ReferenceCall, *statements: dict[str, Any]) -> Told:
        document = self._named(_document(*statements).replace("{account}", self.account))
        self._iam.put_role_policy(RoleName="walker", PolicyName="p", PolicyDocument=document)
        client, names = self._client(call.service)
        try:
            getattr(client, names[call.operation])(**self._named(call.params))
        except ClientError as error:
            told = error.response["Error"]
            return Told(told["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"], told.get("Message", ""))
        return Told(_SUCCEEDED, 200, "")

    def _named(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._named(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._named(inner) for inner in value]
        for name, real in self.names.items() if isinstance(value, str) else ():
            value = value.replace(name, real)
        return value

    def _made(self, service: str) -> tuple[Any, dict[str, str]]:
        client = self.plane.client(service, self._key, parameter_validation=False, inject_host_prefix=False)
        return client, {model: boto for boto, model in client.meta.method_to_api_mapping.items()}


def denied(call: ReferenceCall, told: Told) -> bool:
    """Whether a call was refused for want of permission."""
    if call.operation in _WITHOUT_BODY:
        return told.status == 403
    return told.code == DENIALS[call.service][0] and "not authorized to perform" in told.message


def flaws(walker: Walker, call: ReferenceCall, told: Told) -> Iterator[str]:
    """What is wrong with the denial of an action: its code, status and message are those of the service."""
    code, status = ("403", 403) if call.operation in _WITHOUT_BODY else DENIALS[call.service]
    if (told.code, told.status) != (code, status):
        yield f"{told.code} {told.status} in place of {code} {status}: {told.message}"
    elif call.operation not in _WITHOUT_BODY and not _form(walker, call).fullmatch(told.message):
        yield told.message


def _form(walker: Walker, call: ReferenceCall) -> re.Pattern[str]:
    opening = re.escape(f"{_OPENINGS.get(call.service, '')}User: {walker.arn} is not authorized to perform: ")
    ending = f" with an explicit deny in an identity-based policy{_ENDINGS.get(call.service, '')}"
    return re.compile(f"{opening}(?i:{re.escape(call.action)})( on resource: \\S+)?{ending}")


def _allow(action: str, *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": sorted(set(resources))}


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
