"""The resources that analyzers look at: all of an account, in which role, and those that a call has changed.

IAM User Guide, "IAM Access Analyzer resource types for external access".
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from locum.audit import Record
from locum.calls import Runtime
from locum.core.actors import ServiceRole
from locum.core.arn import PARTITION, Arn, is_service_linked
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.principal import Source
from locum.services.accessanalyzer.zones import SERVICE
from locum.services.linked_roles import has_linked_role, linked_role_arn, linked_role_call
from locum.state import Role
from locum.state.analyzers import Analyzer

Make = Callable[[ServiceCall], Awaitable[Mapping[str, Any]]]

ROLE: Final = "AWS::IAM::Role"
KEY: Final = "AWS::KMS::Key"
BUCKET: Final = "AWS::S3::Bucket"
TABLE: Final = "AWS::DynamoDB::Table"
_BLOCKS: Final = frozenset({"PutPublicAccessBlock", "DeletePublicAccessBlock"})
_SESSION: Final = "AccessAnalyzer"

_log: Final = logging.getLogger("locum.agents")


class Kind(NamedTuple):
    """A type of resources, and how its service lists them: the call, its list, and the ARN of an item.

    `within` is another service whose use makes them.
    """

    type: str
    service: str
    operation: str
    list: str
    arn: Callable[[Any, str, str], str]
    token: tuple[str, str] = ("NextToken", "NextToken")
    within: str = ""


def _member(name: str) -> Callable[[Any, str, str], str]:
    return lambda item, _region, _account: str(item[name])


def _named(service: str, head: str = "") -> Callable[[Any, str, str], str]:
    def arn(item: Any, region: str, account: str) -> str:
        return f"arn:{PARTITION}:{service}:{region}:{account}:{head}{str(item).rpartition('/')[2]}"

    return arn


def _bucket(item: Any, _region: str, _account: str) -> str:
    return f"arn:{PARTITION}:s3:::{item['Name']}"


KINDS: Final = (
    Kind(TABLE, "dynamodb", "ListTables", "TableNames", _named("dynamodb", "table/"),
         ("ExclusiveStartTableName", "LastEvaluatedTableName")),
    Kind("AWS::ECR::Repository", "ecr", "DescribeRepositories", "repositories", _member("repositoryArn"),
         ("nextToken", "nextToken")),
    Kind(KEY, "kms", "ListKeys", "Keys", _member("KeyArn"), ("Marker", "NextMarker")),
    Kind("AWS::Lambda::Function", "lambda", "ListFunctions", "Functions", _member("FunctionArn"),
         ("Marker", "NextMarker")),
    Kind(BUCKET, "s3", "ListBuckets", "Buckets", _bucket, ("ContinuationToken", "ContinuationToken")),
    Kind("AWS::SecretsManager::Secret", "secretsmanager", "ListSecrets", "SecretList", _member("ARN")),
    Kind("AWS::SNS::Topic", "sns", "ListTopics", "Topics", _member("TopicArn")),
    Kind("AWS::SQS::Queue", "sqs", "ListQueues", "QueueUrls", _named("sqs")),
)  # fmt: skip

INTERNAL_KINDS: Final = (
    *(it for it in KINDS if it.type in (BUCKET, TABLE)),
    Kind("AWS::DynamoDB::Stream", "dynamodbstreams", "ListStreams", "Streams", _member("StreamArn"),
         ("ExclusiveStartStreamArn", "LastEvaluatedStreamArn"), within="dynamodb"),
    Kind("AWS::RDS::DBClusterSnapshot", "rds", "DescribeDBClusterSnapshots", "DBClusterSnapshots",
         _member("DBClusterSnapshotArn"), ("Marker", "Marker")),
    Kind("AWS::RDS::DBSnapshot", "rds", "DescribeDBSnapshots", "DBSnapshots", _member("DBSnapshotArn"),
         ("Marker", "Marker")),
)  # fmt: skip
"""User Guide, "Supported resource types for internal access"."""

_BEGINNINGS: Final = {
    "dynamodb": ("table/", TABLE),
    "ecr": ("repository/", "AWS::ECR::Repository"),
    "kms": ("key/", KEY),
    "lambda": ("function:", "AWS::Lambda::Function"),
    "s3": ("", BUCKET),
    "secretsmanager": ("secret:", "AWS::SecretsManager::Secret"),
    "sns": ("", "AWS::SNS::Topic"),
    "sqs": ("", "AWS::SQS::Queue"),
    "iam": ("role/", ROLE),
}
"""The beginning of what resources are called in ARNs, and their type, by service."""


class Named(NamedTuple):
    """A resource: its type and its ARN."""

    type: str
    arn: str


def resource_of(text: str) -> Named | None:
    """The resource that an ARN names, or that has what it names (an object, a version); None for others.

    A resource has one ARN: what another partition, or a bucket's with a region, names is none.
    """
    arn = Arn.find(text)
    beginning, kind = _BEGINNINGS.get(arn.service, ("", "")) if arn is not None else ("", "")
    if arn is None or arn.partition != PARTITION or not kind or not arn.resource.startswith(beginning):
        return None
    rest = arn.resource.removeprefix(beginning)
    if kind == ROLE:
        return None if is_service_linked(text) else Named(kind, text)
    if kind in ("AWS::Lambda::Function", "AWS::SNS::Topic"):
        rest = rest.partition(":")[0]
    elif kind in (BUCKET, TABLE):
        rest = rest.partition("/")[0]
    if kind == BUCKET and (arn.account or arn.region):  # an access point, or no bucket at all
        return None
    return Named(kind, str(arn._replace(resource=beginning + rest)))


async def reading_role(runtime: Runtime, make: Make, analyzer: Analyzer, account: str) -> ServiceRole | None:
    """The service-linked role in which an analyzer reads in an account, and which is made where it is not there.

    None where it cannot be made.
    """
    if not has_linked_role(runtime.ledger.state, account, SERVICE):
        try:
            await make(linked_role_call(account, SERVICE))
        except Fault as fault:
            _log.warning("the service-linked role of IAM Access Analyzer in %s is not made: %s", account, fault.code)
    if not has_linked_role(runtime.ledger.state, account, SERVICE):
        return None
    return ServiceRole(SERVICE, linked_role_arn(account, SERVICE), _SESSION, Source(account, analyzer.arn))


async def every(runtime: Runtime, make: Make, role: ServiceRole, region: str) -> tuple[list[Named], bool]:
    """All resources of the account of `role` in a region, which it lists, and whether each type could be listed."""
    roles = runtime.ledger.state.table(Role, role.account).values()
    found, complete = await of_kinds(runtime, make, role, region, KINDS)
    return [*(Named(ROLE, it.arn) for it in roles if not is_service_linked(it.arn)), *found], complete


async def of_kinds(
    runtime: Runtime, make: Make, role: ServiceRole, region: str, kinds: Iterable[Kind]
) -> tuple[list[Named], bool]:
    """The resources of some kinds, as `every` has them.

    A service of the embedded backend that nobody has used has nothing, and is not asked.
    """
    found, complete = list[Named](), True
    for kind in kinds:
        backend, service = runtime.backends.of(kind.service), kind.within or kind.service
        if backend.forgets and not backend.in_use(service):
            continue
        try:
            items = [item async for item in _listed(make, role, kind, region)]
        except Fault as fault:
            _log.warning("%s:%s fails for %s: %s", kind.service, kind.operation, role.role, fault.code)
            complete = False
        else:
            found += [Named(kind.type, kind.arn(item, region, role.account)) for item in items]
    return found, complete


async def _listed(make: Make, role: ServiceRole, kind: Kind, region: str) -> AsyncIterator[Any]:
    params: dict[str, Any] = {"BucketRegion": region} if kind.service == "s3" else {}
    while True:
        answer = await make(ServiceCall(role, kind.service, kind.operation, params, region))
        for item in answer.get(kind.list) or ():
            yield item
        following = answer.get(kind.token[1])
        if not following:
            return
        params = {**params, kind.token[0]: following}


def changed(arns: Iterable[str]) -> list[Named]:
    """The resources that ARNs in the record of calls are of, each once."""
    found = (resource_of(arn) for arn in arns)
    return list(dict.fromkeys(it for it in found if it is not None))


def blocked(record: Record) -> bool:
    """Whether a call sets or takes away the Block Public Access of its account, which all of its buckets are behind."""
    return record.service == "s3control" and record.operation in _BLOCKS
