"""The calls of a provider, found by sending it answers: its functions are generators that call nothing themselves.

What IAM would answer is what its verb answers, on a state of its own that nobody else sees: a role is there for what
comes after it. Other answers are made up (`answers`). Where these lead to no end, others are tried: what is looked at
before anything is made may not be there yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, NamedTuple

from locum import authz, wire
from locum.agents.plans.answers import Answers, Guessed, Place
from locum.agents.plans.marks import MARK, is_marked
from locum.calls.operation_traits import reads_only
from locum.core.calls import Call
from locum.core.clock import system_entropy
from locum.core.errors import Fault, LocumError
from locum.core.principal import Caller
from locum.core.resources import ResourceFacts
from locum.credentials import KeyRing
from locum.services import iam
from locum.services.cloudformation.providers.base import Began, Door, Nested, Pause, Reply, Request, Step
from locum.services.verbs import Context
from locum.state import State, change
from locum.wire.fitting import fitted

_MOST: Final = 400
"""Steps of a provider, after which it is given up."""

_ABSENT: Final = Fault("NotFound", "It is not there yet.", 404)
_ENDS: Final = {"create": "CREATE_COMPLETE", "update": "UPDATE_COMPLETE", "delete": ""}

_DEFAULT_KEY_POLICY: Final = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%s:root"}, '
    '"Action": "kms:*", "Resource": "*"}}'
)
"""AWS KMS Developer Guide, "Default key policy"."""

Steps = Generator[Step, Mapping[str, Any], Any]


class Asked(NamedTuple):
    """A call that would be made, with its parameters as the service takes them, on what IAM is by then."""

    service: str
    operation: str
    params: Mapping[str, Any]
    region: str
    state: State


class Rehearsed(NamedTuple):
    """The calls of a piece of work, and its result; `problem` says why they may not be all, and is empty otherwise."""

    calls: tuple[Asked, ...]
    result: Any
    problem: str
    state: State


class Stage:
    """Where work is rehearsed: an account and region, at a time (epoch seconds), as `caller`."""

    def __init__(self, place: Place, caller: Caller, now: float, state: State) -> None:
        """`state` is what is there before."""
        self.place = place
        self.now = now
        self.state = state
        self._caller = caller
        self._keyring = KeyRing.generate(system_entropy)
        self.facts: dict[str, ResourceFacts] = {}

    def rehearse(self, state: State, phase: str, work: Callable[[], Steps], *, later: bool = False) -> Rehearsed:
        """The calls of `work` in a phase (`parts.PHASES`): those of the first attempt that comes to its end.

        `later`: by then IAM may list more than there is in `state`.
        """
        tried = []
        for absent in (False, True):
            rehearsed = _Attempt(self, state, phase, absent=absent, later=later).run(work)
            if not rehearsed.problem:
                return rehearsed
            tried.append(rehearsed)
        return max(tried, key=lambda one: len(one.calls))

    def arns(self, state: State, request: Request) -> list[str]:
        """The resources that a request is decided on; none where that cannot be told."""
        try:
            call = self.call(state, request.service, request.operation, request.params, request.region)
            return [check.resource for check in authz.plan(state, call).checks]
        except LocumError:
            return []

    def call(self, state: State, service: str, operation: str, params: Mapping[str, Any], region: str) -> Call:
        """The call as policies see it."""
        region = region or self.place.region
        return Call(service, operation, params, self._caller, region, self.now, source_ip="", secure=True)

    def told(self, request: Request, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request; of a key of KMS, whose own policy decides who may use it, that policy is kept."""
        if (request.service, request.operation) != ("kms", "CreateKey"):
            return answer
        account, region = self.place.account, request.region or self.place.region
        key = f"{MARK}{len(self.facts)}"
        arn = f"arn:aws:kms:{region}:{account}:key/{key}"
        self.facts[arn] = ResourceFacts(account, request.params.get("Policy") or _DEFAULT_KEY_POLICY % account)
        return {**answer, "KeyMetadata": {**answer["KeyMetadata"], "KeyId": key, "Arn": arn}}

    def own(self, state: State, request: Request) -> tuple[Mapping[str, Any], State] | None:
        """What IAM answers, and the state after it; None where only the plane itself could tell. Raises Fault."""
        operation = iam.OPERATIONS.get(request.operation) if request.service == "iam" else None
        operation = None if operation is None else operation.of(request.params)
        if operation is None or operation.blocks or operation.asks or operation.rehearsed:
            return None
        context = Context(state, self.now, system_entropy, self._keyring, self._caller, self.place.region)
        outcome = operation.verb(context, request.params)
        return outcome.answer, change(state, outcome.events)


