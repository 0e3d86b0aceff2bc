"""The configurations of resources that access previews are of: the types that there are, and what is checked at once.

Access Analyzer API Reference, Configuration and its members. What a configuration says is looked at when the preview is
made (`agents.analyzers.proposals`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.core.arn import PARTITION, Arn, is_service_linked
from locum.services.accessanalyzer.custom_checks import LARGEST
from locum.services.accessanalyzer.faults import invalid, unsupported
from locum.state.analyzers import Analyzer

_FIELD: Final = "configurations"

Configuration = Mapping[str, Any]


class Kind(NamedTuple):
    """A type of resources: CloudFormation's name of it, the service in its ARNs, and the form of its name in them.

    `policy` is the member with its policy. An ARN that goes on after the name with what `part` has is of a part of it.
    """

    type: str
    service: str
    form: str
    policy: str
    part: str = ""


BUCKET: Final = "s3Bucket"
ROLE: Final = "iamRole"
KEY: Final = "kmsKey"
DIRECTORY_BUCKET: Final = "s3ExpressDirectoryBucket"

KINDS: Final[Mapping[str, Kind]] = {
    "dynamodbStream": Kind("AWS::DynamoDB::Stream", "dynamodb", r"table/[\w.-]+/stream/[\w:.-]+", "streamPolicy"),
    "dynamodbTable": Kind("AWS::DynamoDB::Table", "dynamodb", r"table/[\w.-]+", "tablePolicy", r"/index/[\w.-]+"),
    "ecrRepository": Kind("AWS::ECR::Repository", "ecr", r"repository/[a-z0-9._/-]+", "repositoryPolicy"),
    "efsFileSystem": Kind("AWS::EFS::FileSystem", "elasticfilesystem", r"file-system/[\w-]+", "fileSystemPolicy"),
    ROLE: Kind("AWS::IAM::Role", "iam", r"role/([!-~]+/)?[\w+=,.@-]+", "trustPolicy"),
    KEY: Kind("AWS::KMS::Key", "kms", r"key/[\w-]+", "keyPolicies"),
    BUCKET: Kind("AWS::S3::Bucket", "s3", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "bucketPolicy"),
    DIRECTORY_BUCKET: Kind("AWS::S3Express::DirectoryBucket", "s3express", r"bucket/[a-z0-9.-]+--x-s3", "bucketPolicy"),
    "secretsManagerSecret": Kind(
        "AWS::SecretsManager::Secret", "secretsmanager", r"secret:[\w/+=.@-]+", "secretPolicy"
    ),
    "snsTopic": Kind("AWS::SNS::Topic", "sns", r"[\w-]+(\.fifo)?", "topicPolicy"),
    "sqsQueue": Kind("AWS::SQS::Queue", "sqs", r"[\w-]+(\.fifo)?", "queuePolicy"),
}
"""The types that are analyzed, by the members of Configuration."""

_NOT_TOLD: Final = frozenset({"efsFileSystem", DIRECTORY_BUCKET})
"""Those of which it is not known what they have now."""
_MOST: Final = {"accessPoints": 10, "bucketAclGrants": 100, "grants": 100}
"""User Guide, "Previewing access with IAM Access Analyzer APIs": what there can be of each in a configuration."""


def proposed(analyzer: Analyzer, configurations: Mapping[str, Configuration]) -> tuple[str, Configuration]:
    """The ARN of the resource that `configurations` is of, and what is proposed for it. Raises Fault."""
    if len(configurations) != 1:
        raise invalid(_FIELD, "It must contain exactly one element.")
    ((text, configuration),) = configurations.items()
    if len(configuration) != 1:
        raise invalid(_FIELD, "Specify exactly one type of access control configuration.")
    ((member, content),) = configuration.items()
    if member not in KINDS:
        raise unsupported(f"access previews of the type {member}")
    if content.get("accessPoints"):
        raise unsupported("access previews of access points")
    if member in _NOT_TOLD and content.get(KINDS[member].policy) is None:
        raise unsupported(f"access previews of the type {member} without a policy")
    arn = _resource(analyzer, text, member)
    _check_content(content)
    return arn, {member: content}


def _resource(analyzer: Analyzer, text: str, member: str) -> str:
    """The ARN of a resource in the form that findings have. Raises Fault: of others than the analyzer sees as well."""
    arn, kind = Arn.find(text), KINDS[member]
    form = f"(?P<name>{kind.form})({kind.part})?"
    found = None if arn is None or is_service_linked(text) else re.fullmatch(form, arn.resource, re.ASCII)
    if arn is None or found is None or (arn.partition, arn.service) != (PARTITION, kind.service):
        raise invalid(_FIELD, f"{text} is not the ARN of a resource of the type {member}.")
    account = "" if member == BUCKET else analyzer.account
    region = "" if member in (BUCKET, ROLE) else analyzer.region
    if (arn.account, arn.region) != (account, region):
        raise invalid(_FIELD, f"{text} is not in the account and Region of the analyzer.")
    return str(arn._replace(resource=found["name"]))


def _check_content(content: Configuration) -> None:
    for name, most in _MOST.items():
        if len(content.get(name) or ()) > most:
            raise invalid(_FIELD, f"There can be at most {most} {name}.")
    if sum(map(len, _texts(content))) > LARGEST:
        raise invalid(_FIELD, f"A configuration can have at most {LARGEST} characters.")


def _texts(content: Any) -> Iterator[str]:
    """All texts in a configuration."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from (key, *_texts(value))
    elif isinstance(content, Sequence):
        for value in content:
            yield from _texts(value)
