"""Domains of OpenSearch. Their versions are upgraded where the update policy says so.

CloudFormation Template Reference, "UpdatePolicy attribute", EnableVersionUpgrade: without it, another version takes
another domain.
"""

from __future__ import annotations

from itertools import count
from typing import Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Ending, Pause, Properties, Provider, Request, Resource, Work
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Row, Shown, Tags, Wait, provider

_ID: Final = {"DomainName": "{id}"}
_BOTH: Final = (
    "AccessPolicies AdvancedOptions AdvancedSecurityOptions CognitoOptions DomainEndpointOptions EBSOptions "
    "EncryptionAtRestOptions LogPublishingOptions NodeToNodeEncryptionOptions SnapshotOptions VPCOptions"
)
_SECONDS: Final = 10.0
_BEGINS: Final = 30
_MOST: Final = 1080
"""Looks at a domain until its upgrade must have begun, and must be over."""


def domains(service: str, kind: str, version: str, changed: str, fixed: str = "") -> Provider:
    """Domains of `service`, whose operations have `kind` in their names. Their `version` is a property."""
    row = Row(
        service,
        Call(f"Create{kind}Domain", takes=f"{_BOTH} {changed} {version} {fixed}"),
        "{name}",
        (Call(f"Delete{kind}Domain", _ID),),
        attributes={
            "Id": "{r.DomainStatus.DomainId}",
            "Arn": "{r.DomainStatus.ARN}",
            "DomainArn": "{r.DomainStatus.ARN}",
            "DomainEndpoint": "{r.DomainStatus.Endpoint}",
            "DomainEndpoints": "{r.DomainStatus.Endpoints}",
        },
        name=Name("DomainName", 28, lower=True),
        tags=Tags(
            Call("AddTags", {"ARN": "{attr.Arn}", "TagList": "{tags}"}),
            Call("RemoveTags", {"ARN": "{attr.Arn}", "TagKeys": "{keys}"}),
            member="TagList",
        ),
        read=Call(f"Describe{kind}Domain", {"DomainName": "{id|name}"}),
        exists=frozenset({"ResourceAlreadyExistsException"}),
        ready=Wait("DomainStatus.Processing", frozenset({False, None}), seconds=_SECONDS),
        gone=Wait("DomainStatus.DomainId", frozenset({None}), seconds=_SECONDS),
        settings=(Change(Call(f"Update{kind}DomainConfig", _ID, f"{_BOTH} {changed}")),),
        unused=frozenset({"SkipShardMigrationWait"}),
        shown=Shown(at="DomainStatus", lists=Listing(Call("ListDomainNames"), "DomainNames", "{item.DomainName}")),
    )
    made_by = provider(row)

    def update(resource: Resource, before: Properties) -> Work:
        wanted = resource.properties.get(version)
        if wanted != before.get(version):
            yield from _upgraded(service, kind, version, resource.physical, wanted)
        assert made_by.update is not None
        there = {name: value for name, value in before.items() if name != version}
        return (yield from made_by.update(resource, there | ({version: wanted} if wanted else {})))

    return made_by._replace(update=update)


def _upgraded(service: str, kind: str, version: str, name: str, wanted: str | None) -> Ending:
    """Have a domain be of the version that is `wanted`, where it is not. Raises Fault."""
    if wanted is None:
        raise Fault("NotUpdatable", f"Property {version} cannot be removed by an update")
    for looks in count():
        told = (yield Request(service, f"Describe{kind}Domain", {"DomainName": name}))["DomainStatus"]
        if told.get(version) == wanted and not told.get("UpgradeProcessing"):
            return
        if looks >= (_MOST if told.get("UpgradeProcessing") else _BEGINS):
            raise Fault("NotStabilized", f"Domain {name} is of version {told.get(version)}, and not of {wanted}")
        if looks == 0:
            yield Request(service, f"Upgrade{kind}Domain", {"DomainName": name, "TargetVersion": wanted})
        else:
            yield Pause(_SECONDS)


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::OpenSearchService::Domain": domains(
        "opensearch",
        "",
        "EngineVersion",
        "AIMLOptions AutomatedSnapshotPauseOptions ClusterConfig DeploymentStrategyOptions IPAddressType "
        "IdentityCenterOptions OffPeakWindowOptions SoftwareUpdateOptions UseCase",
        "EngineMode",
    ),
}
