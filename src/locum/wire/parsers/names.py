"""The names of members, lists and maps in forms: the query protocol, EC2, and the former query protocol of SQS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locum.wire.parsers.malformed import Malformed

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape


class QueryNames:
    """The names of the query protocol:
    https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#query-key-resolution.
    """

    def member(self, name: str, shape: Shape) -> str:
        """The name of a member of a structure."""
        flat = shape.type_name == "list" and shape.serialization.get("flattened")
        renamed = shape.member.serialization.get("name") if flat else None
        return str(renamed or shape.serialization.get("name", name))

    def element(self, shape: ListShape) -> str | None:
        """The part between a list's name and the number; None for none."""
        return None if shape.serialization.get("flattened") else shape.member.serialization.get("name", "member")

    def entry(self, name: str, shape: MapShape) -> tuple[str | None, str, str]:
        """The part between a map's name and the number (None for none), and the names of key and value."""
        prefix = None if shape.serialization.get("flattened") else "entry"
        return prefix, shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")

    def invalid(self, name: str, text: str, error: Malformed) -> Malformed:
        """The error for text that is not a valid value of its member."""
        return error


class Ec2Names(QueryNames):
    """The names of EC2, in which all lists are flat.

    https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html#query-key-resolution
    """

    def member(self, name: str, shape: Shape) -> str:
        """The name of a member: its queryName, or else its locationName with a capital letter."""
        if "queryName" in shape.serialization:
            return str(shape.serialization["queryName"])
        located = shape.serialization.get("name")
        return located[0].upper() + located[1:] if located else name

    def element(self, shape: ListShape) -> str | None:
        """None, as lists are flat."""
        return None

    def invalid(self, name: str, text: str, error: Malformed) -> Malformed:
        """InvalidParameterValue: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html."""
        return Malformed(f"Value ({text[:100]}) for parameter {name} is invalid.")


class SqsNames(QueryNames):
    """The names of SQS before it moved to JSON, which the present model lacks.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html.
    """

    def member(self, name: str, shape: Shape) -> str:
        """The name of a member; a list or map has the name of one of its elements."""
        if name == "Entries":
            return str(shape.member.name)
        if name == "Actions":
            return "ActionName"
        if shape.type_name in ("list", "map"):
            return name.removesuffix("s")[0].upper() + name.removesuffix("s")[1:]
        return name

    def element(self, shape: ListShape) -> str | None:
        """None, as lists are flat."""
        return None

    def entry(self, name: str, shape: MapShape) -> tuple[str | None, str, str]:
        """No part between, and the names of key and value, which differ between tags and attributes."""
        return None, "Key" if name.lower() == "tags" else "Name", "Value"
