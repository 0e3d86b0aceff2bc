"""Each operation of the services that people use takes exactly its permission on exactly its resource.

`make nightly` walks all operations, with each type of resource that they name, `make test` one call in `STEP`. What is
expected is a reading of its own (`support.reference_calls`), beside the catalogue's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import pytest

from support.generated_calls import GUARDED, model_of
from support.inprocess import InProcess
from support.matrix import Told, Walker, denied, flaws
from support.reference_actions import ACTIONS, ALSO, FREE, LOOKED_UP, NOT_BY_POLICY_ALONE, UNPUBLISHED
from support.reference_calls import ReferenceCall, reference_calls

STEP: Final = 5
PARTS: Final = {"ec2": 8, "glue": 4, "iam": 2, "rds": 3, "ssm": 2}
"""service -> the number of tests that share its calls, where these are many."""

ONCE_WRONG: Final = {
    "apigateway": "DeleteDomainNameAccessAssociation",
    "cloudformation": "DescribeEvents",
    "cloudtrail": "ListTags",
    "dynamodb": "DescribeEndpoints RestoreTableToPointInTime SearchVectors",
    "ec2": "CancelImportTask GetFlowLogsIntegrationTemplate ImportKeyPair",
    "ecs": "DeleteExpressGatewayService DescribeExpressGatewayService RegisterDaemonTaskDefinition "
    "UpdateExpressGatewayService",
    "events": "CreateArchive StartReplay",
    "glue": "CreateIntegration CreateIntegrationTableProperties DeleteIntegrationTableProperties DeleteResourcePolicy "
    "GetIntegrationTableProperties GetResourcePolicy PutResourcePolicy UpdateIntegrationTableProperties",
    "logs": "ListTagsLogGroup TagLogGroup UntagLogGroup",
    "organizations": "DescribeResponsibilityTransfer ListTagsForResource TagResource TerminateResponsibilityTransfer "
    "UntagResource UpdateResponsibilityTransfer",
    "rds": "CreateIntegration DeleteCustomDBEngineVersion DescribeDBInstanceAutomatedBackups DescribeExportTasks "
    "ModifyCustomDBEngineVersion RegisterDBProxyTargets RestoreDBInstanceToPointInTime StartExportTask",
    "s3": "CreateSession WriteGetObjectResponse",
    "s3control": "CreateBucket DeleteBucket DeleteBucketLifecycleConfiguration DeleteBucketPolicy "
    "DeleteBucketReplication DeleteBucketTagging DeletePublicAccessBlock GetBucketLifecycleConfiguration "
    "GetBucketPolicy GetBucketReplication GetBucketTagging GetBucketVersioning GetPublicAccessBlock "
    "PutBucketLifecycleConfiguration PutBucketPolicy PutBucketReplication PutBucketTagging PutBucketVersioning "
    "PutPublicAccessBlock",
    "ssm": "DeleteResourcePolicy GetConnectionStatus PutComplianceItems",
}
"""service -> the operations whose permission was another one than AWS's when the matrix was first walked."""

WITHOUT_A_NAME = [
    ("events", "DescribeEventBus", "arn:aws:events:us-east-1:{account}:event-bus/default"),
    ("events", "UpdateEventBus", "arn:aws:events:us-east-1:{account}:event-bus/default"),
    ("glue", "GetResourcePolicy", "arn:aws:glue:us-east-1:{account}:catalog"),
    ("rds", "DescribeDBClusterAutomatedBackups", "arn:aws:rds:us-east-1:{account}:cluster-auto-backup:*"),
    ("rds", "DescribeDBClusterEndpoints", "arn:aws:rds:us-east-1:{account}:cluster-endpoint:*"),
    ("rds", "DescribeDBClusterSnapshots", "arn:aws:rds:us-east-1:{account}:cluster-snapshot:*"),
    ("rds", "DescribeDBInstanceAutomatedBackups", "arn:aws:rds:us-east-1:{account}:auto-backup:*"),
    ("rds", "DescribeDBSnapshots", "arn:aws:rds:us-east-1:{account}:snapshot:*"),
]

Walkers = Callable[[str], Walker]


@pytest.fixture(scope="module")
def walkers(plane: InProcess) -> Walkers:
    """A walker for each service, in an account of its own: what its calls change is in nobody's way."""
    made: dict[str, Walker] = {}

    def walker(service: str) -> Walker:
        if service not in made:
            made[service] = Walker(plane, f"{920_000_000_000 + GUARDED.index(service)}")
            if service == "kms":
                made[service].with_key()
        return made[service]

    return walker


