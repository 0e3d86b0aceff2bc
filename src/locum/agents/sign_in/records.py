"""The events of signing in: CloudTrail User Guide, "AWS Management Console sign-in events".

A wrong name is not told: "CloudTrail doesn't log" it, as it may be a password. An event of the root user is in
us-east-1, others are in the plane's Region, as with a regional sign-in endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from locum.audit import Identity, Record, identify
from locum.calls import Runtime
from locum.core.identifiers import request_id
from locum.core.principal import Caller, Principal, PrincipalKind
from locum.core.sign_in import Browser
from locum.store import AuditRow

FAILED: Final = "Failed authentication"
NO_NAME: Final = "No username found in supplied account"
HIDDEN_NAME: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
_ROOTS_REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who tries to sign in to `account`: `principal` is None where there is no such user.

    `device` is the serial number of the MFA device whose code was shown, empty where none was.
    """

    account: str
    principal: Principal | None
    browser: Browser
    device: str = ""
    mfa: bool = False


def row(runtime: Runtime, event: str, attempt: Attempt, error: str = "") -> AuditRow:
    """The row of an event (ConsoleLogin, PasswordUpdated, CheckMfa)."""
    principal = attempt.principal
    root = principal is not None and principal.kind is PrincipalKind.ROOT
    used = {"MFAUsed": "Yes" if attempt.mfa else "No"} | ({"MFAIdentifier": attempt.device} if attempt.device else {})
    return Record(
        event_id=request_id(runtime.entropy),
        request_id="",
        at=runtime.clock(),
        account=attempt.account,
        region=_ROOTS_REGION if root else runtime.settings.region,
        event_source="signin.amazonaws.com",
        service="signin",
        operation=event,
        identity=_nobody(attempt.account) if principal is None else identify(Caller(principal)),
        source_ip=attempt.browser.source_ip,
        user_agent=attempt.browser.user_agent,
        status=400 if error else 200,
        answer={event: "Failure" if error else "Success"},
        error_message=error,
        mode=runtime.mode,
        extra={"LoginTo": attempt.browser.url, "MobileVersion": "No", **used},
        event_type="AwsConsoleSignIn",
    ).row()


def _nobody(account: str) -> Identity:
    return Identity(PrincipalKind.USER.value, "", account, "", HIDDEN_NAME)
