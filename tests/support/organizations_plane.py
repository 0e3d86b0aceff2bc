"""A little plane for tests of Organizations: a state, a clock that moves when told to, entropy from a counter.

Every answer is held against the service model before a test sees it, and so is the reason of every refusal.
"""

from __future__ import annotations

import hashlib
import itertools
from typing import Any, NamedTuple

import pytest

from locum.core.errors import Fault
from locum.core.principal import Caller, Principal
from locum.credentials import KeyRing
from locum.services.organizations import OPERATIONS
from locum.services.verbs import Context
from locum.state import Account, Event, Role, State, change, put
from support.aws_shapes import enumeration, errors, misfits

MANAGEMENT = "111122223333"
ALONE = "444455556666"
STRANGER = "777788889999"
NOW = 1_700_000_000
DAY = 86_400

SCP = "SERVICE_CONTROL_POLICY"
RCP = "RESOURCE_CONTROL_POLICY"
TAG = "TAG_POLICY"
DENIES = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'
RCP_DENIES = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}'

_REASONS = {
    "ConstraintViolationException": "ConstraintViolationExceptionReason",
    "InvalidInputException": "InvalidInputExceptionReason",
    "HandshakeConstraintViolationException": "HandshakeConstraintViolationExceptionReason",
}


class Refused(NamedTuple):
    """An error as the client sees it."""

    code: str
    reason: str
    message: str


class Organizations:
    """`call` runs an operation as the root user of `account`, and lets its events happen.

    `source_ip` is the address that it is made from, empty where that is not known.
    """

    def __init__(self, *, organized: bool = True, features: str = "ALL") -> None:
        accounts = [Account(account=MANAGEMENT, created=NOW, name="Boss", email="boss@example.com")]
        accounts += [Account(account=account, created=NOW) for account in (ALONE, STRANGER)]
        self.state = change(State(), [put(account) for account in accounts])
        self.account = MANAGEMENT
        self.source_ip = ""
        self.now: float = NOW + 0.5
        self.events: list[Event] = []
        self._counter = itertools.count()
        self.keyring = KeyRing.generate(self.entropy)
        self.organization = ""
        self.root = ""
        self.first = ""
        if organized:
            made = self.call("CreateOrganization", FeatureSet=features)["Organization"]
            self.organization = made["Id"]
            self.root = self.call("ListRoots")["Roots"][0]["Id"]

    def entropy(self, size: int) -> bytes:
        return hashlib.shake_256(str(next(self._counter)).encode()).digest(size)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        verb = OPERATIONS[operation]
        caller = Caller(Principal.root(self.account))
        context = Context(self.state, self.now, self.entropy, self.keyring, caller, "us-east-1")
        if self.source_ip:
            call = context.call_of("organizations", operation, params)._replace(source_ip=self.source_ip)
            context = context._replace(call=lambda: call)
        outcome = verb.verb(context, params)
        assert verb.writes or not outcome.events
        assert not misfits("organizations", operation, outcome.answer), operation
        self.events = list(outcome.events)
        self.state = change(self.state, outcome.events)
        return outcome.answer

    def refused(self, operation: str, **params: Any) -> Refused:
        """What `operation` is refused with."""
        before = self.state
        with pytest.raises(Fault) as caught:
            self.call(operation, **params)
        fault = caught.value
        assert fault.status == 400
        assert self.state is before
        assert fault.code in errors("organizations", operation)
        reason = str(fault.members.get("Reason", ""))
        assert (fault.code in _REASONS) == bool(reason), fault.code
        assert not reason or reason in enumeration("organizations", _REASONS[fault.code])
        return Refused(fault.code.removesuffix("Exception"), reason, fault.message)

    def pages(self, operation: str, member: str, **params: Any) -> list[list[Any]]:
        """All pages of a list."""
        found: list[list[Any]] = []
        while True:
            answer = self.call(operation, **params)
            found.append(answer[member])
            if "NextToken" not in answer:
                return found
            params["NextToken"] = answer["NextToken"]

    # -- what tests need to be there ---------------------------------------------------------------------

    def member(self, name: str = "dev", **params: Any) -> str:
        """A new account in the organization: its id."""
        email = params.pop("Email", f"{name}@example.com")
        request = self.call("CreateAccount", AccountName=name, Email=email, **params)["CreateAccountStatus"]["Id"]
        status = self.call("DescribeCreateAccountStatus", CreateAccountRequestId=request)["CreateAccountStatus"]
        return str(status["AccountId"])

    def unit(self, name: str = "apps", parent: str = "") -> str:
        made = self.call("CreateOrganizationalUnit", ParentId=parent or self.root, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def policy(self, name: str = "deny-s3", kind: str = SCP, content: str = DENIES) -> str:
        made = self.call("CreatePolicy", Name=name, Type=kind, Content=content, Description="")
        return str(made["Policy"]["PolicySummary"]["Id"])

    def enable(self, *kinds: str) -> None:
        for kind in kinds:
            self.call("EnablePolicyType", RootId=self.root, PolicyType=kind)

    def invite(self, target: str = ALONE, kind: str = "ACCOUNT", **params: Any) -> str:
        made = self.call("InviteAccountToOrganization", Target={"Id": target, "Type": kind}, **params)
        return str(made["Handshake"]["Id"])

    def as_account(self, account: str) -> Organizations:
        """From now on `account` calls."""
        self.account = account
        return self

    def delegate(self, account: str, service: str = "config.amazonaws.com") -> None:
        self.call("EnableAWSServiceAccess", ServicePrincipal=service)
        self.call("RegisterDelegatedAdministrator", AccountId=account, ServicePrincipal=service)

    def role(self, account: str, name: str) -> Role | None:
        return self.state.get(Role, account, name.lower())

    def attached(self, target: str, kind: str = SCP) -> list[str]:
        found = self.call("ListPoliciesForTarget", TargetId=target, Filter=kind)["Policies"]
        return [policy["Id"] for policy in found]
