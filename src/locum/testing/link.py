"""The questions of a test suite to its plane, over the plane's control socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from locum.compute.handover import asked

Record = dict[str, Any]


class Keys(NamedTuple):
    """Credentials: an access key, and the session token where they are temporary."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


class Link:
    """A connection to the plane on a data directory, which `directory` waits for."""

    def __init__(self, directory: Callable[[], Path]) -> None:
        self._directory = directory

    @property
    def data(self) -> Path:
        """The data directory of the plane, which runs."""
        return self._directory()

    def make_account(self) -> tuple[str, Keys]:
        """The id of a new account, and the key of its root user."""
        made = self._ask({"accounts": {"type": "make"}})
        return made["account"], Keys(made["accessKeyId"], made["secretAccessKey"])

    def end_account(self, account: str) -> None:
        """End an account, with all that it has."""
        self._ask({"accounts": {"type": "end", "account": account}})

    def session(self, role: str) -> Keys:
        """Credentials of a role (an ARN) that a service may assume. Raises LocumError where none may."""
        made = self._ask({"accounts": {"type": "session", "role": role}})["credentials"]
        return Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def position(self) -> int:
        """The position of the newest record."""
        return int(self._ask({"records": "", "count": 1, "selection": {"verdict": "denied"}})["position"])

    def records(self, account: str, after: int) -> Iterator[Record]:
        """The records in the event history of `account` behind a position, oldest first."""
        while True:
            found = self._ask({"records": "", "selection": {"account": account}, "after": after})
            yield from found["records"]
            if found["position"] == after:
                return
            after = found["position"]

    def taken(self, principal: str) -> dict[str, Any]:
        """The permissions that the calls of a role or user took: `calls.activity.Taken`."""
        return self._ask({"policies": {"type": "taken", "principal": principal}})

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        return asked(self.data, question)
