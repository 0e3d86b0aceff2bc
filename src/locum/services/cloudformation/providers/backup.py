"""Vaults and plans of Backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Shown, Tags, provider

_SERVICE: Final = "backup"


def _tags(arn: str, property_name: str) -> Tags:
    return Tags(
        Call("TagResource", {"ResourceArn": arn, "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceArn": arn, "TagKeyList": "{keys}"}),
        member=property_name,
        property=property_name,
        form="map",
    )


_VAULT_ID: Final = {"BackupVaultName": "{id}"}
_VAULT: Final = Row(
    _SERVICE,
    Call("CreateBackupVault", {"CreatorRequestId": "{client_token}"}, "EncryptionKeyArn"),
    "{name}",
    (Call("DeleteBackupVault", _VAULT_ID),),
    attributes={"BackupVaultName": "{id}", "BackupVaultArn": "{c.BackupVaultArn|attr.BackupVaultArn}"},
    name=Name("BackupVaultName", 50),
    tags=_tags("{attr.BackupVaultArn}", "BackupVaultTags"),
    exists=frozenset({"AlreadyExistsException"}),
    settings=(
        Change(
            Call("PutBackupVaultAccessPolicy", _VAULT_ID, "Policy=AccessPolicy"),
            removed=Call("DeleteBackupVaultAccessPolicy", _VAULT_ID),
            at_creation=True,
        ),
        Change(
            Call(
                "PutBackupVaultNotifications",
                {
                    **_VAULT_ID,
                    "SNSTopicArn": "{p.Notifications.SNSTopicArn}",
                    "BackupVaultEvents": "{p.Notifications.BackupVaultEvents}",
                },
            ),
            on="Notifications",
            removed=Call("DeleteBackupVaultNotifications", _VAULT_ID),
            at_creation=True,
        ),
        Change(
            Call(
                "PutBackupVaultLockConfiguration",
                {
                    **_VAULT_ID,
                    **{
                        name: f"{{p.LockConfiguration.{name}}}"
                        for name in ("ChangeableForDays", "MaxRetentionDays", "MinRetentionDays")
                    },
                },
            ),
            on="LockConfiguration",
            removed=Call("DeleteBackupVaultLockConfiguration", _VAULT_ID),
            at_creation=True,
        ),
    ),
    shown=Shown(Call("DescribeBackupVault", {"BackupVaultName": "{id}"}), ""),
)


def _shaped(properties: Properties) -> Properties:
    """The properties of a plan, with its rules under the names that the API has for them."""
    plan: Mapping[str, Any] = properties["BackupPlan"]
    renamed = {"BackupPlanRule": "Rules"}
    found = {renamed.get(name, name): value for name, value in plan.items()}
    found["Rules"] = [_rule(each) for each in found.get("Rules") or ()]
    return {**properties, "BackupPlan": found}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {"TargetBackupVaultName" if name == "TargetBackupVault" else name: value for name, value in rule.items()}


_PLAN: Final = Row(
    _SERVICE,
    Call("CreateBackupPlan", {"CreatorRequestId": "{client_token}"}, "BackupPlan"),
    "{c.BackupPlanId}",
    (Call("DeleteBackupPlan", {"BackupPlanId": "{id}"}),),
    attributes={
        "BackupPlanArn": "{c.BackupPlanArn|attr.BackupPlanArn}",
        "BackupPlanId": "{id}",
        "VersionId": "{r.VersionId}",
    },
    tags=_tags("{attr.BackupPlanArn}", "BackupPlanTags"),
    read=Call("GetBackupPlan", {"BackupPlanId": "{id}"}),
    settings=(Change(Call("UpdateBackupPlan", {"BackupPlanId": "{id}"}, "BackupPlan")),),
    shaped=_shaped,
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Backup::BackupPlan": provider(_PLAN),
    "AWS::Backup::BackupVault": provider(_VAULT),
}
