"""From an answer to the bytes of a response: one compiled function an operation.

What botocore's models say about an output shape is read once, when an operation is compiled, and becomes
closures; nothing looks at a shape while a request is served.

text      how a scalar is written: instants, numbers, base64, header values
xml       shapes as XML elements (query, ec2, rest-xml)
data      shapes as plain values, for JSON and CBOR
identity  the response headers that name a request
rpc       the envelopes of query, ec2, json and smithy-rpc-v2-cbor
rest      what goes to headers, status and body in rest-json and rest-xml
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
    """The error for a member that the shape `owner` does not have: a mistake in our own code."""
    return ValueError(f"{owner} has no member {name!r}")
