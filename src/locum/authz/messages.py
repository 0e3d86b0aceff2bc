"""AWS's messages and error codes for denied calls.

IAM User Guide, "Troubleshoot access denied error messages":

    User: ARN is not authorized to perform: ACTION on resource: ARN because no TYPE allows the ACTION action
    User: ARN is not authorized to perform: ACTION on resource: ARN with an explicit deny in a TYPE: ARN

TYPE is identity-based policy, resource-based policy, permissions boundary, session policy, service control policy,
resource control policy or VPC endpoint policy; for a role's trust policy it is "role trust policy", and an explicit
deny is "in the role trust policy". The ARN at the end is that of the managed policy that denies; inline
and resource-based policies have none. "on resource" is left out for an action without a resource. The message for
a federated principal is only "Not authorized to perform ACTION".

    service                 code                    status   differences
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


class ErrorStyle(NamedTuple):
    """The form of one service's errors for denied calls: `opening` precedes the message, `quoted` is of the ARN."""

    code: str
    status: int
    opening: str = ""
    quoted: bool = False


_QUERY: Final = ErrorStyle("AccessDenied", 403)
_JSON: Final = ErrorStyle("AccessDeniedException", 400)
_REST_JSON: Final = ErrorStyle("AccessDeniedException", 403)

_BY_SERVICE: Final = {
    "ec2": ErrorStyle("UnauthorizedOperation", 403, "You are not authorized to perform this operation. "),
    "s3": ErrorStyle("AccessDenied", 403, quoted=True),
    "s3control": ErrorStyle("AccessDenied", 403),
    "sns": ErrorStyle("AuthorizationError", 403),
    "sqs": _QUERY,
}
_BY_PROTOCOL: Final = {
    "json": _JSON,
    "smithy-rpc-v2-cbor": _JSON,
    "rest-json": _REST_JSON,
}


def error_style(service: str, protocol: str) -> ErrorStyle:
    """The style of `service` for a call over `protocol` (`query`, `json`, `rest-json` ...)."""
    return _BY_SERVICE.get(service) or _BY_PROTOCOL.get(protocol, _QUERY)


def reason(decision: Decision, action: str, *, trust: bool, policy: str = "") -> str:
    """The end of the message, from `because` or `with` on; empty for an allow.

    `trust`: the resource policy is a role's trust policy. `policy` is the ARN of the policy that denies explicitly,
    where it is part of the message.
    """
    if trust and decision.denied_by is PolicyType.RESOURCE:
        if decision.verdict is Verdict.EXPLICIT_DENY:
            return "with an explicit deny in the role trust policy"
        return f"because no role trust policy allows the {action} action"
    text = decision.reason(action)
    return f"{text}: {policy}" if policy and decision.verdict is Verdict.EXPLICIT_DENY else text


def denial(principal: Principal, check: Check, because: str, style: ErrorStyle) -> str:
    """The message for one failed check; `because` is its end, see `reason`."""
    if principal.kind in FEDERATED:
        return f"Not authorized to perform {check.action}"
    caller = ANONYMOUS_ARN if principal.kind is PrincipalKind.ANONYMOUS else principal.arn
    arn = f'"{check.resource}"' if style.quoted else check.resource
    resource = "" if check.resource == "*" else f" on resource: {arn}"
    return f"{style.opening}User: {caller} is not authorized to perform: {check.action}{resource} {because}".rstrip()


def denied(service: str, protocol: str, principal: Principal, check: Check, because: str) -> Fault:
    """The error for a denied call."""
    style = error_style(service, protocol)
    if service == "s3" and principal.kind is PrincipalKind.ANONYMOUS:
        return Fault(style.code, "Access Denied", style.status)
    return Fault(style.code, denial(principal, check, because, style), style.status)
