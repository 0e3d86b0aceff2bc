"""Clients of `support.many_clients`, a thread each, that make so many calls or go on for so many seconds.

The first line of input is {endpoint, seconds, calls, names, clients}. A line is said after every STEP calls, and at the
end one with how many calls came out how, and what was wrong.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from threading import Lock, Thread
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from support.many_clients import KINDS, Answer, Attempt, Client, Names, Switch, Wrong
from support.plane import Key, boto3_client

STEP: Final = 500
_MOST: Final = 10
"""Wrong answers after which a client makes no more calls."""


class Account:
    """What came of the calls of all clients."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []

    def add(self, outcome: str) -> None:
        with self._lock:
            self.outcomes[outcome] += 1
            made = self.outcomes.total()
        if made % STEP == 0:
            say({"calls": made})


class Calling(Thread):
    """A client and the calls that it makes: at least so many, and until the end of the time."""

    def __init__(self, client: Client, endpoint: str, account: Account, calls: int, seconds: float) -> None:
        super().__init__(name=client.name)
        self._client, self._endpoint, self._account = client, endpoint, account
        self._calls, self._seconds = calls, seconds
        self._own = {service: boto3_client(service, endpoint, client.key) for service in KINDS[client.kind].services}

    def run(self) -> None:
        """Make the calls."""
        until, made, wrong = time.monotonic() + self._seconds, 0, 0
        acts = self._client.acts()
        attempt = next(acts)
        while (made < self._calls or time.monotonic() < until) and wrong < _MOST:
            made += 1
            try:
                attempt = acts.send(self._answer(attempt))
            except (Wrong, BotoCoreError, ClientError, LookupError) as error:
                wrong += 1
                self._account.wrong.append(f"{self._client.name}: {attempt.call}: {error!r}")
                acts = self._client.acts()
                attempt = next(acts)

    def _answer(self, attempt: Attempt) -> Answer:
        """The answer to a call, empty where it is denied. Raises Wrong where its verdict is another."""
        before = self._client.switch.seen()
        denied, answer = False, {}
        try:
            answer = self._made(attempt)
        except ClientError as error:
            if not error.response["Error"]["Code"].startswith("AccessDenied"):
                raise
            denied = True
        after = self._client.switch.seen()
        allowed = attempt.allowed
        if allowed is None and before is not None and before == after:
            allowed = before[1]
        verdict = "denied" if denied else "allowed"
        if allowed is None:
            verdict = "in change"
        elif allowed is denied:
            raise Wrong(f"it was {verdict}")
        self._account.add(f"{attempt.call} {verdict}")
        return answer

    def _made(self, attempt: Attempt) -> Answer:
        service, operation = attempt.call.split(":")
        key = attempt.key
        client = self._own[service] if key is None else boto3_client(service, self._endpoint, key)
        answer: Answer = getattr(client, operation)(**attempt.params)
        return answer


def say(told: Any) -> None:
    """Say a line."""
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


def main() -> None:
    """Make the calls that are asked for."""
    asked = json.loads(sys.stdin.readline())
    names, switch, account = Names(**asked["names"]), Switch(), Account()
    clients = [
        Client(one["kind"], one["name"], Key(*one["key"]), names, one["queue"], switch) for one in asked["clients"]
    ]
    threads = [Calling(client, asked["endpoint"], account, asked["calls"], asked["seconds"]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say({"outcomes": account.outcomes, "wrong": account.wrong})


if __name__ == "__main__":
    main()
