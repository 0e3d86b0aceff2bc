"""Activations: another machine becomes an instance, by `locum agent`. AWS's model is SSM's hybrid activations.

1. An activation code is of one instance. It is 256 random bits, of which the state has a digest, and it expires. A new
   code takes the place of the one before.
2. Whoever shows the code first, together with a certification request, is issued a certificate of that instance. From
   then on the code is spent, and the certificate of an agent before is refused: an instance has one agent.
3. A certificate ends after a day. It is renewed for the same key, by a connection that is made with it. The one before
   is in force until the new one is used for the first time: an answer that is lost locks nobody out.
4. Whoever uses one that was replaced has a copy of an agent's key: refused, and said in the log. So is who shows a code
   that is spent.
   A connection that was made before goes on: the application closes it with its next answer.
5. A certificate is nothing without its instance: where that does not run, it is refused with the next request.
6. Codes that are made and used are in the event history (AwsServiceEvent), with the agent's address.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from locum.audit import Record, Resource, identify
from locum.calls import Runtime
from locum.core.activation import ActivationCode, fingerprint_of
from locum.core.actors import service_principal
from locum.core.arn import Arn
from locum.core.clock import Clock
from locum.core.errors import ConfigurationError, Fault, LocumError
from locum.core.identifiers import RequestIds
from locum.http.agent_certificates import Holder, issue, requested_key
from locum.http.authority import Issued, der
from locum.services.verbs import Outcome
from locum.state import Agent, Instance, State, put
from locum.store import AuditRow

_RUNS: Final = ("pending", "running")
_ENDED: Final = ("shutting-down", "terminated")
_EC2: Final = "ec2.amazonaws.com"
_SERIAL: Final = 16
"""Octets. RFC 5280, section 4.1.2.2: up to 20."""
_NO_DIGEST: Final = bytes(32)
_REFUSED: Final = "this activation code is not valid: `locum activate` prints one, which can be used once"
_log: Final = logging.getLogger("locum.agents")


class Refused(LocumError):
    """An agent is refused. `final`: to ask again is in vain."""

    def __init__(self, text: str, *, final: bool = True) -> None:
        super().__init__(text)
        self.final = final


class Activations:
    """The activation codes, and the certificates of agents, issued by `authority`.

    `wall` is the clock of certificates, which TLS judges by the machine's time, also where the plane's was moved.
    """

    def __init__(self, runtime: Runtime, authority: Issued, wall: Clock) -> None:
        self._runtime = runtime
        self._authority = authority
        self._wall = wall
        self._ids = RequestIds(runtime.entropy)
        self._fingerprint = fingerprint_of(der(authority.certificate))

    @property
    def authority(self) -> bytes:
        """The certificate of the authority, in PEM."""
        return self._authority.certificate

    async def activate(self, account: str, instance: str, seconds: int) -> str:
        """Make an activation code of `instance`, to be used within `seconds`. Raises Refused, Fault."""
        code = ActivationCode.new(account, instance, self._fingerprint, self._runtime.entropy)
        expires = int(self._runtime.clock()) + seconds

        def handler(state: State) -> Outcome:
            found = _running(state, account, instance)
            return _with(found, replace(found.agent, code=code.digest, code_expires=expires))

        await self._transact(handler, self._row("CreateActivation", account, instance))
        return str(code)

    async def enrol(self, text: str, request: bytes, source_ip: str) -> tuple[Instance, bytes]:
        """The instance of the activation code `text`, and a certificate of it, in PEM, for the key of `request`.

        `source_ip` is the agent's address. Raises Refused, Fault.
        """
        try:
            code, key = ActivationCode.parse(text), requested_key(request)
        except (ConfigurationError, ValueError) as error:
            raise Refused(str(error)) from error
        serial, now = self._serial(), self._runtime.clock()

        def handler(state: State) -> Outcome:
            found = _activated(state, code, now)
            return _with(found, Agent(spent=code.digest, certificate=serial))

        await self._transact(handler, self._row("RegisterAgent", code.account, code.instance, source_ip))
        return self._issued(code.account, code.instance, key, serial)

    async def renew(self, holder: Holder | None) -> tuple[Instance, bytes]:
        """A new certificate, in PEM, for the holder of one that is in force. Raises Refused, Fault."""
        instance = await self.admit(holder)
        assert holder is not None
        serial = self._serial()

        def handler(state: State) -> Outcome:
            found = self._admitted(state, holder)
            return _with(found, replace(found.agent, renewal=serial))

        await self._transact(handler)
        return self._issued(instance.account, instance.id, holder.public_key, serial)

    async def admit(self, holder: Holder | None, before: bytes = b"") -> Instance:
        """The instance that the holder of a verified certificate is. Raises Refused, Fault.

        `before` is the `spent` code of the agent that it was admitted as, where it was by the same connection: then its
        certificate may have been renewed meanwhile.
        """
        if holder is None:
            raise Refused("nobody is admitted here without the certificate of an agent")
        found = self._admitted(self._runtime.ledger.state, holder, before)
        if holder.serial == found.agent.renewal:
            await self._transact(lambda state: self._confirmed(state, holder))
        return found

    def _admitted(self, state: State, holder: Holder, before: bytes = b"") -> Instance:
        named = Arn.parse(holder.arn)
        found = _running(state, named.account, named.resource.removeprefix("instance/"))
        if self._wall() >= holder.ends:
            raise Refused(f"the certificate of {found.id} has ended: activate the instance again")
        in_force = holder.serial in (found.agent.certificate, found.agent.renewal)
        if found.arn != holder.arn or not (in_force or (before and before == found.agent.spent)):
            _log.warning("a certificate of %s that was replaced is used: somebody else has its key", found.id)
            raise Refused(f"this certificate of {found.id} was replaced by another: an instance has one agent")
        return found

    def _confirmed(self, state: State, holder: Holder) -> Outcome:
        """The certificate that was issued last is in use: the one before is not any more."""
        found = self._admitted(state, holder)
        if holder.serial == found.agent.certificate:
            return Outcome({})
        return _with(found, replace(found.agent, certificate=holder.serial, renewal=""))

    def _issued(self, account: str, instance: str, key: bytes, serial: str) -> tuple[Instance, bytes]:
        found = _running(self._runtime.ledger.state, account, instance)
        return found, issue(self._authority, key, found.arn, serial, self._wall())

    def _serial(self) -> str:
        return f"{int.from_bytes(self._runtime.entropy(_SERIAL), 'big') | 1:x}"

    def _row(self, operation: str, account: str, instance: str, source_ip: str = "") -> AuditRow:
        """The row of the record of what was done with a code."""
        found = self._runtime.ledger.state.get(Instance, account, instance)
        region, arn = (self._runtime.settings.region, "") if found is None else (found.region, found.arn)
        record = Record(
            event_id=self._ids(),
            request_id=self._ids(),
            at=self._runtime.clock(),
            account=account,
            region=region,
            event_source=_EC2,
            service="ec2",
            operation=operation,
            identity=identify(service_principal(_EC2, account)),
            source_ip=source_ip or _EC2,
            secure=bool(source_ip),
            resources=(Resource("AWS::EC2::Instance", instance, arn, account),),
            event_type="AwsServiceEvent",
            invoked_by=_EC2,
        )
        return record.row()

    async def _transact(self, handler: Callable[[State], Outcome], *rows: AuditRow) -> None:
        await self._runtime.ledger.transact(handler, lambda outcome: () if isinstance(outcome, Fault) else rows)


def _running(state: State, account: str, instance: str) -> Instance:
    """The instance. Raises Refused where it is not there or does not run."""
    found = state.get(Instance, account, instance)
    if found is None:
        raise Refused(f"there is no instance {instance} in account {account}")
    if found.state not in _RUNS:
        raise Refused(f"instance {instance} is {found.state}, not running", final=found.state in _ENDED)
    return found


def _activated(state: State, code: ActivationCode, now: float) -> Instance:
    """The instance that `code` is of. Raises Refused: one who guesses is told nothing of what there is."""
    found = state.get(Instance, code.account, code.instance)
    agent = Agent() if found is None else found.agent
    if hmac.compare_digest(agent.spent or _NO_DIGEST, code.digest):
        _log.warning("the activation code of %s is used a second time: refused", code.instance)
        raise Refused(_REFUSED)
    if found is None or not hmac.compare_digest(agent.code or _NO_DIGEST, code.digest):
        raise Refused(_REFUSED)
    if now >= agent.code_expires:
        raise Refused(f"the activation code of {code.instance} has expired: `locum activate` prints another")
    return _running(state, code.account, code.instance)


def _with(instance: Instance, agent: Agent) -> Outcome:
    return Outcome({}, (put(replace(instance, agent=agent)),))
