"""Hosted zones of Route 53, the record sets in them, and health checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Found,
    Made,
    Properties,
    Provider,
    Reading,
    Request,
    Resource,
    Work,
    ended,
    is_gone,
    or_undone,
    picked,
)
from locum.services.cloudformation.providers.reading import absent
from locum.services.cloudformation.providers.steps import Steps, changed, listed, pairs, refuse_others
from locum.services.cloudformation.providers.table import Call, Change, Row, Tags, provider
from locum.services.cloudformation.shapes import properties_in

_SERVICE: Final = "route53"
_ZONE: Final = ("DelegationSetId", "HostedZoneConfig", "HostedZoneTags", "Name", "QueryLoggingConfig", "VPCs")

# -- zones -----------------------------------------------------------------------------------------------


def _create_zone(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(own, _ZONE)
    networks = listed(own.get("VPCs"))
    known = (yield from _made_before(resource)) if resource.again else ""
    zone = known or _zone_id((yield _creation(resource, networks))["HostedZone"]["Id"])
    return (yield from or_undone(_with_rest(resource, zone, networks[1:]), _end_zone(zone)))


def _creation(resource: Resource, networks: list[Any]) -> Request:
    own = resource.properties
    params = {"CallerReference": resource.client_token, **picked(own, "DelegationSetId", "HostedZoneConfig", "Name")}
    if networks:
        params |= {"VPC": networks[0], "HostedZoneConfig": {**own.get("HostedZoneConfig", {}), "PrivateZone": True}}
    return Request(_SERVICE, "CreateHostedZone", params)


def _made_before(resource: Resource) -> Steps[str]:
    """The zone that an interrupted creation made, if it did."""
    answer = yield Request(_SERVICE, "ListHostedZonesByName", {"DNSName": resource.properties["Name"]})
    same = [zone for zone in answer["HostedZones"] if zone.get("CallerReference") == resource.client_token]
    return _zone_id(same[0]["Id"]) if same else ""


def _zone_id(told: str) -> str:
    return told.rpartition("/")[2]


def _with_rest(resource: Resource, zone: str, networks: Iterable[Any]) -> Work:
    own = resource.properties
    for network in networks:
        yield Request(_SERVICE, "AssociateVPCWithHostedZone", {"HostedZoneId": zone, "VPC": network})
    yield from _tagged(zone, resource.all_tags(own.get("HostedZoneTags")), [])
    if "QueryLoggingConfig" in own:
        yield _logging(zone, own)
    return (yield from _read_zone(zone))


def _logging(zone: str, own: Properties) -> Request:
    group = picked(own["QueryLoggingConfig"], "CloudWatchLogsLogGroupArn")
    return Request(_SERVICE, "CreateQueryLoggingConfig", {"HostedZoneId": zone, **group})


def _tagged(zone: str, added: Mapping[str, str], removed: list[str]) -> Ending:
    params: dict[str, Any] = {"ResourceType": "hostedzone", "ResourceId": zone}
    if added:
        params["AddTags"] = pairs(added)
    if removed:
        params["RemoveTagKeys"] = removed
    if added or removed:
        yield Request(_SERVICE, "ChangeTagsForResource", params)


def _read_zone(zone: str) -> Work:
    answer = yield Request(_SERVICE, "GetHostedZone", {"Id": zone})
    servers = (answer.get("DelegationSet") or {}).get("NameServers") or []
    return Made(zone, {"Id": zone, "NameServers": list(servers)})


def _update_zone(resource: Resource, before: Properties) -> Work:
    own, zone = resource.properties, resource.physical
    if changed(before, own, "HostedZoneConfig"):
        comment = (own.get("HostedZoneConfig") or {}).get("Comment", "")
        yield Request(_SERVICE, "UpdateHostedZoneComment", {"Id": zone, "Comment": comment})
    had, wanted = listed(before.get("VPCs")), listed(own.get("VPCs"))
    for network in (each for each in wanted if each not in had):
        yield Request(_SERVICE, "AssociateVPCWithHostedZone", {"HostedZoneId": zone, "VPC": network})
    for network in (each for each in had if each not in wanted):
        yield Request(_SERVICE, "DisassociateVPCFromHostedZone", {"HostedZoneId": zone, "VPC": network})
    if changed(before, own, "QueryLoggingConfig"):
        yield from _end_logging(zone)
        if "QueryLoggingConfig" in own:
            yield _logging(zone, own)
    tags = resource.tag_changes(own.get("HostedZoneTags"), before.get("HostedZoneTags"))
    yield from _tagged(zone, *tags)
    return (yield from _read_zone(zone))


def _end_logging(zone: str) -> Ending:
    answer = yield Request(_SERVICE, "ListQueryLoggingConfigs", {"HostedZoneId": zone})
    for each in answer.get("QueryLoggingConfigs") or ():
        yield from ended(Request(_SERVICE, "DeleteQueryLoggingConfig", {"Id": each["Id"]}))


def _delete_zone(resource: Resource) -> Ending:
    if "QueryLoggingConfig" in resource.properties:
        yield from _end_logging(resource.physical)
    yield from _end_zone(resource.physical)


def _end_zone(zone: str) -> Ending:
    yield from ended(Request(_SERVICE, "DeleteHostedZone", {"Id": zone}))


# -- record sets -----------------------------------------------------------------------------------------

_RECORD: Final = (
    "AliasTarget",
    "CidrRoutingConfig",
    "Failover",
    "GeoLocation",
    "GeoProximityLocation",
    "HealthCheckId",
    "MultiValueAnswer",
    "Name",
    "Region",
    "SetIdentifier",
    "TTL",
    "Type",
    "Weight",
)


def _set(properties: Properties) -> dict[str, Any]:
    """A `ResourceRecordSet`. Its records are texts in a template."""
    made = picked(properties, *_RECORD)
    if "ResourceRecords" in properties:
        made["ResourceRecords"] = [{"Value": value} for value in listed(properties["ResourceRecords"])]
    if "AliasTarget" in made:
        made["AliasTarget"] = {"EvaluateTargetHealth": False, **made["AliasTarget"]}
    return made


def _zone_of(properties: Properties) -> Steps[str]:
    """The id of the zone of a record set, which may be given by its name."""
    if "HostedZoneId" in properties:
        return _zone_id(str(properties["HostedZoneId"]))
    name = f"{str(properties.get('HostedZoneName', '')).rstrip('.')}."
    answer = yield Request(_SERVICE, "ListHostedZonesByName", {"DNSName": name})
    found = [zone for zone in answer["HostedZones"] if zone["Name"] == name]
    if len(found) != 1:
        code = "InvalidRequest" if found else "NoSuchHostedZone"
        raise Fault(code, f"Found {len(found)} hosted zones with the name {name}")
    return _zone_id(found[0]["Id"])


def _change(zone: str, own: Properties, *changes: tuple[str, Properties]) -> Request:
    batch = {
        **picked(own, "Comment"),
        "Changes": [{"Action": action, "ResourceRecordSet": _set(given)} for action, given in changes],
    }
    return Request(_SERVICE, "ChangeResourceRecordSets", {"HostedZoneId": zone, "ChangeBatch": batch})


def _create_record(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(own, (*_RECORD, "Comment", "HostedZoneId", "HostedZoneName", "ResourceRecords"))
    zone = yield from _zone_of(own)
    yield _change(zone, own, ("UPSERT" if resource.again else "CREATE", own))
    return Made(str(own["Name"]))


def _update_record(resource: Resource, before: Properties) -> Work:
    """Change a record set: one with another name, type or identifier is another one, and takes the former's place."""
    own = resource.properties
    zone = yield from _zone_of(own)
    if changed(before, own, "Name", "Type", "SetIdentifier"):
        yield _change(zone, own, ("DELETE", before), ("CREATE", own))
    else:
        yield _change(zone, own, ("UPSERT", own))
    return Made(str(own["Name"]))


