"""Look-ups of resources by another name: what is asked of the backend, and what its answer leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.model import Shape

from locum import authz
from locum.authz import catalogue
from locum.authz.rules import LookupRule
from locum.core.partial_arn import Name, PartialArn
from support.authority import HOME, REGION, World, as_user, user
from support.generated_calls import GUARDED, model_of

HERE = f"{REGION}:{HOME}"
CALLER = as_user(user("ann"))


def _lookups() -> Iterator[tuple[str, tuple[str, str], LookupRule]]:
    for service in GUARDED:
        for name, rule in catalogue.service(service).rules.lookups.items():
            yield service, name, rule


def _leads(shape: Shape | None, path: str) -> bool:
    """Whether the shape has what `path` leads to."""
    for step in path.split("."):
        if shape is None or shape.type_name != "structure" or step.removesuffix("[]") not in shape.members:
            return False
        shape = shape.members[step.removesuffix("[]")]
        shape = shape.member if step.endswith("[]") else shape
    return True


def test_each_look_up_is_a_call_that_the_service_has_and_reads_what_its_answer_has() -> None:
    for service, name, rule in _lookups():
        model = model_of(service).operation_model(rule.operation)
        own, *further = rule.parameter.split(",")
        asked = [own.partition(":")[0], *(pair.partition("=")[0] for pair in further)]
        assert all(_leads(model.input_shape, member) for member in asked), (service, name)
        assert _leads(model.output_shape, rule.path), (service, name)


def test_a_look_up_leads_to_a_variable_of_the_type_or_to_another_look_up() -> None:
    for service, (kind, _), rule in _lookups():
        rules = catalogue.service(service).rules
        variables = rules.types[kind].variables
        assert not rule.variable or rule.variable in variables or (kind, rule.variable) in rules.lookups


FOUND: list[tuple[str, dict[str, Any], str, dict[str, Any], dict[str, Any], str]] = [
    (
        "glue:GetDataQualityResult",
        {"ResultId": "r"},
        "GetDataQualityResult",
        {"ResultId": "r"},
        {"RulesetName": "rules"},
        f"arn:aws:glue:{HERE}:dataQualityRuleset/rules",
    ),
    (
        "glue:CancelDataQualityRuleRecommendationRun",
        {"RunId": "r"},
        "GetDataQualityRuleRecommendationRun",
        {"RunId": "r"},
        {"CreatedRulesetName": "made"},
        f"arn:aws:glue:{HERE}:dataQualityRuleset/made",
    ),
    (
        "ecs:UpdateGateway",
        {"gateway": "front"},
        "DescribeGateway",
        {"gateway": "front"},
        {"gateway": {"gatewayArn": f"arn:aws:ecs:{HERE}:gateway/front/1"}},
        f"arn:aws:ecs:{HERE}:gateway/front/1",
    ),
    (
        "eks:DescribeIdentityProviderConfig",
        {"clusterName": "c", "identityProviderConfig": {"type": "oidc", "name": "n"}},
        "DescribeIdentityProviderConfig",
        {"clusterName": "c", "identityProviderConfig": {"type": "oidc", "name": "n"}},
        {"identityProviderConfig": {"oidc": {"identityProviderConfigArn": "arn:aws:eks:::identityproviderconfig/c"}}},
        "arn:aws:eks:::identityproviderconfig/c",
    ),
    (
        "rds:DeleteDBClusterAutomatedBackup",
        {"DbClusterResourceId": "cluster-1"},
        "DescribeDBClusterAutomatedBackups",
        {"DbClusterResourceId": "cluster-1"},
        {"DBClusterAutomatedBackups": [{"DBClusterAutomatedBackupsArn": "arn:aws:rds:::cluster-auto-backup:ab-1"}]},
        "arn:aws:rds:::cluster-auto-backup:ab-1",
    ),
    (
        "ssm:GetDefaultPatchBaseline",
        {},
        "GetDefaultPatchBaseline",
        {"OperatingSystem": "WINDOWS"},
        {"BaselineId": "pb-1"},
        f"arn:aws:ssm:{HERE}:patchbaseline/pb-1",
    ),
    (
        "ec2:DeleteTrafficMirrorFilterRule",
        {"TrafficMirrorFilterRuleId": "tmfr-1"},
        "DescribeTrafficMirrorFilterRules",
        {"TrafficMirrorFilterRuleIds": ["tmfr-1"]},
        {"TrafficMirrorFilterRules": [{"TrafficMirrorFilterId": "tmf-1"}]},
        f"arn:aws:ec2:{HERE}:traffic-mirror-filter/tmf-1",
    ),
]


@pytest.mark.parametrize(
    ("operation", "params", "asked", "given", "answer", "arn"), FOUND, ids=[row[0] for row in FOUND]
)
def test_a_resource_is_looked_up_by_its_other_name(
    operation: str, params: dict[str, Any], asked: str, given: Mapping[str, Any], answer: dict[str, Any], arn: str
) -> None:
    world = World()
    call = world.call(CALLER, operation, params)
    (lookup,) = filter(None, (authz.lookup_of(call, check) for check in authz.plan(world.state, call).checks))
    assert (lookup.operation, lookup.params) == (asked, given)
    assert lookup.resources(answer) == (arn,)


def test_the_workgroup_of_a_calculation_is_that_of_its_session() -> None:
    world = World()
    call = world.call(CALLER, "athena:StopCalculationExecution", {"CalculationExecutionId": "c"})
    plan = authz.plan(world.state, call)
    first = authz.lookup_of(call, plan.checks[0])
    assert first is not None
    (named,) = first.resources({"SessionId": "s"})
    assert isinstance(named, PartialArn)
    assert named.name == Name("SessionId", "s")
    second = authz.lookup_of(call, plan.checks[0]._replace(resource=named))
    assert second is not None
    assert (second.operation, second.params) == ("GetSession", {"SessionId": "s"})
    assert second.resources({"WorkGroup": "w"}) == (f"arn:aws:athena:{HERE}:workgroup/w",)


@pytest.mark.parametrize(
    ("operation", "params", "resource"),
    [
        ("ec2:CreateImage", {"InstanceId": "i-1", "Name": "chosen"}, f"arn:aws:ec2:{REGION}::image/*"),
        ("ec2:CreateManagedPrefixList", {"PrefixListName": "chosen"}, f"arn:aws:ec2:{HERE}:prefix-list/*"),
        ("rds:CreateBlueGreenDeployment", {"BlueGreenDeploymentName": "chosen"}, f"arn:aws:rds:{HERE}:deployment:*"),
        ("cloudtrail:CreateChannel", {"Name": "chosen"}, f"arn:aws:cloudtrail:{HERE}:channel/*"),
    ],
)
def test_the_name_of_what_is_made_is_not_taken_for_its_id(
    operation: str, params: dict[str, Any], resource: str
) -> None:
    assert resource in [arn for _, arn in World().plan(CALLER, operation, **params)]
