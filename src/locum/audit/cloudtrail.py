"""CloudTrail events from records.

CloudTrail User Guide, "CloudTrail record contents" (eventVersion 1.11) and "CloudTrail userIdentity element".

Parameters and answer are used as they were recorded: `wire.redact` has already made the first letter of members of
structures lower-case, as in CloudTrail, but not that of keys of maps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from locum.audit.identity import Identity
from locum.audit.record import Record
from locum.core.clock import iso8601
from locum.core.principal import PrincipalKind

EVENT_VERSION: Final = "1.11"


def render(record: Record) -> str:
    """The CloudTrail event of `record` as JSON, as in LookupEvents and in log files."""
    return msgspec.json.encode(cloudtrail_event(record)).decode()


def cloudtrail_event(record: Record) -> dict[str, Any]:
    """The CloudTrail event of `record`, without optional fields that do not apply."""
    service = record.identity.arn if record.identity.kind == PrincipalKind.SERVICE else record.invoked_by
    event: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": user_identity(record),
        "eventTime": iso8601(record.at),
        "eventSource": record.event_source,
        "eventName": record.operation,
        "awsRegion": record.region,
        "sourceIPAddress": service or record.source_ip,
        "userAgent": service or record.user_agent,
    }
    if record.error_code:
        event["errorCode"] = _error_code(record)
    if record.error_message:
        event["errorMessage"] = record.error_message
    event["requestParameters"] = record.parameters or None
    event["responseElements"] = None if record.read_only or record.error_code else record.answer or None
    if record.extra:
        event["additionalEventData"] = record.extra
    event |= {"requestID": record.request_id, "eventID": record.event_id, "readOnly": record.read_only}
    if resources := [_resource(r.arn, r.account, r.type) for r in record.resources if r.arn]:
        event["resources"] = resources
    event |= {
        "eventType": record.event_type,
        "managementEvent": record.management,
        "recipientAccountId": record.account,
    }
    if record.endpoint[0]:
        event |= {"vpcEndpointId": record.endpoint[0], "vpcEndpointAccountId": record.endpoint[2]}
    if record.shared_event_id:
        event["sharedEventID"] = record.shared_event_id
    event["eventCategory"] = "Management" if record.management else "Data"
    if tls := _tls_details(record):
        event["tlsDetails"] = tls
    if record.identity.from_console and record.event_type == "AwsApiCall":
        event["sessionCredentialFromConsole"] = "true"
    return event


def user_identity(record: Record) -> dict[str, Any]:
    """The userIdentity element."""
    identity = record.identity
    # "AWSAccount: The request was made by another AWS account": the event has only the ids of the caller.
    if identity.account and identity.account != record.account and identity.kind != PrincipalKind.ANONYMOUS:
        return {"type": "AWSAccount", "principalId": identity.user_id, "accountId": identity.account}
    element = _ELEMENTS[identity.kind](identity)
    if record.invoked_by:
        element["invokedBy"] = record.invoked_by
    if identity.delegate:  # IAM User Guide, "CloudTrail": "the AWS account ID of the product provider"
        element["invokedByDelegate"] = {"accountId": identity.delegate}
    return element


def _error_code(record: Record) -> str:
    """The error code. Only EC2's has a prefix in CloudTrail: `Client.UnauthorizedOperation`."""
    if record.event_source != "ec2.amazonaws.com":
        return record.error_code
    return f"{'Server' if record.status >= 500 else 'Client'}.{record.error_code}"


def _resource(arn: str, account: str, kind: str) -> dict[str, str]:
    return {"ARN": arn, **({"accountId": account} if account else {}), **({"type": kind} if kind else {})}


def _tls_details(record: Record) -> dict[str, str]:
    if not record.secure:
        return {}
    version, cipher = record.tls
    details = {"tlsVersion": version, "cipherSuite": cipher, "clientProvidedHostHeader": record.host}
    return {key: value for key, value in details.items() if value}


def _root(identity: Identity) -> dict[str, Any]:
    return _with_session(_base("Root", identity), identity, issuer=None)


def _user(identity: Identity) -> dict[str, Any]:
    return _with_session(_base("IAMUser", identity) | {"userName": identity.name}, identity, issuer=None)


def _role_session(identity: Identity) -> dict[str, Any]:
    return _with_session(_base("AssumedRole", identity), identity, issuer="Role")


def _federated_user(identity: Identity) -> dict[str, Any]:
    issuer = "Root" if identity.issuer_arn.endswith(":root") else "IAMUser"
    return _with_session(_base("FederatedUser", identity), identity, issuer=issuer)


def _service(identity: Identity) -> dict[str, Any]:
    return {"type": "AWSService", "invokedBy": identity.arn}


def _anonymous(identity: Identity) -> dict[str, Any]:
    if identity.access_key_id:  # a key was named, but not authenticated
        return {"type": "Unknown", "accessKeyId": identity.access_key_id}
    return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}


def _federated(kind: str) -> Callable[[Identity], dict[str, Any]]:
    def element_of(identity: Identity) -> dict[str, Any]:
        return {
            "type": kind,
            "principalId": identity.user_id,
            "userName": identity.name,
            "identityProvider": identity.provider,
        }

    return element_of


_ELEMENTS: Final[dict[str, Callable[[Identity], dict[str, Any]]]] = {
    PrincipalKind.ROOT.value: _root,
    PrincipalKind.USER.value: _user,
    PrincipalKind.ROLE_SESSION.value: _role_session,
    PrincipalKind.FEDERATED_USER.value: _federated_user,
    PrincipalKind.SERVICE.value: _service,
    PrincipalKind.ANONYMOUS.value: _anonymous,
    PrincipalKind.WEB_IDENTITY.value: _federated("WebIdentityUser"),
    PrincipalKind.SAML.value: _federated("SAMLUser"),
}


def _base(kind: str, identity: Identity) -> dict[str, Any]:
    return {
        "type": kind,
        "principalId": identity.user_id,
        "arn": identity.arn,
        "accountId": identity.account,
        "accessKeyId": identity.access_key_id,
    }


def _with_session(element: dict[str, Any], identity: Identity, issuer: str | None) -> dict[str, Any]:
    """Add the sessionContext of temporary credentials."""
    if not identity.issued_at:
        return element
    session: dict[str, Any] = {}
    if issuer is not None:
        session["sessionIssuer"] = {
            "type": issuer,
            "principalId": identity.issuer_id,
            "arn": identity.issuer_arn,
            "accountId": identity.account,
            "userName": identity.issuer_arn.rsplit("/", 1)[-1] if issuer != "Root" else "root",
        }
    if identity.provider and ":saml-provider/" not in identity.provider:
        session["webIdFederationData"] = {"federatedProvider": identity.provider, "attributes": {}}
    session["attributes"] = {
        "creationDate": iso8601(identity.issued_at),
        "mfaAuthenticated": "true" if identity.mfa else "false",
    }
    if identity.delivery:
        session["ec2RoleDelivery"] = identity.delivery
    if identity.source_identity:
        session["sourceIdentity"] = identity.source_identity
    if identity.assumed_root:
        session["assumedRoot"] = "true"
    return element | {"sessionContext": session}
