"""Lets people sign in to the console, and records it (the port is `console.port`).

    with a password     of a user or of root, and a code where there are MFA devices
    with a ticket       of the command line, for a user or root of this installation: who may read the data directory
                        has root's key
    with credentials    of a role or a federated user: IAM User Guide, "Enable custom identity broker access to the AWS
                        console"; they are shown for a ticket (GetSigninToken), and the session ends with theirs

A ticket is good once. Tries are counted by user: after ten wrong ones in five minutes even the right one is refused.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from locum.agents.sign_in import passwords, records
from locum.agents.sign_in.records import Attempt
from locum.agents.sign_in.sessions import session_of, signed_in
from locum.calls import Runtime
from locum.calls.mfa_throttle import MfaThrottle
from locum.core.errors import Fault
from locum.core.principal import Principal, PrincipalKind, Session, principal_of
from locum.core.sign_in import Browser, CodeWanted, Keys, Password, SignedIn, SignInRefused
from locum.credentials import InvalidToken, open_session
from locum.credentials.passwords import matches_any, new_digest
from locum.services.iam.sign_in.password_policy import check_password
from locum.services.verbs import Outcome
from locum.state import LoginProfile, State, User, organizations, put

TICKET: Final = 60.0
"""Seconds in which a ticket of the command line is good."""
TOKEN: Final = 900.0
"""Seconds for a sign-in token: "The token is valid for 15 minutes"."""
_TICKETS: Final = 1_000
_AT_ONCE: Final = 2
"""Passwords that are compared at once: each takes 19 MiB and tens of milliseconds of a core."""
_TOO_MANY: Final = "Too many attempts. Wait a few minutes, and try again."
_NO_TICKET: Final = "This link has been used, or its time is over. Ask for another one with `locum console`."
_NOT_FEDERATED: Final = "The credentials are not those of a role or of a federated user."


class _Ticket(NamedTuple):
    """What a ticket is good for: a session that there is, with its keys, or a new one of `principal`."""

    ends: float
    principal: Principal
    keys: Keys | None = None


class SignInHost:
    """Whoever lets people in."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._throttle = MfaThrottle()
        self._comparing = asyncio.Semaphore(_AT_ONCE)
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()
        self._tokens: OrderedDict[str, _Ticket] = OrderedDict()

    async def with_password(self, shown: Password, browser: Browser) -> SignedIn:
        """Sign in as a user or as root. Raises SignInRefused, CodeWanted."""
        runtime, state = self._runtime, await self._current()
        who = passwords.entrant(state, shown)
        counted = _counted(who, shown)
        self._admit(counted)
        async with self._comparing:
            self._admit(counted)  # again with its turn: others may have failed since it came
            right = await asyncio.to_thread(passwords.is_right, shown.password, None if who is None else who.profile)
        if who is None or who.account in organizations.suspended(state):  # nobody's event history
            self._throttle.failed(counted, runtime.clock.wall())
            raise SignInRefused(passwords.WRONG)
        attempt = Attempt(who.account, who.principal, browser, mfa=bool(shown.code))
        if not right or who.profile is None or who.principal is None:
            raise await self._failed(counted, attempt, records.FAILED if who.principal else records.NO_NAME)
        try:
            return await self._entered(who, shown, attempt)
        except CodeWanted:
            raise
        except SignInRefused as refused:
            raise await self._failed(counted, attempt, records.FAILED, str(refused)) from None

    async def _entered(self, who: passwords.Entrant, shown: Password, attempt: Attempt) -> SignedIn:
        """The session of somebody whose password is right. Raises SignInRefused, CodeWanted."""
        runtime, instant = self._runtime, self._runtime.clock.instant()
        assert who.principal is not None
        refused: list[SignInRefused] = []
        entered: list[tuple[Session, Attempt]] = []

        def enter(state: State) -> Outcome:
            refused.clear()
            entered.clear()
            try:
                now = passwords.entrant(state, shown)
                if now is None or now.profile is None or now.principal is None or not _same(who, now):
                    raise SignInRefused(passwords.WRONG)
                device = passwords.after_use(runtime, state, now, shown.code)
                change = passwords.must_change(state, now.profile, instant)
            except SignInRefused as refusal:
                refused.append(refusal)
                return Outcome({})
            mfa_at = None if device is None else int(instant.now)
            serial = "" if device is None else device.arn
            tried = Attempt(attempt.account, now.principal, attempt.browser, serial, device is not None)
            entered.append((session_of(now.principal, instant, mfa_at, only_change=change), tried))
            return Outcome({}, passwords.used(now.profile, device, instant))

        await runtime.ledger.transact(
            enter, lambda _: () if refused else (records.row(runtime, "ConsoleLogin", entered[0][1]),)
        )
        if refused:
            raise refused[0]
        return signed_in(runtime, entered[0][0])

    async def after_change(self, signed: SignedIn) -> SignedIn:
        """The session of somebody who had to change the password, and has. Raises SignInRefused."""
        runtime, state = self._runtime, await self._current()
        session = self._session(signed.keys)
        if not session.from_console or not session.scopes:
            raise SignInRefused(passwords.WRONG)
        user = state.get(User, session.account, session.name.lower())
        profile = None if user is None else state.get(LoginProfile, user.account, user.key)
        if user is None or user.id != session.issuer_id or profile is None:
            raise SignInRefused(passwords.WRONG)
        if passwords.must_change(state, profile, runtime.clock.instant()):
            raise SignInRefused("Change your password to continue.")
        return signed_in(runtime, session_of(principal_of(session), runtime.clock.instant(), session.mfa_at))

    async def with_ticket(self, ticket: str, browser: Browser, *, federated: bool = False) -> SignedIn:
        """Sign in with a ticket, which is good once, and for what it was made. Raises SignInRefused."""
        runtime = self._runtime
        found = (self._tokens if federated else self._tickets).pop(ticket, None)
        if found is None or found.ends <= runtime.clock.wall():
            raise SignInRefused(_NO_TICKET)
        principal = found.principal
        row = records.row(runtime, "ConsoleLogin", Attempt(principal.account, principal, browser))
        await runtime.ledger.transact(lambda _: Outcome({}), lambda _: (row,))
        if found.keys is None:
            return signed_in(runtime, session_of(principal, runtime.clock.instant(), None))
        return SignedIn(found.keys, principal.account, principal.arn, principal.name, principal.kind.value)

    def ticket(self, account: str, user: str) -> str:
        """A ticket for the user of that name, or for root where it is empty. Raises SignInRefused."""
        who = passwords.entrant(self._runtime.ledger.state, Password(account, user, ""))
        if who is None or who.principal is None:
            raise SignInRefused(f"account {account} has no user {user}" if user else f"there is no account {account}")
        return self._keep(self._tickets, _Ticket(self._runtime.clock.wall() + TICKET, who.principal))

    def ticket_for(self, keys: Mapping[str, str]) -> str:
        """A sign-in token for temporary credentials. Raises SignInRefused."""
        shown = Keys(keys.get("sessionId", ""), keys.get("sessionKey", ""), keys.get("sessionToken", ""))
        session = self._session(shown)
        principal = principal_of(session)
        if principal.kind not in (PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER):
            raise SignInRefused(_NOT_FEDERATED)
        ends = self._runtime.clock.instant().told(session.expires_at)
        lasting = Keys(shown.access_key_id, shown.secret_access_key, shown.session_token, ends)
        return self._keep(self._tokens, _Ticket(self._runtime.clock.wall() + TOKEN, principal, lasting))

    async def change_root_password(self, signed: SignedIn, old: str, new: str) -> None:
        """Give the root user, who is signed in, another password. Raises SignInRefused, and Fault of IAM."""
        runtime, session = self._runtime, self._session(signed.keys)
        if session.kind is not PrincipalKind.ROOT or not session.from_console:
            raise SignInRefused("Only the root user changes the root user's password here.")
        account = session.account
        known = (await self._current()).get(LoginProfile, account, "")
        check_password(None, new)
        if known is not None and known.digest:
            async with self._comparing:
                self._admit(principal_of(session))
                right = await asyncio.to_thread(matches_any, old, (known.digest,))
            if not right:
                self._throttle.failed(principal_of(session), runtime.clock.wall())
                raise SignInRefused("The old password was incorrect.")
        digest = await asyncio.to_thread(new_digest, new, runtime.entropy)
        now = int(runtime.clock())

        def change(state: State) -> Outcome:
            found = state.get(LoginProfile, account, "") or LoginProfile(
                account=account, user="", created=now, changed=now
            )
            if found.digest != ("" if known is None else known.digest):
                raise Fault("EntityTemporarilyUnmodifiable", "The password has been changed meanwhile.", 409)
            return Outcome({}, (put(replace(found, digest=digest, changed=now, reset_required=False)),))

        attempt = Attempt(account, Principal.root(account), Browser("127.0.0.1", "", ""))
        await runtime.ledger.transact(change, lambda _: (records.row(runtime, "PasswordUpdated", attempt),))

    async def _current(self) -> State:
        """What a person is let in on, or refused: of a node that follows others, what the journal has now."""
        await self._runtime.ledger.fresh()
        return await self._runtime.ledger.current()

    def _session(self, keys: Keys) -> Session:
        """The session of credentials. Raises SignInRefused where they are no good, or not any more."""
        try:
            session, secret = open_session(self._runtime.keyring, keys.access_key_id, keys.session_token)
        except InvalidToken as invalid:
            raise SignInRefused("The credentials are not valid.") from invalid
        if not hmac.compare_digest(secret.encode(), keys.secret_access_key.encode()):
            raise SignInRefused("The credentials are not valid.")
        if session.expires_at <= self._runtime.clock():
            raise SignInRefused("The credentials have expired.")
        return session

    def _keep(self, tickets: OrderedDict[str, _Ticket], ticket: _Ticket) -> str:
        name = self._runtime.entropy(32).hex()
        tickets[name] = ticket
        if len(tickets) > _TICKETS:
            tickets.popitem(last=False)
        return name

    def _admit(self, counted: Principal) -> None:
        try:
            self._throttle.admit(counted, self._runtime.clock.wall())
        except Fault as fault:
            raise SignInRefused(_TOO_MANY) from fault

    async def _failed(self, counted: Principal, attempt: Attempt, error: str, text: str = "") -> SignInRefused:
        """Count and record a failure; what is told of it."""
        runtime = self._runtime
        self._throttle.failed(counted, runtime.clock.wall())
        row = records.row(runtime, "ConsoleLogin", attempt, error)
        await runtime.ledger.transact(lambda _: Outcome({}), lambda _: (row,))
        return SignInRefused(text or passwords.WRONG)


def _counted(who: passwords.Entrant | None, shown: Password) -> Principal:
    """Whose tries are counted: also of names that nobody has."""
    if who is not None and who.principal is not None:
        return who.principal
    name, account = shown.user.lower()[:128], shown.account[:128] if who is None else who.account
    return Principal(PrincipalKind.USER, "", account, name, name, name)


def _same(before: passwords.Entrant, now: passwords.Entrant) -> bool:
    """Whether the password that was compared is still the one, and the user the same."""
    assert before.profile is not None
    assert now.profile is not None
    assert before.principal is not None
    assert now.principal is not None
    return before.profile.digest == now.profile.digest and before.principal.unique_id == now.principal.unique_id