def _read_record(resource: Resource) -> Reading:
    """A record set of a zone, which its properties name."""
    own = resource.properties
    zone = yield from _zone_of(own)
    asked = {"HostedZoneId": zone, "StartRecordName": resource.physical, "StartRecordType": own.get("Type", "")}
    answer = yield Request(_SERVICE, "ListResourceRecordSets", asked)
    found = next((it for it in answer["ResourceRecordSets"] if _is_set(it, own, resource.physical)), None)
    if found is None:
        raise absent(resource)
    shown = properties_in(resource.type, found)
    shown["ResourceRecords"] = [record["Value"] for record in found.get("ResourceRecords") or ()]
    shown |= picked(own, "HostedZoneId", "HostedZoneName", "Name")
    return Found({name: value for name, value in shown.items() if value}, {}, frozenset({"TTL"} - shown.keys()))


def _is_set(found: Mapping[str, Any], own: Mapping[str, Any], name: str) -> bool:
    same = str(found["Name"]).rstrip(".").lower() == name.rstrip(".").lower() and found["Type"] == own.get("Type")
    return same and found.get("SetIdentifier") == own.get("SetIdentifier")


def _delete_record(resource: Resource) -> Ending:
    try:
        zone = yield from _zone_of(resource.properties)
        yield _change(zone, {}, ("DELETE", resource.properties))
    except Fault as fault:
        if not (is_gone(fault) or fault.code == "NoSuchHostedZone" or "not found" in fault.message):
            raise


