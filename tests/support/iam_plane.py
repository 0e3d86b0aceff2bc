"""A little plane for tests of IAM: a state, a clock that stands still, and entropy from a counter.

Every answer is held against the service model before a test sees it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from locum.core.errors import Fault
from locum.core.principal import Caller, Principal
from locum.credentials import KeyRing
from locum.services.iam import OPERATIONS
from locum.services.verbs import Context
from locum.state import Account, Event, Named, Role, State, User, change, put
from locum.store.journal import AuditRow, Use
from locum.store.memory import MemoryJournal
from support.aws_shapes import misfits

ACCOUNT = "111122223333"
OTHER = "444455556666"
NOW = 1_700_000_000

EC2_TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
    '"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
)
READ = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
WRITE = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}]}'
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ROOT = Caller(Principal.root(ACCOUNT))


def arn(kind: str, name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{kind}/{name}"


def trusting(*principals: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def long_policy(size: int) -> str:
    """A policy of so many characters, whitespace left out of the count."""
    frame = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": ""}]}
    room = size - len(json.dumps(frame, separators=(",", ":"))) - len("arn:aws:s3:::")
    frame["Statement"] = [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::" + "x" * room}]
    return json.dumps(frame, indent=8)


class Plane:
    """`call` runs an operation as the root user, or as `caller`, and lets its events happen."""

    def __init__(self) -> None:
        accounts = [put(Account(account=a, created=NOW - 100)) for a in (ACCOUNT, OTHER)]
        self.state = change(State(), accounts)
        self.caller = ROOT
        self.now: float = NOW + 0.75
        self.events: list[Event] = []
        self.journal = MemoryJournal()
        self._counter = itertools.count()
        self.keyring = KeyRing.generate(self.entropy)

    def entropy(self, size: int) -> bytes:
        data = hashlib.shake_256(str(next(self._counter)).encode())
        return data.digest(size)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        verb = OPERATIONS[operation]
        context = Context(
            self.state, self.now, self.entropy, self.keyring, self.caller, "us-east-1", usage=self.journal
        )
        outcome = verb.verb(context, params)
        assert verb.writes or not outcome.events
        check_answer(operation, outcome.answer)
        self.events = list(outcome.events)
        self.state = change(self.state, outcome.events)
        return outcome.answer

    def fault(self, operation: str, **params: Any) -> tuple[str, int, str]:
        """The code, status and message with which `operation` is refused."""
        try:
            self.call(operation, **params)
        except Fault as fault:
            return fault.code, fault.status, fault.message
        raise AssertionError(f"{operation} was not refused")

    def pages(self, operation: str, member: str, **params: Any) -> list[list[Any]]:
        """All pages of a list."""
        found: list[list[Any]] = []
        while True:
            answer = self.call(operation, **params)
            found.append(answer[member])
            assert answer["IsTruncated"] == ("Marker" in answer)
            if not answer["IsTruncated"]:
                return found
            params["Marker"] = answer["Marker"]

    def get(self, kind: type[Named], name: str) -> Named | None:
        return self.state.get(kind, ACCOUNT, name.lower())

    def role(self, name: str, **params: Any) -> dict[str, Any]:
        params.setdefault("AssumeRolePolicyDocument", EC2_TRUST)
        role: dict[str, Any] = self.call("CreateRole", RoleName=name, **params)["Role"]
        return role

    def user(self, name: str, **params: Any) -> dict[str, Any]:
        user: dict[str, Any] = self.call("CreateUser", UserName=name, **params)["User"]
        return user

    def policy(self, name: str, **params: Any) -> str:
        params.setdefault("PolicyDocument", READ)
        return str(self.call("CreatePolicy", PolicyName=name, **params)["Policy"]["Arn"])

    def used(
        self, principal: str, action: str, at: float, region: str = "us-east-1", key: str = "", account: str = ACCOUNT
    ) -> None:
        """`principal` (its unique id) made a call that takes `action`, `at` seconds after NOW."""
        use = Use(account, principal, key, action, region)
        row = AuditRow(NOW + at, account, "e", "r", "Call", "s", "", key, "", True, False, True, (), b"", use)
        self.journal.record([row])

    def become(self, name: str) -> None:
        """From now on the user `name` calls."""
        user = self.state.get(User, ACCOUNT, name.lower())
        assert user is not None
        self.caller = Caller(Principal.user(ACCOUNT, user.arn, user.id, user.name))

    def become_session(self, name: str) -> None:
        """From now on a session of the role `name` calls."""
        role = self.state.get(Role, ACCOUNT, name.lower())
        assert role is not None
        self.caller = Caller(Principal.role_session(role.arn, role.id, "session"))


def document(encoded: str) -> Any:
    """A policy document out of an answer."""
    assert set(encoded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%")
    return json.loads(unquote(encoded))


def check_answer(operation: str, answer: Mapping[str, Any]) -> None:
    """`answer` is of the output's shape, save where AWS itself departs from its model."""
    departures = ["'Policy' is not in the enumeration"]
    if operation.startswith("Simulate"):
        departures += [
            f"'{kind} Policy' is not in the enumeration" for kind in ("IAM", "Resource", "Permissions Boundary")
        ]
    if operation == "GetUser" and answer["User"]["Arn"].endswith(":root"):
        departures += ["member Path is missing", "member UserName is missing"]
    if operation == "ListVirtualMFADevices":  # where a device is the root user's
        departures += ["User: required member Path is missing", "User: required member UserName is missing"]
    if operation in ("CreateLoginProfile", "GetLoginProfile") and "UserName" not in answer["LoginProfile"]:
        departures.append("member UserName is missing")  # the root user's
    found = misfits("iam", operation, answer)
    assert not [line for line in found if not line.endswith(tuple(departures))], (operation, found)
