"""The columns of event data stores, and the table of events behind them.

CloudTrail User Guide, "Supported schema for CloudTrail event record fields". Names are matched without regard to case,
as in AWS's dialect. Members of maps are texts; what is not one in the event is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

_TEXTS: Final = "MAP(VARCHAR, VARCHAR)"
_SESSION: Final = {
    "attributes": {"creationDate": "TIMESTAMP", "mfaAuthenticated": "VARCHAR"},
    "sessionIssuer": dict.fromkeys(("type", "principalId", "arn", "accountId", "userName"), "VARCHAR"),
    "webIdFederationData": {"federatedProvider": "VARCHAR", "attributes": _TEXTS},
    "sourceIdentity": "VARCHAR",
    "ec2RoleDelivery": "VARCHAR",
    "ec2IssuedInVpc": "VARCHAR",
}
_IDENTITY: Final = {
    **dict.fromkeys(("type", "principalId", "arn", "accountId", "accessKeyId", "userName"), "VARCHAR"),
    "sessionContext": _SESSION,
    "invokedBy": "VARCHAR",
    "identityProvider": "VARCHAR",
}
EVENT: Final[dict[str, Any]] = {
    "eventVersion": "VARCHAR",
    "userIdentity": _IDENTITY,
    "eventTime": "TIMESTAMP",
    "eventSource": "VARCHAR",
    "eventName": "VARCHAR",
    "awsRegion": "VARCHAR",
    "sourceIPAddress": "VARCHAR",
    "userAgent": "VARCHAR",
    "errorCode": "VARCHAR",
    "errorMessage": "VARCHAR",
    "requestParameters": _TEXTS,
    "responseElements": _TEXTS,
    "additionalEventData": _TEXTS,
    "requestID": "VARCHAR",
    "eventID": "VARCHAR",
    "readOnly": "BOOLEAN",
    "resources": [dict.fromkeys(("accountId", "type", "ARN", "ARNPrefix"), "VARCHAR")],
    "eventType": "VARCHAR",
    "apiVersion": "VARCHAR",
    "managementEvent": "BOOLEAN",
    "recipientAccountId": "VARCHAR",
    "sharedEventID": "VARCHAR",
    "annotation": "VARCHAR",
    "vpcEndpointId": "VARCHAR",
    "vpcEndpointAccountId": "VARCHAR",
    "serviceEventDetails": _TEXTS,
    "addendum": _TEXTS,
    "edgeDeviceDetails": _TEXTS,
    "insightDetails": _TEXTS,
    "eventCategory": "VARCHAR",
    "tlsDetails": dict.fromkeys(("tlsVersion", "cipherSuite", "clientProvidedHostHeader"), "VARCHAR"),
    "sessionCredentialFromConsole": "VARCHAR",
}
"""The columns that are members of an event, by their types; structures are objects, arrays have one element."""

_ACTIVITY_IDENTITY: Final = {"type": "VARCHAR", "principalId": "VARCHAR", "details": _TEXTS}
ACTIVITY: Final[dict[str, Any]] = {
    **{name: EVENT[name] for name in ("eventVersion", "eventCategory", "eventType", "eventID", "eventTime")},
    **{name: EVENT[name] for name in ("awsRegion", "recipientAccountId", "addendum")},
    "metadata": {"ingestionTime": "VARCHAR", "channelARN": "VARCHAR"},
    "eventData": {
        "version": "VARCHAR",
        "userIdentity": _ACTIVITY_IDENTITY,
        **dict.fromkeys(("userAgent", "eventSource", "eventName", "eventTime", "UID"), "VARCHAR"),
        **dict.fromkeys(("requestParameters", "responseElements"), _TEXTS),
        **dict.fromkeys(("errorCode", "errorMessage", "sourceIPAddress", "recipientAccountId"), "VARCHAR"),
        "additionalEventData": _TEXTS,
    },
}
"""The columns of event data stores for events from outside of AWS: User Guide, "CloudTrail Lake integrations event
schema"."""


def columns(structure: Iterable[str]) -> str:
    """What `SELECT *` has of events of a structure, as SQL."""
    return ", ".join(
        (*(f'"{name}"' for name in structure), '"eventJson"', 'sha256("eventJson") AS "eventJsonChecksum"')
    )


def expanded(structure: dict[str, Any]) -> str:
    """The columns of a structure, of the JSON in the column `event`, and the JSON itself, as SQL."""
    return f"unnest(json_transform(event, '{json.dumps(structure)}'))" + ', event AS "eventJson"'


def _type(kind: Any) -> str:
    """A type as SQL."""
    if isinstance(kind, dict):
        return "STRUCT(" + ", ".join(f'"{name}" {_type(member)}' for name, member in kind.items()) + ")"
    return f"{_type(kind[0])}[]" if isinstance(kind, list) else str(kind)


CREATE: Final = (
    "CREATE TABLE events (place BIGINT, instant DOUBLE, octets INTEGER, "
    + ", ".join(f'"{name}" {_type(kind)}' for name, kind in EVENT.items())
    + ', "eventJson" VARCHAR USING COMPRESSION zstd)',
    "CREATE TABLE progress (position BIGINT, installation VARCHAR)",
)
"""The statements that make the tables. `place` is the position of a row of the history, `instant` its time in epoch
seconds, `octets` the length of its JSON."""

CREATE_ADDED: Final = (
    "CREATE TABLE IF NOT EXISTS added"
    " (store VARCHAR, id VARCHAR, instant DOUBLE, octets INTEGER, event VARCHAR USING COMPRESSION zstd)"
)
"""The statement that makes the table of events that one event data store was given, as JSON, each `id` once."""

ADD: Final = (
    "INSERT INTO added SELECT DISTINCT ON (store, id) store, id, instant, strlen(event), event"
    " FROM (SELECT unnest($1::VARCHAR[]) AS store, unnest($2::VARCHAR[]) AS id,"
    " unnest($3::DOUBLE[]) AS instant, unnest($4::VARCHAR[]) AS event) AS given"
    " WHERE NOT EXISTS (SELECT 1 FROM added WHERE added.store = given.store AND added.id = given.id)"
)
"""The statement that gives events to stores, but for those that they have been given before."""

STAGED: Final = (
    "SELECT place, instant, strlen(event) AS octets,"  # noqa: S608
    f" {expanded(EVENT)}"
    " FROM (SELECT unnest($1::BIGINT[]) AS place, unnest($2::DOUBLE[]) AS instant, unnest($3::VARCHAR[]) AS event)"
)
"""The rows of events: their positions, times and JSON are parameters."""
