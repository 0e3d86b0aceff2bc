"""In whose name a stack set acts in an account: the session of a role there, entered by the role of the administrator.

CloudFormation User Guide, "Grant self-managed permissions": CloudFormation assumes the administration role, and with it
the execution role of each account. "Activate trusted access for StackSets with AWS Organizations": in place of these,
a service-linked role of the management account assumes a role `stacksets-exec-*`, which another service-linked role,
of the member, has created there. All of that are calls: the trust policies decide, in the record of each account.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from locum.calls import Calls, Runtime
from locum.core.actors import ServiceRole
from locum.core.arn import iam_arn
from locum.core.calls import ServiceCall
from locum.core.errors import Fault, LocumError
from locum.core.principal import Caller, Source, principal_of
from locum.credentials import open_session
from locum.services.cloudformation.stack_sets.access import (
    ADMIN_SERVICE,
    MEMBER_SERVICE,
    check_organization,
)
from locum.services.cloudformation.templates import CLOUDFORMATION
from locum.services.iam.trust import stored
from locum.services.linked_roles import has_linked_role, linked_role_arn, linked_role_call
from locum.state import Role, StackSet, StackSetOperation, State
from locum.state.organizations import member_of
from locum.state.stack_sets import SELF_MANAGED

_ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
_GLOBAL: Final = "us-east-1"  # of IAM
_NO_ADMINISTRATION: Final = (
    "Account {account} should have '{role}' role with trust relationship to CloudFormation service."
)
_NOT_OURS: Final = "Role {role} was not created by CloudFormation StackSets: it gets no permissions."
_NO_EXECUTION: Final = "Account {account} should have '{role}' role with trust relationship to Role '{by}'."


class NoEntry(LocumError):
    """An account cannot be entered; the text is the reason, in AWS's words."""


def execution_role(management: str, account: str) -> str:
    """The name of the role by which service-managed sets enter an account: `stacksets-exec-` and 32 digits.

    [U] AWS does not publish of what it makes the digits.
    """
    return f"stacksets-exec-{hashlib.sha256(f'{management}/{account}'.encode()).hexdigest()[:32]}"


class Entries:
    """Enters the accounts of the instances of stack sets. `locks` has one for each account: its roles are made once."""

    def __init__(self, runtime: Runtime, calls: Calls, locks: Mapping[str, asyncio.Lock]) -> None:
        self._runtime = runtime
        self._calls = calls
        self._locks = locks

    async def into(self, of: StackSet, operation: StackSetOperation, account: str, session: str) -> Caller:
        """The session, called `session`, in which an operation acts in `account`. Raises NoEntry.

        That of the administrator's role, which is kept for a while, has the name of the set's id.
        """
        if of.model == SELF_MANAGED:
            return await self._by_own_roles(of, operation, account, session)
        return await self._by_service_roles(of, account, session)

    async def _by_own_roles(self, of: StackSet, operation: StackSetOperation, account: str, session: str) -> Caller:
        role = ServiceRole(CLOUDFORMATION, operation.administration, of.id, Source(of.account, of.arn))
        by = operation.administration.rpartition("/")[2]
        try:
            administrator = (await self._calls.assume(role)).caller
        except Fault as fault:
            raise NoEntry(_NO_ADMINISTRATION.format(account=of.account, role=by)) from fault
        try:
            return await self._assumed(of, administrator, account, operation.execution, session)
        except Fault as fault:
            raise NoEntry(_NO_EXECUTION.format(account=account, role=operation.execution, by=by)) from fault

    async def _by_service_roles(self, of: StackSet, account: str, session: str) -> Caller:
        member, name = member_of(self._state, account), execution_role(of.account, account)
        try:
            check_organization(self._state, of.account)
        except Fault as fault:
            raise NoEntry(fault.message) from fault
        if member is None or member.account != of.account:
            raise NoEntry(f"Account {account} is not a member account of the organization.")
        by = linked_role_arn(of.account, ADMIN_SERVICE)
        try:
            async with self._locks[account]:
                await self._provide(of, account, name, by)
            role = ServiceRole(ADMIN_SERVICE, by, of.id, Source(of.account, of.arn))
            return await self._assumed(of, (await self._calls.assume(role)).caller, account, name, session)
        except Fault as fault:
            raise NoEntry(fault.message) from fault

    async def _provide(self, of: StackSet, account: str, name: str, by: str) -> None:
        """Have the role of a member account made, or completed where a restart interrupted that. Raises Fault."""
        role = self._state.get(Role, account, name)
        statement = {"Effect": "Allow", "Principal": {"AWS": by}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
        if role is not None and _ADMINISTRATOR not in role.attached and role.trust != stored(self._state, trust):
            raise NoEntry(_NOT_OURS.format(role=iam_arn(account, "role", "/", name)))
        if role is None:
            if not has_linked_role(self._state, account, MEMBER_SERVICE):
                await self._calls.make(linked_role_call(account, MEMBER_SERVICE))
            await self._as_member(of, account, "CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)
        if role is None or _ADMINISTRATOR not in role.attached:
            await self._as_member(of, account, "AttachRolePolicy", RoleName=name, PolicyArn=_ADMINISTRATOR)

    async def _as_member(self, of: StackSet, account: str, operation: str, **params: Any) -> None:
        arn = linked_role_arn(account, MEMBER_SERVICE)
        actor = ServiceRole(MEMBER_SERVICE, arn, "CloudFormationStackSets", Source(account, of.arn))
        await self._calls.make(ServiceCall(actor, "iam", operation, params, _GLOBAL))

    async def _assumed(self, of: StackSet, by: Caller, account: str, role: str, session: str) -> Caller:
        """The session of a role of `account` that `by` assumes. Raises Fault."""
        params = {"RoleArn": iam_arn(account, "role", "/", role), "RoleSessionName": session}
        answer = await self._calls.make(ServiceCall(by, "sts", "AssumeRole", params, of.region))
        given = answer["Credentials"]
        opened, _ = open_session(self._runtime.keyring, given["AccessKeyId"], given["SessionToken"])
        return Caller(principal_of(opened), given["AccessKeyId"], opened)

    @property
    def _state(self) -> State:
        return self._runtime.ledger.state
