"""Serialization of answers to responses: one compiled function per operation.

Output shapes are traversed once, when an operation is compiled to closures; no shape is read while a request is
served.

text      scalars as text: timestamps, numbers, base64, header values
xml       shapes as XML elements (query, ec2, rest-xml)
data      shapes as plain values, for JSON and CBOR
identity  the response headers with the request id
rpc       the envelopes of query, ec2, json and smithy-rpc-v2-cbor
rest      headers, status and body of rest-json and rest-xml
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from locum.core.http import HttpResponse

Answer = Mapping[str, Any]
"""An operation's output by member names of the service model. Members that are None count as absent."""

Serializer = Callable[[Answer, str], HttpResponse]
"""(answer, request id) -> response. Raises ValueError on a member that the output shape does not have."""


def unknown_member(owner: str, name: object) -> ValueError:
    """The error for a member that the shape `owner` does not have: a bug in Locum."""
    return ValueError(f"{owner} has no member {name!r}")