# -- groups of record sets -------------------------------------------------------------------------------


def _sets(properties: Properties) -> dict[tuple[Any, ...], Properties]:
    """The record sets of a group, by what tells them apart."""
    sets = listed(properties.get("RecordSets"))
    return {(each["Name"], each["Type"], each.get("SetIdentifier")): each for each in sets}


def _create_group(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(own, ("Comment", "HostedZoneId", "HostedZoneName", "RecordSets"))
    sets = _sets(own).values()
    for each in sets:
        refuse_others(each, (*_RECORD, "Comment", "HostedZoneId", "HostedZoneName", "ResourceRecords"))
    zone = yield from _zone_of(own)
    action = "UPSERT" if resource.again else "CREATE"
    if sets:
        yield _change(zone, own, *((action, each) for each in sets))
    return Made(resource.name(255))


def _update_group(resource: Resource, before: Properties) -> Work:
    """Change the sets that differ, all in one batch; one that is there no more is deleted."""
    own = resource.properties
    now, once = _sets(own), _sets(before)
    changes = [("DELETE", each) for key, each in once.items() if key not in now]
    changes += [("UPSERT", each) for key, each in now.items() if each != once.get(key)]
    if changes:
        zone = yield from _zone_of(own)
        yield _change(zone, own, *changes)
    return Made(resource.physical)


def _delete_group(resource: Resource) -> Ending:
    where = {name: value for name, value in resource.properties.items() if name.startswith("HostedZone")}
    for each in _sets(resource.properties).values():
        yield from _delete_record(replace(resource, properties={**each, **where}))


# -- health checks ---------------------------------------------------------------------------------------

_CHECK: Final = {"HealthCheckId": "{id}"}
_UPDATED: Final = (
    "AlarmIdentifier",
    "ChildHealthChecks",
    "Disabled",
    "EnableSNI",
    "FailureThreshold",
    "FullyQualifiedDomainName",
    "HealthThreshold",
    "IPAddress",
    "InsufficientDataHealthStatus",
    "Inverted",
    "Port",
    "Regions",
    "ResourcePath",
    "SearchString",
)
"""What UpdateHealthCheck has of a configuration."""

_TAGS: Final = {"ResourceType": "healthcheck", "ResourceId": "{id}"}
_HEALTH_CHECK: Final = Row(
    _SERVICE,
    Call("CreateHealthCheck", {"CallerReference": "{client_token}"}, "HealthCheckConfig"),
    "{c.HealthCheck.Id}",
    (Call("DeleteHealthCheck", _CHECK),),
    attributes={"HealthCheckId": "{id}"},
    tags=Tags(
        Call("ChangeTagsForResource", {**_TAGS, "AddTags": "{tags}"}),
        Call("ChangeTagsForResource", {**_TAGS, "RemoveTagKeys": "{keys}"}),
        member="",
        property="HealthCheckTags",
    ),
    settings=(
        Change(
            Call(
                "UpdateHealthCheck",
                {**_CHECK, **{name: f"{{p.HealthCheckConfig.{name}}}" for name in _UPDATED}},
            ),
            on="HealthCheckConfig",
        ),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Route53::HealthCheck": provider(_HEALTH_CHECK),
    "AWS::Route53::HostedZone": Provider(_create_zone, _delete_zone, _update_zone),
    "AWS::Route53::RecordSet": Provider(_create_record, _delete_record, _update_record, read=_read_record),
    "AWS::Route53::RecordSetGroup": Provider(_create_group, _delete_group, _update_group),
}
