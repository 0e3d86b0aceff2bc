"""A mixed load: roles that come and go, policies that are put on one node and decided on another, fresh sessions.

Everything that was answered is remembered, with when and by whom.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Event, Lock, Thread
from typing import Final
from urllib.parse import unquote

from cluster.calls import IAM, STS, Answer, Client
from cluster.linearizable import Call
from support.plane import ACCOUNT, Key, allow, document, trusting

POLICY: Final = "may"
REGISTERS: Final = 1
AFTER: Final = "x-locum-after"
SEQUENCE: Final = "x-locum-sequence"
PACE: Final = 0.05
"""Seconds between two calls of one thread: the machine has other things to do."""

_TRUST: Final = trusting(AWS=f"arn:aws:iam::{ACCOUNT}:root")


def version(number: int) -> str:
    """A policy that tells its number: even ones allow `iam:GetRole`, odd ones deny it."""
    statement = {**allow("iam:GetRole"), "Effect": "Deny" if number % 2 else "Allow", "Sid": f"v{number}"}
    return document(statement)


def number_of(answer: Answer) -> int:
    """The number in the policy that GetRolePolicy answered."""
    statement = json.loads(unquote(answer.member("PolicyDocument")))["Statement"][0]
    return int(statement["Sid"].removeprefix("v"))


class Load:
    """Clients of `endpoints`, by the names of the nodes, and of `front`, who act with the keys of an administrator.

    The names of its roles begin with `name`.
    """

    def __init__(self, name: str, endpoints: Mapping[str, str], front: str, admin: Key) -> None:
        self.name, self.front, self._endpoints, self._admin = name, front, dict(endpoints), admin
        self._client, self._lock, self._stop = Client(), Lock(), Event()
        self.answers: list[Answer] = []
        self.wrong: list[Answer] = []
        """Answers that nobody may get."""
        self.registers: dict[str, list[Call]] = defaultdict(list)
        self.strict = f"{name}-strict"
        """The register whose clients ask every node for what any of them has seen: nothing of it may be stale."""
        self._seen = 0
        self._broken: list[BaseException] = []

    # -- threads -----------------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator[None]:
        """The load, for as long as the block runs. Raises what one of its threads ended with."""
        self._prepare()
        works = [partial(self._roles, "a"), partial(self._roles, "b"), self._sessions]
        works += [partial(self._writes, name) for name in self.registers]
        works += [partial(self._reads, name, node) for name in self.registers for node in self._endpoints]
        threads = [Thread(target=self._guarded, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        if self._broken:
            raise self._broken[0]

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._broken.append(error)

    def _turns(self) -> Iterator[int]:
        """Numbers, at the pace of the load, until it ends."""
        for number in itertools.count():
            if self._stop.wait(PACE):
                return
            yield number

    # -- what it was answered -----------------------------------------------------------------------------

    def written(self, since: float = 0.0) -> int:
        """The writes through `front` that were acknowledged, of those that began after `since`."""
        return sum(one.good and one.endpoint == self.front and one.start > since for one in list(self.answers))

    def refused(self) -> int:
        """The calls through `front` that were answered by nobody, or by a server that could not."""
        return sum(one.lost and one.endpoint == self.front for one in list(self.answers))

    def longest_pause(self) -> float:
        """The longest time without an acknowledged write through `front`, in seconds."""
        ends = sorted(one.end for one in self.answers if one.good and one.endpoint == self.front)
        return max((later - earlier for earlier, later in itertools.pairwise(ends)), default=0.0)

    # -- calls -------------------------------------------------------------------------------------------

    def call(self, endpoint: str, key: Key, service: str, action: str, subject: str, **parameters: str) -> Answer:
        """Make a call, and remember what became of it."""
        headers = {AFTER: str(self._seen)} if subject == self.strict else {}
        answer = self._client.call(endpoint, key, service, action, subject, parameters, headers)
        with self._lock:
            self.answers.append(answer)
            if subject == self.strict:
                self._seen = max(self._seen, int(answer.headers.get(SEQUENCE, 0)))
        return answer

    def admin(self, endpoint: str, action: str, role: str, **parameters: str) -> Answer:
        """A call of IAM by the administrator about a role."""
        return self.call(endpoint, self._admin, IAM, action, role, RoleName=role, **parameters)

    def create(self, endpoint: str, role: str) -> Answer:
        """CreateRole."""
        return self.admin(endpoint, "CreateRole", role, AssumeRolePolicyDocument=_TRUST)

    def put(self, endpoint: str, role: str, number: int) -> Answer:
        """PutRolePolicy, with the version of that number."""
        return self.admin(endpoint, "PutRolePolicy", role, PolicyName=POLICY, PolicyDocument=version(number))

    def session(self, endpoint: str, role: str) -> tuple[Answer, Key | None]:
        """AssumeRole, and the credentials where it was answered."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        answer = self.call(endpoint, self._admin, STS, "AssumeRole", role, RoleArn=arn, RoleSessionName="load")
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return answer, Key(*map(answer.member, names)) if answer.good else None

    def _unlike(self, answer: Answer, *codes: str) -> None:
        """Remember an answer as wrong, where it is a refusal with none of the `codes`."""
        if not answer.good and not answer.lost and answer.code not in codes:
            with self._lock:
                self.wrong.append(answer)

    # -- what the threads do -----------------------------------------------------------------------------

    def _prepare(self) -> None:
        self.standing = f"{self.name}-standing"
        assert self.create(self.front, self.standing).good
        for name in (self.strict, *(f"{self.name}-register-{number}" for number in range(REGISTERS))):
            assert self.create(self.front, name).good
            self._note(name, self.put(self.front, name, 0), 0)

    def _roles(self, family: str) -> None:
        """Roles that come, get a policy, and in part go again. One whose fate is not known is left alone."""
        for number in self._turns():
            role = f"{self.name}-{family}-{number}"
            steps = [partial(self.create, self.front, role), partial(self.put, self.front, role, number)]
            if number % 3 == 0:
                steps.append(partial(self.admin, self.front, "DeleteRolePolicy", role, PolicyName=POLICY))
                steps.append(partial(self.admin, self.front, "DeleteRole", role))
            for step in steps:
                answer = step()
                self._unlike(answer)
                if not answer.good or self._stop.wait(PACE):
                    break

    def _sessions(self) -> None:
        """A session that one node issued works on every other at once."""
        names = list(self._endpoints)
        for number in self._turns():
            issuer, other = names[number % len(names)], names[(number + 1) % len(names)]
            answer, key = self.session(self._endpoints[issuer], self.standing)
            self._unlike(answer)
            if key is not None:
                self._unlike(self.call(self._endpoints[other], key, STS, "GetCallerIdentity", self.standing))

    def _writes(self, name: str) -> None:
        chance = random.Random(name)
        for number in self._turns():
            endpoint = chance.choice([*self._endpoints.values(), self.front])
            answer = self.put(endpoint, name, number + 1)
            self._unlike(answer)
            self._note(name, answer, number + 1)

    def _note(self, name: str, answer: Answer, number: int) -> None:
        end = answer.end if answer.good else math.inf
        if answer.good or answer.lost:
            self.registers[name].append(Call(answer.start, end, number, write=True, by=answer.endpoint))

    def _reads(self, name: str, node: str) -> None:
        """What `node` says of the register, and what it decides by it: in turn."""
        endpoint, key = self._endpoints[node], None
        for number in self._turns():
            if key is None:
                _, key = self.session(endpoint, name)
            elif number % 2:
                answer = self.admin(endpoint, "GetRolePolicy", name, PolicyName=POLICY)
                self._unlike(answer)
                if answer.good:
                    self._saw(name, answer, node, number_of(answer))
            else:
                answer = self.call(endpoint, key, IAM, "GetRole", name, RoleName=name)
                self._unlike(answer, "AccessDenied")
                if not answer.lost:
                    self._saw(name, answer, node, 0 if answer.good else 1, parity=True)

    def _saw(self, name: str, answer: Answer, node: str, value: int, *, parity: bool = False) -> None:
        self.registers[name].append(Call(answer.start, answer.end, value, parity=parity, by=node))
