"""Elastic File System: file systems, their mount targets and access points."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.table import Call, Change, Listing, Row, Shown, Tags, Wait, provider

_SERVICE: Final = "efs"
_ID: Final = {"FileSystemId": "{id}"}


def _tags(property_name: str) -> Tags:
    return Tags(
        Call("TagResource", {"ResourceId": "{id}", "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceId": "{id}", "TagKeys": "{keys}"}),
        property=property_name,
        reserved=False,
    )


def _backed_up(properties: Properties) -> Properties:
    """The properties, with whether there are backups as the call that makes a file system has it."""
    if "BackupPolicy" not in properties:
        return properties
    return {**properties, "Backup": properties["BackupPolicy"]["Status"] == "ENABLED"}


_FILE_SYSTEM: Final = Row(
    _SERVICE,
    Call(
        "CreateFileSystem",
        {"CreationToken": "{client_token}", "Backup": "{p.Backup}"},
        "AvailabilityZoneName Encrypted KmsKeyId PerformanceMode ProvisionedThroughputInMibps ThroughputMode",
    ),
    "{c.FileSystemId|r.FileSystems.0.FileSystemId}",
    (Call("DeleteFileSystem", _ID),),
    attributes={"FileSystemId": "{id}", "Arn": "{r.FileSystems.0.FileSystemArn}"},
    tags=_tags("FileSystemTags"),
    read=Call("DescribeFileSystems", {"CreationToken": "{client_token}"}),
    exists=frozenset({"FileSystemAlreadyExists"}),
    ready=Wait("FileSystems.0.LifeCycleState", frozenset({"available"}), frozenset({"error"})),
    gone=Wait("FileSystems.0.LifeCycleState", frozenset({None})),
    settings=(
        Change(Call("UpdateFileSystem", _ID, "ProvisionedThroughputInMibps ThroughputMode")),
        Change(Call("PutBackupPolicy", _ID, "BackupPolicy"), defaults={"BackupPolicy": {"Status": "DISABLED"}}),
        Change(
            Call("PutLifecycleConfiguration", _ID, "LifecyclePolicies"),
            defaults={"LifecyclePolicies": []},
            at_creation=True,
        ),
        Change(
            Call("PutFileSystemPolicy", _ID, "Policy=FileSystemPolicy BypassPolicyLockoutSafetyCheck"),
            removed=Call("DeleteFileSystemPolicy", _ID),
            at_creation=True,
        ),
        Change(
            Call(
                "UpdateFileSystemProtection",
                {**_ID, "ReplicationOverwriteProtection": "{p.FileSystemProtection.ReplicationOverwriteProtection}"},
            ),
            on="FileSystemProtection",
            at_creation=True,
        ),
    ),
    shaped=_backed_up,
    unused=frozenset({"Backup", "BackupPolicy"}),
)

_MOUNT: Final = {"MountTargetId": "{id}"}
_MOUNT_TARGET: Final = Row(
    _SERVICE,
    Call("CreateMountTarget", takes="FileSystemId IpAddress IpAddressType Ipv6Address SecurityGroups SubnetId"),
    "{c.MountTargetId}",
    (Call("DeleteMountTarget", _MOUNT),),
    attributes={"Id": "{id}", "IpAddress": "{r.MountTargets.0.IpAddress}"},
    read=Call("DescribeMountTargets", _MOUNT),
    ready=Wait("MountTargets.0.LifeCycleState", frozenset({"available"}), frozenset({"error"})),
    gone=Wait("MountTargets.0.LifeCycleState", frozenset({None})),
    settings=(Change(Call("ModifyMountTargetSecurityGroups", _MOUNT, "SecurityGroups")),),
)

_ACCESS_POINT: Final = Row(
    _SERVICE,
    Call("CreateAccessPoint", {"ClientToken": "{p.ClientToken|client_token}"}, "FileSystemId PosixUser RootDirectory"),
    "{c.AccessPointId}",
    (Call("DeleteAccessPoint", {"AccessPointId": "{id}"}),),
    attributes={"AccessPointId": "{id}", "Arn": "{c.AccessPointArn|attr.Arn}"},
    tags=_tags("AccessPointTags"),
    shown=Shown(
        Call("DescribeAccessPoints", {"AccessPointId": "{id}"}),
        "AccessPoints.0",
        lists=Listing(Call("DescribeAccessPoints"), "AccessPoints", "{item.AccessPointId}"),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::EFS::AccessPoint": provider(_ACCESS_POINT),
    "AWS::EFS::FileSystem": provider(_FILE_SYSTEM),
    "AWS::EFS::MountTarget": provider(_MOUNT_TARGET),
}
