"""What a refused client is told, in AWS's words.

IAM User Guide, "Troubleshoot access denied error messages":

    User: ARN is not authorized to perform: ACTION on resource: ARN because no TYPE allows the ACTION action
    User: ARN is not authorized to perform: ACTION on resource: ARN with an explicit deny in a TYPE: ARN

TYPE is identity-based policy, resource-based policy, permissions boundary, session policy, service control policy,
resource control policy or VPC endpoint policy; of a role's trust policy it is "role trust policy", and an explicit
deny is "in the role trust policy". The ARN at the end is that of the managed policy that denies; an inline policy
and one attached to the resource have none. Where an action has no resource, "on resource" is left out. A federated
principal is told no more than "Not authorized to perform ACTION".

    service                 code                    status   its own
    iam, sts, sqs, S3, ...  AccessDenied            403      S3 puts the ARN in quotation marks
    ec2                     UnauthorizedOperation   403      "You are not authorized to perform this operation. " first
    sns                     AuthorizationError      403
    json, smithy-rpc        AccessDeniedException   400
    rest-json               AccessDeniedException   403
"""

from __future__ import annotations

from typing import Final, NamedTuple

from locum.authz.call import Check
from locum.core.errors import Fault
from locum.core.principal import FEDERATED, Principal, PrincipalKind
from locum.policy import Decision, PolicyType, Verdict

ANONYMOUS_ARN: Final = "anonymous"


class Style(NamedTuple):
    """How one service words its refusals."""

    code: str
    status: int
    opening: str = ""
    quoted: bool = False


_QUERY: Final = Style("AccessDenied", 403)
_JSON: Final = Style("AccessDeniedException", 400)
_REST_JSON: Final = Style("AccessDeniedException", 403)

_OF_SERVICE: Final = {
    "ec2": Style("UnauthorizedOperation", 403, "You are not authorized to perform this operation. "),
    "s3": Style("AccessDenied", 403, quoted=True),
    "s3control": Style("AccessDenied", 403),
    "sns": Style("AuthorizationError", 403),
    "sqs": _QUERY,
}
_OF_PROTOCOL: Final = {
    "json": _JSON,
    "smithy-rpc-v2-cbor": _JSON,
    "rest-json": _REST_JSON,
}


def style(service: str, protocol: str) -> Style:
    """How `service` refuses a call that came over `protocol` (`query`, `json`, `rest-json` ...)."""
    return _OF_SERVICE.get(service) or _OF_PROTOCOL.get(protocol, _QUERY)


def reason(decision: Decision, action: str, *, trust: bool, policy: str = "") -> str:
    """The end of the message; `trust`: the resource policy is a role's trust policy. Empty for an allow.

    `policy` is the ARN of the policy that denies explicitly, where the caller may be told.
    """
    if trust and decision.denied_by is PolicyType.RESOURCE:
        if decision.verdict is Verdict.EXPLICIT_DENY:
            return "with an explicit deny in the role trust policy"
        return f"because no role trust policy allows the {action} action"
    said = decision.reason(action)
    return f"{said}: {policy}" if policy and decision.verdict is Verdict.EXPLICIT_DENY else said


def denial(principal: Principal, check: Check, because: str, how: Style) -> str:
    """The whole message of one failed check."""
    if principal.kind in FEDERATED:
        return f"Not authorized to perform {check.action}"
    who = ANONYMOUS_ARN if principal.kind is PrincipalKind.ANONYMOUS else principal.arn
    arn = f'"{check.resource}"' if how.quoted else check.resource
    where = "" if check.resource == "*" else f" on resource: {arn}"
    return f"{how.opening}User: {who} is not authorized to perform: {check.action}{where} {because}".rstrip()


def denied(service: str, protocol: str, principal: Principal, check: Check, because: str) -> Fault:
    """The fault of a call that policies refuse."""
    how = style(service, protocol)
    if service == "s3" and principal.kind is PrincipalKind.ANONYMOUS:
        return Fault(how.code, "Access Denied", how.status)
    return Fault(how.code, denial(principal, check, because, how), how.status)
