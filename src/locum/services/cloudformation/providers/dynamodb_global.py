"""DynamoDB: global tables of one replica, which is a table in the Region of the stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Ending, Properties, Provider, Resource, Work
from locum.services.cloudformation.providers.dynamodb import TABLES
from locum.services.cloudformation.providers.steps import without
from locum.services.cloudformation.providers.table import provider

_INSIGHTS: Final = "ContributorInsightsSpecification"
_OF_REPLICA: Final = (
    *(_INSIGHTS, "DeletionProtectionEnabled", "KinesisStreamSpecification"),
    *("PointInTimeRecoverySpecification", "ResourcePolicy", "TableClass", "Tags"),
)
"""What a table has of its own, and a global table for each replica."""
_CAPACITY: Final = (
    *("WriteProvisionedThroughputSettings", "WriteOnDemandThroughputSettings"),
    *("ReadProvisionedThroughputSettings", "ReadOnDemandThroughputSettings"),
)
_ELSEWHERE: Final = (*_CAPACITY, "Replicas", "SSESpecification", "GlobalSecondaryIndexes")
_ACTED_ON: Final = frozenset({*_OF_REPLICA, *_CAPACITY, "Region", "SSESpecification", "GlobalSecondaryIndexes"})


def _as_table(resource: Resource, properties: Properties) -> Properties:
    """The properties of the table. Raises Fault InvalidRequest for replicas elsewhere, which no backend here makes."""
    replicas = properties["Replicas"]
    if [replica["Region"] for replica in replicas] != [resource.region]:
        raise Fault("InvalidRequest", f"Replicas in other Regions than {resource.region} are not supported")
    (replica,) = replicas
    unknown = sorted(set(replica) - _ACTED_ON)
    if unknown:
        raise Fault("InvalidRequest", f"Encountered unsupported property {unknown[0]}")
    found = {**without(properties, _ELSEWHERE), **{name: replica[name] for name in _OF_REPLICA if name in replica}}
    if "SSESpecification" in properties:
        found["SSESpecification"] = {**properties["SSESpecification"], **replica.get("SSESpecification", {})}
    indexes = properties.get("GlobalSecondaryIndexes")
    if indexes:
        own = {index["IndexName"]: index for index in replica.get("GlobalSecondaryIndexes", ())}
        found["GlobalSecondaryIndexes"] = [_index(index, own.get(index["IndexName"], {})) for index in indexes]
    return {**found, **_throughput(properties, replica)}


def _index(index: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    insights = {_INSIGHTS: own[_INSIGHTS]} if _INSIGHTS in own else {}
    return {**without(index, _CAPACITY), **insights, **_throughput(index, own)}


def _throughput(whole: Mapping[str, Any], replica: Mapping[str, Any]) -> dict[str, Any]:
    """The throughput of a table or index: writes are set for all replicas, reads for all or for each."""
    given = {**{name: whole[name] for name in _CAPACITY if name in whole}, **replica}
    found: dict[str, Any] = {}
    if "WriteProvisionedThroughputSettings" in given:
        found["ProvisionedThroughput"] = {
            "ReadCapacityUnits": _units(given.get("ReadProvisionedThroughputSettings", {}), "Read"),
            "WriteCapacityUnits": _units(given["WriteProvisionedThroughputSettings"], "Write"),
        }
    on_demand = {
        **given.get("ReadOnDemandThroughputSettings", {}),
        **given.get("WriteOnDemandThroughputSettings", {}),
    }
    return found | ({"OnDemandThroughput": on_demand} if on_demand else {})


def _units(settings: Mapping[str, Any], kind: str) -> Any:
    """The capacity that is set, or that scaling begins with: it stays, as nothing here scales tables."""
    scaled = settings.get(f"{kind}CapacityAutoScalingSettings", {})
    return settings.get(f"{kind}CapacityUnits", scaled.get("SeedCapacity", scaled.get("MinCapacity")))


def _global_tables() -> Provider:
    row = provider(replace(TABLES, attributes={**TABLES.attributes, "TableId": "{r.Table.TableId}"}))
    row_update = row.update
    assert row_update is not None

    def table(resource: Resource) -> Resource:
        return replace(resource, properties=_as_table(resource, resource.properties))

    def create(resource: Resource) -> Work:
        return (yield from row.create(table(resource)))

    def update(resource: Resource, before: Properties) -> Work:
        return (yield from row_update(table(resource), _as_table(resource, before)))

    def delete(resource: Resource) -> Ending:
        yield from row.delete(table(resource))

    return Provider(create, delete, update, row.immutable)


PROVIDERS: Final[dict[str, Provider]] = {"AWS::DynamoDB::GlobalTable": _global_tables()}
