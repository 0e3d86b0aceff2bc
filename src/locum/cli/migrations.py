"""From an access key to a role: the calls that make the role, and what is to be done where the program runs.

IAM User Guide, "Use roles for applications that run on Amazon EC2 instances", "Update access keys"; Lambda Developer
Guide, "Execution role"; Amazon ECS Developer Guide, "Task IAM role"; IAM User Guide, "Create a role for OpenID Connect
federation".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.cli.audits.aws_cli import command_line
from locum.cli.screen import printable
from locum.core.arn import iam_arn
from locum.core.clock import iso8601
from locum.core.errors import ConfigurationError

TARGETS: Final = ("ec2", "ecs", "github", "gitlab", "lambda")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
_ROLE: Final = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")
_LAMBDA_BASIC: Final = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


class Provider(NamedTuple):
    """An identity provider of continuous integration: its host, its audience, and the subject of a repository."""

    host: str
    audience: str
    subject: str


_PROVIDERS: Final = {
    "github": Provider("token.actions.githubusercontent.com", "sts.amazonaws.com", "repo:{}:*"),
    "gitlab": Provider("gitlab.com", "https://gitlab.com", "project_path:{}:*"),
}
_SERVICES: Final = {"ec2": "ec2.amazonaws.com", "ecs": "ecs-tasks.amazonaws.com", "lambda": "lambda.amazonaws.com"}


_STEPS: Final = {
    "ec2": (
        "give the profile to each instance:",
        "  aws ec2 associate-iam-instance-profile --iam-instance-profile Name={role} --instance-id INSTANCE_ID",
        "take AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY out of the environment, and ~/.aws/credentials away:",
        "  SDKs look there first, and then ask the Instance Metadata Service",
    ),
    "ecs": (
        "register the task definition anew, without access keys in its environment and its secrets, with",
        '  "taskRoleArn": "{arn}"',
        "update the service to that revision: SDKs ask the endpoint of the task's credentials",
    ),
    "github": (
        "give the job: permissions: {{id-token: write, contents: read}}",
        "and the step: uses: aws-actions/configure-aws-credentials@v4, with: {{role-to-assume: {arn}}}",
        "delete the repository's secrets that have the access key",
    ),
    "gitlab": (
        "give the job: id_tokens: {{AWS_TOKEN: {{aud: https://gitlab.com}}}}",
        "and: variables: {{AWS_ROLE_ARN: {arn}, AWS_WEB_IDENTITY_TOKEN_FILE: FILE}}",
        "have it write $AWS_TOKEN to that file",
        "delete the project's variables that have the access key",
    ),
    "lambda": (
        "give the role to the function:",
        "  aws lambda update-function-configuration --role {arn} --function-name FUNCTION",
        "take the access key out of its environment",
    ),
}
"""What is to be done where the program runs."""


class Call(NamedTuple):
    """A call of a migration."""

    service: str
    operation: str
    params: Mapping[str, Any]

    @property
    def line(self) -> str:
        """Its command line."""
        return command_line(self.service, self.operation, self.params)


class Migration(NamedTuple):
    """The calls that make the role of a migration, and the last steps, which are done where the program runs."""

    calls: tuple[Call, ...]
    steps: tuple[str, ...]


def migration(
    account: str, target: str, role: str, documents: Sequence[Mapping[str, Any]], repository: str
) -> Migration:
    """The migration to `role` for a program that runs at `target`. Raises ConfigurationError."""
    if not _ROLE.fullmatch(role):
        raise ConfigurationError(f"{role!r} is no name of a role: it has 1 to 64 letters, digits and +=,.@_-")
    trust = _trust(account, target, repository)
    arn = iam_arn(account, "role", "/", role)
    made = [Call("iam", "CreateRole", {"RoleName": role, "AssumeRolePolicyDocument": _text(trust)})]
    for number, document in enumerate(documents, 1):
        name = "from-activity" if len(documents) == 1 else f"from-activity-{number}"
        made.append(
            Call("iam", "PutRolePolicy", {"RoleName": role, "PolicyName": name, "PolicyDocument": _text(document)})
        )
    before, after, steps = _around(account, target, role, arn)
    return Migration((*before, *made, *after), steps)


def _trust(account: str, target: str, repository: str) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow"}
    if target in _SERVICES:
        statement |= {"Principal": {"Service": _SERVICES[target]}, "Action": "sts:AssumeRole"}
    else:
        if not _REPOSITORY.fullmatch(repository):
            raise ConfigurationError(f"--to {target} takes --repository OWNER/NAME, whose jobs may have the role")
        provider = _PROVIDERS[target]
        statement |= {
            "Principal": {"Federated": iam_arn(account, "oidc-provider", "/", provider.host)},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{provider.host}:aud": provider.audience},
                "StringLike": {f"{provider.host}:sub": provider.subject.format(repository)},
            },
        }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _around(account: str, target: str, role: str, arn: str) -> tuple[list[Call], list[Call], tuple[str, ...]]:
    """The calls before and after the role is made, and the last steps."""
    steps = tuple(step.format(arn=arn, role=role) for step in _STEPS[target])
    if target == "ec2":
        profile = {"InstanceProfileName": role}
        made = Call("iam", "CreateInstanceProfile", profile)
        return [], [made, Call("iam", "AddRoleToInstanceProfile", {**profile, "RoleName": role})], steps
    if target == "lambda":
        return [], [Call("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": _LAMBDA_BASIC})], steps
    if target == "ecs":
        return [], [], steps
    provider = _PROVIDERS[target]
    known = {"Url": f"https://{provider.host}", "ClientIDList": [provider.audience]}
    return [Call("iam", "CreateOpenIDConnectProvider", known)], [], steps


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def lines(key: Mapping[str, Any], found: Migration, about: Sequence[str]) -> Iterator[str]:
    """The report as a script for a shell: what is no call is a comment, whatever names have in them."""
    last = "never used" if key["used"] is None else f"last used {iso8601(key['used'])}"
    yield f"# The access key {key['id']} is {printable(key['owner'])}'s, made {key['created']}, {last}."
    yield from (f"# {printable(line)}" for line in about)
    yield "#"
    yield "# 1. Make the role:"
    yield from (call.line for call in found.calls)
    yield "#"
    yield "# 2. Where the program runs:"
    yield from (f"#    {step}" for step in found.steps)
    yield "#"
    yield "# 3. When it has run for a while, see that the key is not used any more, and take it out of service:"
    yield f"#    locum migrate {key['id']} --check --since 1d"
    yield f"#    locum migrate {key['id']} --retire --since 1d"


def used(record: Mapping[str, Any]) -> str:
    """A call with the key, in a line."""
    return f"{iso8601(record['at'])}  {record['service']}:{record['operation']}  from {record['source_ip']}"
