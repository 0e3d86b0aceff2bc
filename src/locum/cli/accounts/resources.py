"""Resources beside the identities, as Cloud Control reads them: what a template says of them.

Cloud Control API User Guide, "Resource types": properties are those of the type's schema, of which read-only ones are
not in a template.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.cli.accounts.reading import Client, at_once
from locum.core.errors import ConfigurationError
from locum.services.cloudformation.schemas import schema_of

_TABLE: Final = "AWS::DynamoDB::Table"
_NOTHING: Final[tuple[Any, ...]] = ([], {"Enabled": False})


class Other(NamedTuple):
    """A resource of a type, its name for a label, and its properties."""

    kind: str
    name: str
    properties: Mapping[str, Any]


def of_type(kind: str, client: Client) -> list[Other]:
    """The resources of a type. Raises ConfigurationError where there is no such type, CallFailed."""
    schema = schema_of(kind)
    if schema is None:
        raise ConfigurationError(f"{kind} is no type of resources: one reads like AWS::S3::Bucket")

    def read(identifier: str) -> Other:
        told = client.call("cloudcontrol", "get_resource", TypeName=kind, Identifier=identifier)
        properties = json.loads(told["ResourceDescription"]["Properties"])
        for path in schema.read_only:
            _remove(properties, path)
        return Other(kind, identifier.rpartition("/")[2], _deployable(kind, properties))

    return at_once(client, read, _identifiers(kind, client))


def _deployable(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties without what is told of a resource that has it not, and that no template may say."""
    found = {name: value for name, value in properties.items() if value not in _NOTHING}
    if kind == _TABLE and found.get("BillingMode") == "PAY_PER_REQUEST":
        for one in (found, *found.get("GlobalSecondaryIndexes", ())):
            one.pop("ProvisionedThroughput", None)
    return found


def _identifiers(kind: str, client: Client) -> Iterator[str]:
    after: dict[str, str] = {}
    while True:
        page = client.call("cloudcontrol", "list_resources", TypeName=kind, **after)
        yield from (one["Identifier"] for one in page["ResourceDescriptions"])
        if not page.get("NextToken"):
            return
        after = {"NextToken": page["NextToken"]}


def _remove(value: Any, path: Sequence[str]) -> None:
    """Remove what is at `path`, in which `*` is every item of a list."""
    if isinstance(value, list):
        for item in value if path[0] == "*" else ():
            _remove(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        if len(path) == 1:
            del value[path[0]]
        else:
            _remove(value[path[0]], path[1:])