class _Attempt:
    """One attempt at a piece of work. `absent`: what is looked at before anything is changed is not there."""

    def __init__(self, stage: Stage, state: State, phase: str, *, absent: bool, later: bool) -> None:
        self._stage = stage
        self._state = state
        self._phase = phase
        self._absent = absent
        self._later = later
        self._calls: list[Asked] = []
        self._asked = Counter[str]()
        self._first: dict[str, int] = {}
        self._pauses = 0
        self._answers = Answers(stage.place, lambda request: stage.arns(self._state, request))

    def run(self, work: Callable[[], Steps]) -> Rehearsed:
        result, problem = None, ""
        try:
            result = self._to_the_end(work())
        except Fault as fault:
            problem = f"{fault.code}: {fault.message}"
        except Exception as error:  # a fault barrier: a made-up answer may lack what a provider reads in it
            problem = f"{type(error).__name__}: {error}"
        return Rehearsed(tuple(self._calls), result, problem, self._state)

    def _to_the_end(self, steps: Steps) -> Any:
        try:
            step = next(steps)
            for _ in range(_MOST):
                try:
                    found = self._answer(step)
                except Fault as fault:
                    step = steps.throw(fault)
                else:
                    step = steps.send(found)
        except StopIteration as done:
            return done.value
        raise Fault("NotStabilized", f"it goes on after {_MOST} steps")

    def _answer(self, step: Step) -> Mapping[str, Any]:
        match step:
            case Request():
                return self._called(step)
            case Pause():
                self._pauses += 1
            case Door():
                return {"URL": f"https://{MARK}", "RequestId": MARK, "Sent": False}
            case Reply(number=number):
                return {"Received": {MARK if not n else f"{MARK}{n}": _signal(n) for n in range(max(number, 1))}}
            case Nested():
                return {"Status": _ENDS[self._phase], "Reason": ""}
            case Began():
                pass
        return {}

    def _called(self, request: Request) -> Mapping[str, Any]:
        codec = wire.codec_of(request.service, request.operation)
        if codec is None:
            raise ValueError(f"{request.service} has no operation {request.operation}")
        request = request._replace(params=fitted(codec.model, request.params))
        key = repr(request)
        times = self._asked[key]
        self._asked[key] += 1
        self._first.setdefault(key, self._pauses)
        looks = reads_only(request.operation)
        early = looks and not any(not reads_only(one.operation) for one in self._calls)
        region = request.region or self._stage.place.region
        self._calls.append(Asked(request.service, request.operation, request.params, region, self._state))
        own = self._own(request)
        if own is not None:
            answer, self._state = own
            return answer
        ending, waited = self._phase == "delete", self._pauses - self._first[key]
        listing = request.operation.startswith("List")
        if looks and not listing and ((self._absent and early) or (ending and waited)):
            raise _ABSENT
        attempt = times if ending and listing else waited
        return self._stage.told(request, self._answers.to(request, attempt, ending=ending))

    def _own(self, request: Request) -> tuple[Mapping[str, Any], State] | None:
        """What IAM answers, if that can be told: a refusal of what is not known yet, or was not so before, does not."""
        if self._later and reads_only(request.operation):
            return None
        try:
            return self._stage.own(self._state, request)
        except Fault:
            if self._later or self._phase == "update" or is_marked(request.params):
                return None
            raise


def _signal(number: int) -> Mapping[str, Any]:
    return {
        "Status": "SUCCESS",
        "Reason": "",
        "UniqueId": f"{MARK}{number}",
        "PhysicalResourceId": MARK,
        "Data": Guessed({}, MARK),
    }