def calls_of(walker: Walker, service: str) -> list[ReferenceCall]:
    return [call for call in reference_calls(walker.account, service) if (service, call.operation) not in FREE]


def sample(calls: Sequence[ReferenceCall]) -> Sequence[ReferenceCall]:
    """One in `STEP`, of which the first differs from service to service, and all that were once wrong."""
    once = {(service, name) for service, names in ONCE_WRONG.items() for name in names.split()}
    first = len(calls) % STEP
    return [
        call for number, call in enumerate(calls) if number % STEP == first or (call.service, call.operation) in once
    ]


def refused_to_the_permitted(walker: Walker, calls: Sequence[ReferenceCall]) -> list[tuple[ReferenceCall, Told]]:
    told = [(call, walker.only(call)) for call in calls if (call.service, call.operation) not in NOT_BY_POLICY_ALONE]
    return [(call, answer) for call, answer in told if denied(call, answer)]


def not_refused_as_the_service_does(walker: Walker, calls: Sequence[ReferenceCall]) -> list[tuple[str, str]]:
    each = {call.operation: call for call in calls}.values()
    return [(call.operation, flaw) for call in each for flaw in flaws(walker, call, walker.all_but_action(call))]


def not_refused_on_the_resource(walker: Walker, calls: Sequence[ReferenceCall]) -> list[tuple[ReferenceCall, Told]]:
    told = [(call, walker.all_but_resource(call)) for call in calls if call.kind]
    return [(call, answer) for call, answer in told if not denied(call, answer)]


@pytest.mark.parametrize("service", GUARDED)
def test_a_role_that_may_do_exactly_this_on_exactly_this_resource_is_allowed(walkers: Walkers, service: str) -> None:
    walker = walkers(service)
    assert refused_to_the_permitted(walker, sample(calls_of(walker, service))) == []


@pytest.mark.parametrize("service", GUARDED)
def test_a_role_that_may_do_all_but_this_is_denied_with_the_error_of_the_service(
    walkers: Walkers, service: str
) -> None:
    walker = walkers(service)
    assert not_refused_as_the_service_does(walker, sample(calls_of(walker, service))) == []


@pytest.mark.parametrize("service", GUARDED)
def test_a_deny_on_the_resource_holds(walkers: Walkers, service: str) -> None:
    walker = walkers(service)
    assert not_refused_on_the_resource(walker, sample(calls_of(walker, service))) == []


@pytest.mark.parametrize(("service", "operation", "arn"), WITHOUT_A_NAME)
def test_a_call_that_names_nothing_is_on_the_default_or_on_all_of_a_type(
    walkers: Walkers, service: str, operation: str, arn: str
) -> None:
    walker = walkers(service)
    call = ReferenceCall(service, operation, f"{service}:{operation}", "", {}, arn)
    assert not denied(call, walker.only(call))
    assert denied(call, walker.only(call._replace(arn=f"{arn}-other")))
    assert denied(call, walker.all_but_resource(call))


@pytest.mark.nightly
@pytest.mark.parametrize(("service", "part"), [(name, part) for name in GUARDED for part in range(PARTS.get(name, 1))])
def test_every_operation_takes_exactly_its_permission(walkers: Walkers, service: str, part: int) -> None:
    walker = walkers(service)
    calls = calls_of(walker, service)[part :: PARTS.get(service, 1)]
    assert not_refused_as_the_service_does(walker, calls) == []
    assert not_refused_on_the_resource(walker, calls) == []
    assert refused_to_the_permitted(walker, calls) == []
    assert not_refused_on_the_resource(walker, calls) == []  # now that the backend has what was made


def test_the_operations_without_a_published_action_are_no_more_than_they_were() -> None:
    calls = [call for service in GUARDED for call in reference_calls("000000000000", service)]
    assert Counter(call.service for call in calls if not call.published) == UNPUBLISHED


def test_what_is_told_of_single_operations_is_told_of_ones_that_there_are() -> None:
    for service, operation in {*ACTIONS, *ALSO, *FREE, *LOOKED_UP, *NOT_BY_POLICY_ALONE}:
        assert operation in model_of(service).operation_names
