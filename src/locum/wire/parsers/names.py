"""What members, lists and maps are called in a form: the query protocol, EC2, and SQS as it used to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locum.wire.parsers.malformed import Malformed

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape


class QueryNames:
    """https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#query-key-resolution."""

    def member(self, name: str, shape: Shape) -> str:
        """The name of a member of a structure."""
        flat = shape.type_name == "list" and shape.serialization.get("flattened")
        renamed = shape.member.serialization.get("name") if flat else None
        return str(renamed or shape.serialization.get("name", name))

    def element(self, shape: ListShape) -> str | None:
        """What stands between a list's name and the number; None for nothing."""
        return None if shape.serialization.get("flattened") else shape.member.serialization.get("name", "member")

    def entry(self, name: str, shape: MapShape) -> tuple[str | None, str, str]:
        """What stands between a map's name and the number, and the names of key and value."""
        prefix = None if shape.serialization.get("flattened") else "entry"
        return prefix, shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")

    def invalid(self, name: str, text: str, error: Malformed) -> Malformed:
        """What is said of a text that is no value of its member."""
        return error


class Ec2Names(QueryNames):
    """https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html#query-key-resolution: all lists are flat."""

    def member(self, name: str, shape: Shape) -> str:
        """queryName wins; locationName is capitalised."""
        if "queryName" in shape.serialization:
            return str(shape.serialization["queryName"])
        located = shape.serialization.get("name")
        return located[0].upper() + located[1:] if located else name

    def element(self, shape: ListShape) -> str | None:
        """Nothing."""
        return None

    def invalid(self, name: str, text: str, error: Malformed) -> Malformed:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html: InvalidParameterValue."""
        return Malformed(f"Value ({text[:100]}) for parameter {name} is invalid.")


class SqsNames(QueryNames):
    """SQS before it moved to JSON; today's model has lost these names.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html.
    """

    def member(self, name: str, shape: Shape) -> str:
        """A list or map has the name of one of its elements."""
        if name == "Entries":
            return str(shape.member.name)
        if name == "Actions":
            return "ActionName"
        if shape.type_name in ("list", "map"):
            return name.removesuffix("s")[0].upper() + name.removesuffix("s")[1:]
        return name

    def element(self, shape: ListShape) -> str | None:
        """Nothing: all lists are flat."""
        return None

    def entry(self, name: str, shape: MapShape) -> tuple[str | None, str, str]:
        """Tags have keys, attributes have names."""
        return None, "Key" if name.lower() == "tags" else "Name", "Value"
