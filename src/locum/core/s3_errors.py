"""Errors of Amazon S3 that several parts answer with, each as the code, message and HTTP status of a `Fault`.

Amazon S3 API Reference, "Error responses".
"""

from __future__ import annotations

from typing import Final

ACCESS_DENIED: Final = ("AccessDenied", "Access Denied", 403)
MALFORMED_XML: Final = (
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
    400,
)
METHOD_NOT_ALLOWED: Final = (
    "MethodNotAllowed",
    "The specified method is not allowed against this resource.",
    405,
)
NO_SUCH_ACCESS_POINT: Final = ("NoSuchAccessPoint", "The specified accesspoint does not exist", 404)
NO_SUCH_BUCKET: Final = ("NoSuchBucket", "The specified bucket does not exist", 404)
NO_SUCH_KEY: Final = ("NoSuchKey", "The specified key does not exist.", 404)
NO_SUCH_VERSION: Final = ("NoSuchVersion", "The specified version does not exist.", 404)
