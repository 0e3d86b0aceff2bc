"""Questions of commands that the plane answers over its control socket: records, policies, audits, clock, faults.

Few planes are asked, so that what answers is loaded late.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from typing import Any

import msgspec

from locum.agents.audits.schedule import Audits
from locum.audit import History, Selection, readable
from locum.calls import Runtime
from locum.calls.service_roles import Assume
from locum.compute.control import Asked, Questions
from locum.core.errors import LocumError

Activate = Callable[[str, str, int], Awaitable[str]]
"""Make an activation code of an instance, by its account and id, to be used within so many seconds."""


class _Records(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    records: str
    count: int = 1
    denied: bool = False
    selection: Selection | None = None
    after: int | None = None


class _Policies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    policies: dict[str, Any]


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    plan: dict[str, Any]


class _Hypothetical(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hypothetical: dict[str, Any]


class _Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    audit: dict[str, Any]


class _Chaos(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chaos: dict[str, Any]


class _Accounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    accounts: dict[str, Any]


class _Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    authority: bool


class _Activate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    activate: str
    account: str
    seconds: int


class PlaneQuestions:
    """Answers them. `authority` is the installation's certificate; `activate` is None where no agents are served.

    `audits` makes audits; where it is None, none is made. `assume` is `Calls.assume`, for sessions of tests.
    """

    def __init__(
        self,
        runtime: Runtime,
        authority: Callable[[], str],
        activate: Activate | None,
        audits: Audits | None = None,
        assume: Assume | None = None,
    ) -> None:
        self._runtime = runtime
        self._assume = assume
        self._audits = audits
        self._authority = authority
        self._activate = activate
        self._faults: Any = None

    @property
    def questions(self) -> Questions:
        """Those who answer, by the kind of the question."""
        return {
            "records": self._records,
            "policies": self._policies,
            "plan": self._plan,
            "hypothetical": self._hypothetical,
            "audit": self._audit,
            "chaos": self._chaos,
            "accounts": self._accounts,
            "authority": self._certificate,
            "activate": self._code,
        }

    async def close(self) -> None:
        """Answer no more."""
        if self._faults is not None:
            await self._faults.close()

    async def _records(self, asked: Asked) -> dict[str, Any]:
        """The records of one request, the latest, those of a selection, or those behind a position."""
        told, ledger, history = asked.read(_Records), self._runtime.ledger, self._runtime.history
        if told.selection is not None:
            return await ledger.read(partial(_selected, history, told, told.selection))
        if told.records:
            found = await ledger.read(lambda: history.by_request(told.records))
        else:
            latest = history.latest_denials if told.denied else history.latest
            found = await ledger.read(lambda: latest(told.count))
        return {"records": [readable(record) for record in found]}

    async def _policies(self, asked: Asked) -> dict[str, Any]:
        answer: dict[str, Any] = await import_module("locum.calls.activity").answer(
            self._runtime, asked.read(_Policies).policies
        )
        return answer

    async def _plan(self, asked: Asked) -> dict[str, Any]:
        answer: dict[str, Any] = await import_module("locum.agents.plans.question").answer(
            self._runtime, asked.read(_Plan).plan
        )
        return answer

    async def _hypothetical(self, asked: Asked) -> dict[str, Any]:
        answer: dict[str, Any] = await import_module("locum.calls.hypothetical").answer(
            self._runtime, asked.read(_Hypothetical).hypothetical
        )
        return answer

    async def _audit(self, asked: Asked) -> dict[str, Any]:
        if self._audits is None:
            raise LocumError("this plane makes no audits")
        return await self._audits.answer(asked.read(_Audit).audit)

    async def _chaos(self, asked: Asked) -> dict[str, Any]:
        if self._faults is None:
            self._faults = import_module("locum.agents.chaos").Chaos(self._runtime)
        answer: dict[str, Any] = await self._faults.answer(asked.read(_Chaos).chaos)
        return answer

    async def _accounts(self, asked: Asked) -> dict[str, Any]:
        if self._assume is None:
            raise LocumError("this plane makes no accounts")
        accounts = import_module("locum.agents.brief_accounts").BriefAccounts(self._runtime, self._assume)
        answer: dict[str, Any] = await accounts.answer(asked.read(_Accounts).accounts)
        return answer

    async def _certificate(self, asked: Asked) -> dict[str, Any]:
        asked.read(_Authority)
        return {"authority": self._authority()}

    async def _code(self, asked: Asked) -> dict[str, Any]:
        told = asked.read(_Activate)
        if self._activate is None:
            raise LocumError("this plane serves no agents: start it with `locum up --agents`")
        return {"code": await self._activate(told.account, told.activate, told.seconds)}


def _selected(history: History, told: _Records, selection: Selection) -> dict[str, Any]:
    """The records of a selection, oldest first, and the position of the newest of all."""
    if told.after is not None:
        records, position = history.behind(told.after, selection)
    else:
        position = history.position()
        records = history.selected(selection, told.count)[::-1]
    return {"records": [readable(record) for record in records], "position": position}
