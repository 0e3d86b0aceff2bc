"""The XML namespaces and style of the services that answer in XML."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from locum.wire.serializers.text import Instant, iso8601, iso8601_milliseconds, iso8601_seconds
from locum.wire.serializers.xml import XmlCompiler

if TYPE_CHECKING:
    from botocore.model import ServiceModel

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

# Services whose model has no namespace (that of SQS no longer has the query protocol).
_UNMODELLED = {"s3": S3_NAMESPACE, "sqs": "http://queue.amazonaws.com/doc/2012-11-05/"}

# The timestamp formats of services, from their API references. All others: a fraction where there is one.
_INSTANTS: dict[str, Callable[[Instant], str]] = {
    "iam": iso8601_seconds,
    "sts": iso8601_seconds,
    "ec2": iso8601_milliseconds,
    "s3": iso8601_milliseconds,
}


def namespace_of(service: ServiceModel) -> str:
    """The namespace of the service's responses and errors, always with AWS's trailing slash."""
    stated = service.metadata.get("xmlNamespace") or _UNMODELLED.get(service.service_name)
    uri: str = stated or f"https://{service.endpoint_prefix}.amazonaws.com/doc/{service.api_version}/"
    return uri if uri.endswith("/") else f"{uri}/"


def xml_compiler(service: ServiceModel | None, protocol: str) -> XmlCompiler:
    """A compiler in the style of the service, or the default style where the service is unknown."""
    item_name = "item" if protocol == "ec2" else "member"
    instants = _INSTANTS.get(service.service_name, iso8601) if service is not None else iso8601
    return XmlCompiler(instants, item_name)
