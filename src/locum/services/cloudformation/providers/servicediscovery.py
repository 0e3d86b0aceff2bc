"""Namespaces of Cloud Map, which an operation makes and deletes that has to be waited for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    is_gone,
)
from locum.services.cloudformation.providers.steps import Steps, changed, until

_SERVICE: Final = "servicediscovery"
_ENDED: Final = ("SUCCESS", "FAIL")


def _ended(answer: Mapping[str, Any]) -> Steps[Mapping[str, Any]]:
    """The operation of an answer, once it has succeeded. Raises Fault where it has failed."""
    read = Request(_SERVICE, "GetOperation", {"OperationId": answer["OperationId"]})
    found = yield from until(read, lambda told: told["Operation"]["Status"] in _ENDED)
    operation: Mapping[str, Any] = found["Operation"]
    if operation["Status"] == "FAIL":
        raise Fault(operation.get("ErrorCode", "InternalFailure"), operation.get("ErrorMessage", ""), 400)
    return operation


def _create(kind: str, resource: Resource) -> Work:
    given = {name: value for name, value in resource.properties.items() if name != "Tags"}
    params = {**given, "CreatorRequestId": resource.client_token}
    if tags := resource.tag_list(resource.properties.get("Tags")):
        params["Tags"] = tags
    operation = yield from _ended((yield Request(_SERVICE, f"Create{kind}Namespace", params)))
    identifier = operation["Targets"]["NAMESPACE"]
    return (yield from _made(identifier))


def _made(identifier: str) -> Work:
    found = (yield Request(_SERVICE, "GetNamespace", {"Id": identifier}))["Namespace"]
    zone = (found.get("Properties") or {}).get("DnsProperties") or {}
    hosted = {"HostedZoneId": zone["HostedZoneId"]} if zone.get("HostedZoneId") else {}
    return Made(identifier, {"Id": identifier, "Arn": found["Arn"], **hosted})


def _update(kind: str, resource: Resource, before: Properties) -> Work:
    own = resource.properties
    if changed(before, own, "Description", "Properties"):
        namespace = {name: own[name] for name in ("Description", "Properties") if name in own}
        params = {"Id": resource.physical, "Namespace": namespace, "UpdaterRequestId": resource.client_token}
        yield from _ended((yield Request(_SERVICE, f"Update{kind}Namespace", params)))
    arn = {"ResourceARN": resource.attributes["Arn"]}
    added, removed = resource.tag_changes(own.get("Tags"), before.get("Tags"))
    if removed:
        yield Request(_SERVICE, "UntagResource", {**arn, "TagKeys": removed})
    if added:
        tags = [{"Key": key, "Value": value} for key, value in added.items()]
        yield Request(_SERVICE, "TagResource", {**arn, "Tags": tags})
    return (yield from _made(resource.physical))


def _delete(resource: Resource) -> Ending:
    try:
        yield from _ended((yield Request(_SERVICE, "DeleteNamespace", {"Id": resource.physical})))
    except Fault as fault:
        if not is_gone(fault) and fault.code != "NamespaceNotFound":
            raise


def _provider(kind: str) -> Provider:
    return Provider(partial(_create, kind), _delete, partial(_update, kind), frozenset({"Name", "Vpc"}))


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::ServiceDiscovery::HttpNamespace": _provider("Http"),
    "AWS::ServiceDiscovery::PrivateDnsNamespace": _provider("PrivateDns"),
    "AWS::ServiceDiscovery::PublicDnsNamespace": _provider("PublicDns"),
}
