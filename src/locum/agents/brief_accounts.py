"""Accounts for as long as one test of a suite: the owner of the control socket has them made, and ended.

On AWS an account is made by an organization, and its closing takes ninety days. Nothing else reaches this: no API, no
metadata request, no call of a service.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any, Final

import msgspec

from locum.calls import Runtime
from locum.calls.service_roles import Assume
from locum.core.actors import ServiceRole
from locum.core.errors import Fault, LocumError
from locum.core.identifiers import ACCOUNT_ID
from locum.core.principal import Source
from locum.credentials import new_access_key
from locum.services.organizations.identifiers import new_account_id
from locum.services.verbs import Outcome
from locum.state import AccessKey, Account, AccountCreation, Role, State, put, remove
from locum.state.arns import entity_by_arn
from locum.state.events import Removed
from locum.state.organizations import member_of
from locum.state.removals import removals

_SESSION: Final = "test"
"""The name of the sessions of roles."""


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of the questions."""


class Make(_Question, frozen=True, tag="make"):
    """Make a standalone account. The answer has its id, and an access key of its root user."""


class End(_Question, frozen=True, tag="end"):
    """End `account` and those that its organization made, with all that is theirs; the event history stays."""

    account: str


class Session(_Question, frozen=True, tag="session"):
    """Have a service that the trust policy of `role` (an ARN) names assume it. The answer has the credentials."""

    role: str


Question = Make | End | Session


class BriefAccounts:
    """Answers them."""

    def __init__(self, runtime: Runtime, assume: Assume) -> None:
        self._runtime = runtime
        self._assume = assume

    async def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question as JSON values. Raises LocumError where it is none, or is refused."""
        try:
            question = msgspec.convert(asked, Question)
        except msgspec.ValidationError as error:
            raise LocumError(f"not a question about accounts: {error}") from error
        if isinstance(question, Make):
            return await self._make()
        if isinstance(question, End):
            return await self._end(question.account)
        return await self._session(question.role)

    async def _make(self) -> dict[str, Any]:
        runtime = self._runtime
        outcome = await runtime.ledger.transact(partial(_made, runtime), lambda _outcome: ())
        return dict(outcome.answer)

    async def _end(self, account: str) -> dict[str, Any]:
        ledger = self._runtime.ledger
        outcome = await ledger.transact(partial(_ended, account), lambda _outcome: ())
        for ended in outcome.answer["Accounts"]:
            await self._runtime.backends.forget(ended)
        return {}

    async def _session(self, arn: str) -> dict[str, Any]:
        role = entity_by_arn(self._runtime.ledger.state, Role, arn)
        if role is None:
            raise LocumError(f"there is no role {arn}")
        refused = LocumError(f"the trust policy of {arn} names no service that may assume it")
        for service in _services(role.trust):
            actor = ServiceRole(service, arn, _SESSION, Source(role.account, ""))
            try:
                return {"credentials": dict((await self._assume(actor, "")).credentials)}
            except Fault as fault:
                refused = LocumError(fault.message)
        raise refused


def _made(runtime: Runtime, state: State) -> Outcome:
    account, now = new_account_id(state, runtime.entropy), int(runtime.clock())
    key_id, secret, sealed = new_access_key(runtime.keyring, account, runtime.entropy)
    key = AccessKey(account=account, id=key_id, secret=sealed, created=now)
    answer = {"account": account, "accessKeyId": key_id, "secretAccessKey": secret}
    return Outcome(answer, (put(Account(account=account, created=now)), put(key)))


def _ended(account: str, state: State) -> Outcome:
    found = state.get(Account, account, account)
    if not ACCOUNT_ID.fullmatch(account) or found is None:
        raise LocumError(f"there is no account {account}")
    if found.founding:
        raise LocumError(f"{account} is the account that this installation began with: it does not end")
    accounts = _with_made(state, account)
    return Outcome({"Accounts": sorted(accounts)}, (*removals(state, accounts), *_departures(state, accounts)))


def _with_made(state: State, account: str) -> set[str]:
    """`account` and the accounts that its organization made, and theirs."""
    found, left = set[str](), [account]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += [made.created for made in state.table(AccountCreation, one).values() if made.created]
    return found


def _departures(state: State, accounts: Collection[str]) -> Iterator[Removed]:
    """The events after which no organization that goes on has `accounts` as members."""
    for account in accounts:
        member = member_of(state, account)
        if member is not None and member.account not in accounts:
            yield remove(member)


def _services(trust: str) -> list[str]:
    """The service principals that a trust policy allows something."""
    statements = json.loads(trust)["Statement"]
    found: list[str] = []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        if statement["Effect"] == "Allow" and isinstance(principal, dict):
            services = principal.get("Service", [])
            found += [services] if isinstance(services, str) else services
    return found
