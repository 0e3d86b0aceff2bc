"""What of the plane is an account's: its records, its principals, its resources; and what may be told of a record.

An account is told of calls that it made, and of those of others that are about its resources. Of the latter it is told
what CloudTrail tells the owner of a resource: "the account ID and principal ID", no names (CloudTrail User Guide,
"CloudTrail userIdentity element", AWSAccount), and nothing of the policies of the other account.
"""

from __future__ import annotations

from typing import Any

from locum.audit import Record
from locum.core.arn import Arn
from locum.core.errors import Fault


def concerns(record: Record, account: str) -> bool:
    """Whether a record is an account's: it made the call, or it owns a resource of it."""
    return bool(account) and (made(record, account) or any(it.account == account for it in record.resources))


def made(record: Record, account: str) -> bool:
    """Whether an account made the call of a record, or it is a service's about what is that account's."""
    caller = record.identity.account
    return caller == account or (not caller and record.account == account)


def not_found(what: str) -> Fault:
    """The fault for what is not there, or is another account's: nobody is told which."""
    return Fault("ResourceNotFoundException", what, 404)


def check_principal(account: str, arn: str) -> None:
    """Raise Fault where `arn` is not of a principal that an account may have. A name is one in the account."""
    found = Arn.find(arn)
    if arn.startswith("arn:") and (found is None or found.account != account):
        raise not_found(f"There is no principal {arn} in the account {account}.")


def shown(record: Record, account: str) -> dict[str, Any]:
    """A record as the API's `Record`, without members that are empty."""
    members: dict[str, Any] = {
        "RequestId": record.request_id,
        "EventId": record.event_id,
        "Time": record.at,
        "AccountId": record.account,
        "Service": record.service,
        "Operation": record.operation,
        "EventSource": record.event_source,
        "Region": record.region,
        "Verdict": record.verdict,
        "Status": record.status,
        "ErrorCode": record.error_code,
        "ReadOnly": record.read_only,
        "SourceIp": record.source_ip,
        "InvokedBy": record.invoked_by,
        "Resources": [_resource(it.type, it.name, it.arn, it.account) for it in record.resources],
    }
    if made(record, account):
        members |= {
            "PrincipalArn": record.identity.principal_arn,
            "CallerArn": record.identity.arn,
            "Message": record.error_message,
        }
    return {name: value for name, value in members.items() if value not in ("", [])}


def _resource(kind: str, name: str, arn: str, account: str) -> dict[str, str]:
    members = {"Type": kind, "Name": name, "Arn": arn, "AccountId": account}
    return {member: value for member, value in members.items() if value}
