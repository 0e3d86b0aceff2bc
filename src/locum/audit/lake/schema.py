"""The columns of event data stores, and the table of events behind them.

CloudTrail User Guide, "Supported schema for CloudTrail event record fields". Names are matched without regard to case,
as in AWS's dialect. Members of maps are texts; what is not one in the event is JSON.
"""

from __future__ import annotations

import json
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

COLUMNS: Final = (*(f'"{name}"' for name in EVENT), '"eventJson"', 'sha256("eventJson") AS "eventJsonChecksum"')
"""What `SELECT *` has, as SQL."""

_STRUCTURE: Final = json.dumps(EVENT)
_EXPANDED: Final = f"unnest(json_transform(event, '{_STRUCTURE}'))"


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

STAGED: Final = (
    "SELECT place, instant, strlen(event) AS octets,"  # noqa: S608
    f' {_EXPANDED}, event AS "eventJson"'
    " FROM (SELECT unnest($1::BIGINT[]) AS place, unnest($2::DOUBLE[]) AS instant, unnest($3::VARCHAR[]) AS event)"
)
"""The rows of events: their positions, times and JSON are parameters."""
