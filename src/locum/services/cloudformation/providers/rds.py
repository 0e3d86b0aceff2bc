"""Databases of RDS: instances, and their subnet and parameter groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from locum.services.cloudformation.providers.base import Ending, Properties, Provider, Resource, Work
from locum.services.cloudformation.providers.table import Call, Change, Each, Name, Row, Tags, Wait, provider

_SERVICE: Final = "rds"


def _tags(arn: str) -> Tags:
    return Tags(
        Call("AddTagsToResource", {"ResourceName": arn, "Tags": "{tags}"}),
        Call("RemoveTagsFromResource", {"ResourceName": arn, "TagKeys": "{keys}"}),
    )


# -- groups ----------------------------------------------------------------------------------------------

_SUBNETS: Final = {"DBSubnetGroupName": "{id}"}
_SUBNET_GROUP: Final = Row(
    _SERVICE,
    Call("CreateDBSubnetGroup", takes="DBSubnetGroupDescription SubnetIds"),
    "{name}",
    (Call("DeleteDBSubnetGroup", _SUBNETS),),
    attributes={"DBSubnetGroupArn": "{r.DBSubnetGroups.0.DBSubnetGroupArn}"},
    name=Name("DBSubnetGroupName", lower=True),
    tags=_tags("{attr.DBSubnetGroupArn}"),
    read=Call("DescribeDBSubnetGroups", {"DBSubnetGroupName": "{id|name}"}),
    exists=frozenset({"DBSubnetGroupAlreadyExists"}),
    settings=(Change(Call("ModifyDBSubnetGroup", _SUBNETS, "DBSubnetGroupDescription SubnetIds")),),
)


def _listed(properties: Properties) -> Properties:
    """The properties of a group, with its parameters as the list that the API has. A restart is as good for all."""
    given = properties.get("Parameters") or {}
    items = [{"ParameterName": name, "ParameterValue": str(value)} for name, value in given.items()]
    return {**properties, "Parameters": [{**item, "ApplyMethod": "pending-reboot"} for item in items]}


def _parameter_group(noun: str) -> Row:
    """Groups of parameters of instances (`DBParameterGroup`) or of clusters."""
    parameters = {f"{noun}Name": "{id}"}
    return Row(
        _SERVICE,
        Call(f"Create{noun}", takes="DBParameterGroupFamily=Family Description"),
        "{name}",
        (Call(f"Delete{noun}", parameters),),
        attributes={f"{noun}Name": "{id}", f"{noun}Arn": f"{{r.{noun}s.0.{noun}Arn}}"},
        name=Name(f"{noun}Name", lower=True),
        tags=_tags(f"{{attr.{noun}Arn}}"),
        read=Call(f"Describe{noun}s", {f"{noun}Name": "{id|name}"}),
        exists=frozenset({"DBParameterGroupAlreadyExists"}),
        items=(
            Each(
                "Parameters",
                Call(f"Modify{noun}", {**parameters, "Parameters": ["{item}"]}),
                Call(
                    f"Reset{noun}",
                    {
                        **parameters,
                        "Parameters": [{name: f"{{item.{name}}}" for name in ("ParameterName", "ApplyMethod")}],
                    },
                ),
                key="{item.ParameterName}",
                goes=True,
            ),
        ),
        shaped=_listed,
    )


# -- instances -------------------------------------------------------------------------------------------

_ID: Final = {"DBInstanceIdentifier": "{id}"}
_MODIFIED: Final = (
    "AutoMinorVersionUpgrade BackupRetentionPeriod CACertificateIdentifier CopyTagsToSnapshot DBInstanceClass "
    "DBParameterGroupName DBSecurityGroups DatabaseInsightsMode DedicatedLogVolume DeletionProtection Domain "
    "DomainAuthSecretArn DomainDnsIps DomainFqdn DomainIAMRoleName DomainOu EnableIAMDatabaseAuthentication "
    "EnablePerformanceInsights Iops LicenseModel MaxAllocatedStorage MonitoringInterval MonitoringRoleArn MultiAZ "
    "NetworkType OptionGroupName PerformanceInsightsKMSKeyId PerformanceInsightsRetentionPeriod "
    "PreferredBackupWindow PreferredMaintenanceWindow ProcessorFeatures PromotionTier PubliclyAccessible "
    "StorageThroughput StorageType VpcSecurityGroupIds=VPCSecurityGroups"
)
_NEW: Final = (
    "AllocatedStorage BackupTarget CharacterSetName CustomIamInstanceProfile=CustomIAMInstanceProfile "
    "DBClusterIdentifier DBName DBSystemId EngineVersion KmsKeyId ManageMasterUserPassword MasterUserPassword "
    "MasterUsername NcharCharacterSetName StorageEncrypted Timezone"
)
_ALWAYS: Final = "AvailabilityZone DBSubnetGroupName EnableCloudwatchLogsExports Engine Port"
_MEANWHILE: Final = frozenset(
    {"AllowMajorVersionUpgrade", "ApplyImmediately", "CertificateRotationRestart", "DeleteAutomatedBackups"}
)
"""Properties that say how an instance is changed or deleted."""
_SECRET: Final = {"MasterUserSecretKmsKeyId": "{p.MasterUserSecret.KmsKeyId}"}
_READ: Final = "r.DBInstances.0"
_ROLE: Final = {**_ID, "RoleArn": "{item.RoleArn}", "FeatureName": "{item.FeatureName}"}


def _exports(member: str) -> Call:
    return Call("ModifyDBInstance", {**_ID, "CloudwatchLogsExportConfiguration": {member: ["{item}"]}})


_INSTANCE: Final = Row(
    _SERVICE,
    Call("CreateDBInstance", _SECRET, f"{_NEW} {_ALWAYS} {_MODIFIED}"),
    "{name}",
    (
        Call(
            "DeleteDBInstance",
            {**_ID, "SkipFinalSnapshot": True, "DeleteAutomatedBackups": "{p.DeleteAutomatedBackups}"},
        ),
    ),
    attributes={
        "DBInstanceArn": f"{{{_READ}.DBInstanceArn}}",
        "DbiResourceId": f"{{{_READ}.DbiResourceId}}",
        "Endpoint": {name: f"{{{_READ}.Endpoint.{name}}}" for name in ("Address", "Port", "HostedZoneId")},
        "MasterUserSecret": {"SecretArn": f"{{{_READ}.MasterUserSecret.SecretArn}}"},
    },
    name=Name("DBInstanceIdentifier", 63, lower=True),
    tags=_tags("{attr.DBInstanceArn}"),
    read=Call("DescribeDBInstances", {"DBInstanceIdentifier": "{id|name}"}),
    exists=frozenset({"DBInstanceAlreadyExists"}),
    ready=Wait("DBInstances.0.DBInstanceStatus", frozenset({"available"}), frozenset({"failed"})),
    gone=Wait("DBInstances.0.DBInstanceStatus", frozenset({None})),
    settings=(
        Change(
            Call(
                "ModifyDBInstance",
                {**_ID, **_SECRET, "DBPortNumber": "{p.Port}"},
                f"AllocatedStorage AllowMajorVersionUpgrade ApplyImmediately CertificateRotationRestart EngineVersion "
                f"ManageMasterUserPassword MasterUserPassword {_MODIFIED}",
            ),
            on="MasterUserSecret Port",
            defaults={"DeletionProtection": False, "MonitoringInterval": 0},
        ),
    ),
    items=(
        Each(
            "EnableCloudwatchLogsExports",
            _exports("EnableLogTypes"),
            _exports("DisableLogTypes"),
            apart=False,
        ),
        Each(
            "AssociatedRoles",
            Call("AddRoleToDBInstance", _ROLE),
            Call("RemoveRoleFromDBInstance", _ROLE),
            goes=True,
        ),
    ),
    shaped=lambda properties: {"ApplyImmediately": True, **properties},
    unused=_MEANWHILE | {"MasterUserSecret"},
)

_COPIES: Final[Mapping[str, tuple[str, str]]] = {
    "DBSnapshotIdentifier": ("RestoreDBInstanceFromDBSnapshot", "DBName"),
    "SourceDBInstanceIdentifier": ("CreateDBInstanceReadReplica", "KmsKeyId SourceRegion"),
}
"""Properties that name what an instance is made of, with the call, and what it takes beside the common ones."""
_NOT_OF_COPIES: Final = frozenset(_NEW.split()) | {"AllocatedStorage"}
_NOT_TAKEN: Final = {
    "RestoreDBInstanceFromDBSnapshot": "DBSecurityGroups DatabaseInsightsMode EnablePerformanceInsights "
    "MaxAllocatedStorage MonitoringInterval MonitoringRoleArn PerformanceInsightsKMSKeyId "
    "PerformanceInsightsRetentionPeriod PreferredMaintenanceWindow",
    "CreateDBInstanceReadReplica": "DBSecurityGroups Engine LicenseModel PreferredBackupWindow PromotionTier "
    "PreferredMaintenanceWindow",
}


def _row(properties: Properties) -> Row:
    """The row of an instance: a new one, or one made of a snapshot or of another instance."""
    for name, (operation, more) in _COPIES.items():
        if properties.get(name):
            untaken = {*_NOT_TAKEN[operation].split()}
            shared = [taken for taken in f"{_ALWAYS} {_MODIFIED}".split() if taken not in untaken]
            call = Call(operation, takes=" ".join([name, more, *shared]))
            rest = _NOT_OF_COPIES.union(untaken, _COPIES) - {*call.takes.split()}
            return replace(_INSTANCE, create=call, unused=_INSTANCE.unused | rest)
    return replace(_INSTANCE, unused=_INSTANCE.unused.union(_COPIES))


def _create(resource: Resource) -> Work:
    return (yield from provider(_row(resource.properties)).create(resource))


def _update(resource: Resource, before: Properties) -> Work:
    update = provider(_row(resource.properties)).update
    assert update is not None
    return (yield from update(resource, before))


def _delete(resource: Resource) -> Ending:
    yield from provider(_INSTANCE).delete(resource)


_FIXED: Final = frozenset({"AvailabilityZone", "Engine", *_COPIES, *(name.rpartition("=")[2] for name in _NEW.split())})
_CHANGEABLE: Final = frozenset({"AllocatedStorage", "EngineVersion", "ManageMasterUserPassword", "MasterUserPassword"})

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::RDS::DBClusterParameterGroup": provider(_parameter_group("DBClusterParameterGroup")),
    "AWS::RDS::DBInstance": Provider(_create, _delete, _update, _FIXED - _CHANGEABLE),
    "AWS::RDS::DBParameterGroup": provider(_parameter_group("DBParameterGroup")),
    "AWS::RDS::DBSubnetGroup": provider(_SUBNET_GROUP),
}
