"""Parse errors, and their faults in each protocol."""

from __future__ import annotations

from locum.core.errors import Fault
from locum.core.s3_errors import MALFORMED_XML


class Malformed(Exception):
    """A body cannot be parsed as the operation's input. The text is AWS's where it is known."""


class Unbindable(Malformed):
    """A part of the URI or a header cannot be parsed. `name` is the header, the label or the query parameter."""

    def __init__(self, name: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.value = value


# The codes: "Common Errors" of the query services (MalformedInput) and of EC2
# (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html), Smithy's protocol pages for
# SerializationException, and https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
_CODES = {
    "query": "MalformedInput",
    "ec2": "InvalidParameterValue",
    "json": "SerializationException",
    "rest-json": "SerializationException",
    "rest-xml": "MalformedInput",
    "smithy-rpc-v2-cbor": "SerializationException",
}


def malformed_fault(error: Malformed, protocol: str, service: str) -> Fault:
    """The service's fault for a malformed request."""
    if service != "s3":
        return Fault(_CODES[protocol], str(error))
    if isinstance(error, Unbindable):
        if error.name == "Key":
            return Fault("InvalidURI", "Couldn't parse the specified URI.")
        members = {"ArgumentName": error.name, "ArgumentValue": error.value}
        return Fault("InvalidArgument", str(error), members=members)
    return Fault(*MALFORMED_XML)
