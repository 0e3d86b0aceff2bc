"""The ports of the console: to whoever lets people in (`agents.sign_in`), and to what labs need of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from locum.core.sign_in import Browser, Password, SignedIn
from locum.labs import Inside

LabDesk = Callable[[str], AbstractContextManager[Inside]]
"""The way into the instances of an account, for one who works on labs at a time."""


class SignIn(Protocol):
    """Whoever lets people in."""

    async def with_password(self, shown: Password, browser: Browser) -> SignedIn:
        """Sign in as a user or as root. Raises SignInRefused, CodeWanted."""

    async def after_change(self, signed: SignedIn) -> SignedIn:
        """The session of somebody who had to change the password, and has. Raises SignInRefused."""

    async def with_ticket(self, ticket: str, browser: Browser, *, federated: bool = False) -> SignedIn:
        """Sign in with a ticket, which is good once and for a short time. Raises SignInRefused.

        `federated`: it is one of `ticket_for`, which are good for nothing else.
        """

    def ticket_for(self, keys: Mapping[str, str]) -> str:
        """A ticket for temporary credentials (sessionId, sessionKey, sessionToken). Raises SignInRefused."""

    async def change_root_password(self, signed: SignedIn, old: str, new: str) -> None:
        """Give the root user, who is signed in, another password. Raises SignInRefused, and Fault of IAM."""
