"""The body encodings of rest-json and rest-xml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locum.core.http import HttpResponse
from locum.wire.serializers import Answer, Serializer
from locum.wire.serializers.data import encode_json, json_compiler
from locum.wire.serializers.identity import s3_request_headers
from locum.wire.serializers.namespaces import S3_NAMESPACE, namespace_of, xml_compiler
from locum.wire.serializers.rest import compile_rest
from locum.wire.serializers.rpc import EVENT_STREAM_CONTENT_TYPE
from locum.wire.serializers.xml import DECLARATION, document

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

JSON_CONTENT_TYPE = "application/json"
XML_CONTENT_TYPE = "application/xml"

# The root elements of S3's API reference that botocore's model lacks. All others are as `_s3_root` has by default.
_S3_ROOTS = {
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
}


class JsonBody:
    """The body encoding of rest-json."""

    content_type = JSON_CONTENT_TYPE

    def members(self, owner: str, shape: StructureShape, members: Mapping[str, Shape]) -> Callable[[Answer], bytes]:
        convert = json_compiler().fields(owner, members)
        return lambda answer: encode_json(convert(answer))

    def payload(self, shape: Shape) -> Callable[[Any], bytes]:
        convert = json_compiler().value(shape)
        if convert is None:
            return encode_json
        return lambda value: encode_json(convert(value))

    def raw_type(self, shape: Shape) -> str:
        return _raw_type(shape, "application/octet-stream")


class XmlBody:
    """The body encoding of rest-xml, with the root and namespace of one operation."""

    content_type = XML_CONTENT_TYPE

    def __init__(self, model: OperationModel) -> None:
        service: ServiceModel = model.service_model
        self._compiler = xml_compiler(service, "rest-xml")
        self._namespace = namespace_of(service)
        self._root = _s3_root(model.name) if service.service_name == "s3" else None
        self._blob_type = "binary/octet-stream" if service.service_name == "s3" else "application/octet-stream"

    def members(self, owner: str, shape: StructureShape, members: Mapping[str, Shape]) -> Callable[[Answer], bytes]:
        root = self._root or shape.serialization.get("name", shape.name)
        write = self._compiler.fields(owner, members)
        start, end = f'{DECLARATION}<{root} xmlns="{self._namespace}">', f"</{root}>"
        return lambda answer: document(f"{start}{write(answer)}{end}")

    def payload(self, shape: Shape) -> Callable[[Any], bytes]:
        write = self._compiler.element(shape.serialization.get("name", shape.name), shape, self._namespace)
        return lambda value: document(f"{DECLARATION}{write(value)}")

    def raw_type(self, shape: Shape) -> str:
        return _raw_type(shape, self._blob_type)


def compile_rest_json(model: OperationModel) -> Serializer:
    """Compile the serializer of an operation of rest-json."""
    return compile_rest(model, JsonBody())


def compile_rest_xml(model: OperationModel) -> Serializer:
    """Compile the serializer of an operation of rest-xml."""
    if model.service_model.service_name == "s3" and model.name == "GetBucketLocation":
        return _bucket_location
    return compile_rest(model, XmlBody(model))


def _bucket_location(answer: Answer, request_id: str) -> HttpResponse:
    """Serialize GetBucketLocation, S3's one answer whose root is not the output shape but its only member.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
    """
    unknown = set(answer) - {"LocationConstraint"}
    if unknown:
        raise ValueError(f"the output of s3:GetBucketLocation has no member {min(unknown)!r}")
    region = answer.get("LocationConstraint") or ""
    body = document(f'{DECLARATION}<LocationConstraint xmlns="{S3_NAMESPACE}">{region}</LocationConstraint>')
    return HttpResponse(200, [*s3_request_headers(request_id), ("Content-Type", XML_CONTENT_TYPE)], body)


def _s3_root(operation: str) -> str:
    return _S3_ROOTS.get(operation, f"{operation}Result")


def _raw_type(shape: Shape, blob_type: str) -> str:
    if shape.serialization.get("eventstream"):
        return EVENT_STREAM_CONTENT_TYPE
    return blob_type if shape.type_name == "blob" else "text/plain"
