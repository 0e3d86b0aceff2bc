"""Names inside of what a call puts, and ARNs beside names in a structure, are decided on like those at the top."""

from __future__ import annotations

from typing import Any

import pytest

from locum import authz
from locum.core.errors import Fault
from locum.core.partial_arn import PartialArn
from support.authority import HOME, REGION, World, allow, as_user, deny, user

GLUE = f"arn:aws:glue:{REGION}:{HOME}"
RDS = f"arn:aws:rds:{REGION}:{HOME}"
TABLE, SCHEMA = f"{GLUE}:table/d/theirs", f"{GLUE}:schema/team/theirs"

HIDDEN: list[tuple[str, dict[str, Any], str]] = [
    ("glue:CreateTable", {"DatabaseName": "d", "TableInput": {"Name": "theirs"}}, TABLE),
    ("glue:CreateTable", {"DatabaseName": "d", "Name": "mine", "TableInput": {"Name": "theirs"}}, TABLE),
    ("glue:UpdateTable", {"DatabaseName": "d", "Name": "mine", "TableInput": {"Name": "theirs"}}, TABLE),
    (
        "glue:StopColumnStatisticsTaskRun",
        {"DatabaseName": "d", "TableName": "t", "CatalogID": "444455556666"},
        f"arn:aws:glue:{REGION}:444455556666:table/d/t",
    ),
    ("glue:UpdateDatabase", {"Name": "mine", "DatabaseInput": {"Name": "theirs"}}, f"{GLUE}:database/theirs"),
    ("glue:UpdateConnection", {"Name": "mine", "ConnectionInput": {"Name": "theirs"}}, f"{GLUE}:connection/theirs"),
    ("glue:UpdateTrigger", {"Name": "mine", "TriggerUpdate": {"Name": "theirs"}}, f"{GLUE}:trigger/theirs"),
    (
        "glue:UpdateUserDefinedFunction",
        {"DatabaseName": "d", "FunctionName": "mine", "FunctionInput": {"FunctionName": "theirs"}},
        f"{GLUE}:userDefinedFunction/d/theirs",
    ),
    ("glue:UpdateDataQualityRuleset", {"Name": "theirs", "Ruleset": "Rules"}, f"{GLUE}:dataQualityRuleset/theirs"),
    ("glue:GetSchema", {"SchemaId": {"SchemaArn": SCHEMA}}, SCHEMA),
    ("glue:GetSchema", {"SchemaId": {"RegistryName": "team", "SchemaName": "theirs"}}, SCHEMA),
    ("glue:GetSchema", {"SchemaId": {"RegistryName": "r", "SchemaName": "mine", "SchemaArn": SCHEMA}}, SCHEMA),
    ("glue:GetSchema", {"SchemaId": {"SchemaArn": SCHEMA}}, f"{GLUE}:registry/team"),
    ("glue:DeleteSchema", {"SchemaId": {"SchemaName": "s"}}, f"{GLUE}:schema/default-registry/s"),
    ("glue:ListSchemaVersions", {"SchemaId": {"SchemaArn": SCHEMA}}, SCHEMA),
    ("glue:GetSchemaVersion", {"SchemaVersionId": "v"}, SCHEMA),
    ("glue:GetRegistry", {"RegistryId": {"RegistryArn": f"{GLUE}:registry/team"}}, f"{GLUE}:registry/team"),
    ("glue:ListSchemas", {"RegistryId": {"RegistryArn": f"{GLUE}:registry/team"}}, f"{GLUE}:registry/team"),
    (
        "rds:RestoreDBInstanceToPointInTime",
        {"TargetDBInstanceIdentifier": "t", "SourceDBInstanceIdentifier": "mine", "SourceDbiResourceId": "db-THEIRS"},
        f"{RDS}:db:theirs",
    ),
    (
        "rds:RestoreDBClusterToPointInTime",
        {"DBClusterIdentifier": "t", "SourceDBClusterIdentifier": "mine", "SourceDbClusterResourceId": "cluster-T"},
        f"{RDS}:cluster:theirs",
    ),
    (
        "s3control:UpdateStorageLensGroup",
        {"AccountId": HOME, "Name": "mine", "StorageLensGroup": {"Name": "theirs"}},
        f"arn:aws:s3:{REGION}:{HOME}:storage-lens-group/theirs",
    ),
    (
        "ssm:UpdateOpsItem",
        {"OpsItemId": "oi-1", "OpsItemArn": f"arn:aws:ssm:{REGION}:{HOME}:opsitem/oi-2"},
        f"arn:aws:ssm:{REGION}:{HOME}:opsitem/oi-2",
    ),
]


@pytest.mark.parametrize(("operation", "params", "arn"), HIDDEN)
def test_a_deny_holds_for_a_name_inside_or_beside_another(operation: str, params: dict[str, Any], arn: str) -> None:
    ann = user("ann", allow("*"), deny("*", arn))
    assert not World().having(ann).allows(as_user(ann), operation, **params)


def test_the_source_of_a_restore_is_looked_up_by_its_resource_id() -> None:
    world, params = World(), {"TargetDBInstanceIdentifier": "t", "SourceDbiResourceId": "db-1"}
    call = world.call(as_user(user("ann")), "rds:RestoreDBInstanceToPointInTime", params)
    plan = authz.plan(world.state, call)
    partial = [check for check in plan.checks if isinstance(check.resource, PartialArn)]
    (lookup,) = filter(None, (authz.lookup_of(call, check) for check in partial))
    assert (lookup.operation, lookup.params) == (
        "DescribeDBInstances",
        {"Filters": [{"Name": "dbi-resource-id", "Values": ["db-1"]}]},
    )
    assert lookup.resources({"DBInstances": [{"DBInstanceArn": f"{RDS}:db:found"}]}) == (f"{RDS}:db:found",)


@pytest.mark.parametrize("arn", ["arn:x", f"{GLUE}:table/d/t", f"arn:aws:glue:*:{HOME}:schema/r/s", f"{GLUE}:schema/s"])
def test_what_is_no_arn_of_a_schema_is_refused(arn: str) -> None:
    with pytest.raises(Fault) as refused:
        World().plan(as_user(user("ann")), "glue:GetSchema", SchemaId={"SchemaArn": arn})
    assert refused.value.code == "InvalidInputException"
