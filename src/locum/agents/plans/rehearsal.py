"""The calls of a provider, found by sending it answers: its functions are generators that call nothing themselves.

What IAM would answer is what its verb answers, on a state of its own that nobody else sees: a role is there for what
comes after it. Other answers are made up (`answers`). Where these lead to no end, others are tried: what is looked at
before anything is made may not be there yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from locum import authz, wire
from locum.agents.plans.answers import Answers, Guessed
from locum.agents.plans.arn_forms import Place
from locum.agents.plans.marks import MARK, is_marked
from locum.agents.plans.own import Own
from locum.core.calls import Call
from locum.core.errors import Fault, LocumError
from locum.core.principal import Caller
from locum.core.reading import reads_only
from locum.core.resources import ResourceFacts
from locum.services.cloudformation.providers.base import Began, Nested, Notes, Pause, Reply, Request, ResponseUrl, Step
from locum.state import State
from locum.wire.fitting import fitted

_MOST: Final = 400
"""Steps of a provider, after which it is given up."""

_LACKING: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a provider raises that does not find in a made-up answer what it reads there."""

_ABSENT: Final = Fault("NotFound", "It is not there yet.", 404)
_ENDS: Final = {"create": "CREATE_COMPLETE", "update": "UPDATE_COMPLETE", "delete": ""}
_DEFAULT_KEY_POLICY: Final = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%s:root"}, '
    '"Action": "kms:*", "Resource": "*"}}'
)
"""AWS KMS Developer Guide, "Default key policy"."""

T = TypeVar("T")
Steps = Generator[Step, Mapping[str, Any], Any]


def default_key(account: str, policy: str | None = None) -> ResourceFacts:
    """The facts of a key of `account` with this policy, or with AWS's default one."""
    return ResourceFacts(account, policy or _DEFAULT_KEY_POLICY % account)


class PlannedCall(NamedTuple):
    """A call that would be made, with its parameters as the service takes them, on what IAM is by then.

    `actor` makes it, who deploys where it is None: a service in its name, say.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    region: str
    state: State
    actor: Caller | None = None


def _must_stay_changeable(params: Mapping[str, Any]) -> bool:
    """Whether KMS asks of who makes a key that it may change the key's policy again.

    KMS API Reference, CreateKey: "The key policy must allow the calling principal to make a subsequent PutKeyPolicy
    request on the KMS key."
    """
    return "Policy" in params and not params.get("BypassPolicyLockoutSafetyCheck")


class Rehearsed(NamedTuple):
    """The calls of a piece of work, and its result; `problem` says why they may not be all, and is empty otherwise."""

    calls: tuple[PlannedCall, ...]
    result: Any
    problem: str
    state: State


class Stage:
    """Where work is rehearsed: an account and region, at a time (epoch seconds), as `caller`.

    `state` is what is there before, `facts` are of the resources that were made meanwhile.
    """

    def __init__(self, place: Place, caller: Caller, now: float, state: State) -> None:
        self.place = place
        self.now = now
        self.state = state
        self.facts: dict[str, ResourceFacts] = {}
        self.own = Own(caller, place.region, now)
        self.caller = caller
        self._answers = Answers(place)
        self._templates: dict[str, Any] = {}

    def by(self, caller: Caller, region: str = "") -> Stage:
        """The same place, where what is made is known as well, for another caller, or another region of it."""
        other = Stage(self.place._replace(region=region or self.place.region), caller, self.now, self.state)
        other.facts, other._answers, other._templates = self.facts, self._answers, self._templates
        return other

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

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Call:
        """The call as policies see it."""
        region = region or self.place.region
        return Call(service, operation, params, self.caller, region, self.now, source_ip="", secure=True)

    def asked(self, state: State, request: Request) -> list[PlannedCall]:
        """The call of a request, and those that its service has decided on with it."""

        def told(asked: Request) -> Mapping[str, Any]:
            return self.told(state, asked, 0)

        effective = self.own.effective(state, request, told)
        made = [self._asked(effective, state, self.caller)]
        for ask in self.own.asks(state, request, told):
            if isinstance(ask.call.actor, Caller):
                further = self.own.effective(state, Request(*ask.call[1:]), told)
                made.append(self._asked(further, state, ask.call.actor))
        if (request.service, request.operation) == ("kms", "CreateKey") and _must_stay_changeable(request.params):
            key = {"KeyId": told(request)["KeyMetadata"]["KeyId"], "Policy": request.params["Policy"]}
            made.append(self._asked(Request("kms", "PutKeyPolicy", key, request.region), state, self.caller))
        return made

    def told(self, state: State, request: Request, attempt: int, *, ending: bool = False) -> dict[str, Any]:
        """A made-up answer. What decides on later calls is remembered: a key's policy, and what is in a template."""
        answer = self._answers.to(request, self._arns(state, request), attempt, ending=ending)
        account, region = self.place.account, request.region or self.place.region
        match request.service, request.operation:
            case "kms", "CreateKey":
                arn = f"arn:aws:kms:{region}:{account}:key/{answer['KeyMetadata']['KeyId']}"
                self.facts[arn] = default_key(account, request.params.get("Policy"))
                answer["KeyMetadata"]["Arn"] = arn
            case "ec2", "CreateLaunchTemplate" | "CreateLaunchTemplateVersion":
                self._templates[_template(answer)] = request.params.get("LaunchTemplateData", {})
            case "ec2", "DescribeLaunchTemplateVersions":
                for version in answer["LaunchTemplateVersions"]:
                    data = self._templates.get(version["LaunchTemplateId"])
                    version["LaunchTemplateData"] = data if data is not None else {}
        return answer

    def _asked(self, request: Request, state: State, actor: Caller) -> PlannedCall:
        region = request.region or self.place.region
        return PlannedCall(request.service, request.operation, request.params, region, state, actor)

    def _arns(self, state: State, request: Request) -> list[str]:
        """The resources that a request is decided on; none where that cannot be told."""
        try:
            call = self.call(*request)
            return [check.resource for check in authz.plan(state, call).checks]
        except LocumError:
            return []


def _template(answer: Mapping[str, Any]) -> str:
    return str((answer.get("LaunchTemplate") or answer.get("LaunchTemplateVersion") or {}).get("LaunchTemplateId"))


class _Attempt:
    """One attempt at a piece of work. `absent`: what is looked at before anything is changed is not there."""

    def __init__(self, stage: Stage, state: State, phase: str, *, absent: bool, later: bool) -> None:
        self._stage = stage
        self._state = state
        self._phase = phase
        self._absent = absent
        self._later = later
        self._calls: list[PlannedCall] = []
        self._times = Counter[str]()
        self._pauses = 0

    def run(self, work: Callable[[], Steps]) -> Rehearsed:
        """Rehearse it."""
        result, problem = None, ""
        try:
            result = to_the_end(work(), self._answer)
        except Fault as fault:
            problem = f"{fault.code}: {fault.message}"
        except _LACKING as error:
            problem = f"{type(error).__name__}: {error}"
        return Rehearsed(tuple(self._calls), result, problem, self._state)

    def _answer(self, step: Step) -> Mapping[str, Any]:
        match step:
            case Request():
                return self._called(step)
            case Pause():
                self._pauses += 1
            case ResponseUrl():
                return {"URL": f"https://{MARK}", "RequestId": MARK, "Sent": False}
            case Reply(number=number):
                return {"Received": {MARK if not n else f"{MARK}{n}": _signal(n) for n in range(max(number, 1))}}
            case Nested():
                return {"Status": _ENDS[self._phase], "Reason": ""}
            case Notes():
                return {"Notes": step.values or {}}
            case Began():
                pass
        return {}

    def _called(self, request: Request) -> Mapping[str, Any]:
        codec = wire.codec_of(request.service, request.operation)
        if codec is None:
            raise ValueError(f"{request.service} has no operation {request.operation}")
        request = request._replace(params=fitted(codec.model, request.params))
        key, looks = repr(request), reads_only(request.operation)
        times = self._times[key]
        self._times[key] += 1
        early = looks and all(reads_only(one.operation) for one in self._calls)
        self._calls += self._stage.asked(self._state, request)
        if not looks:
            self._pauses = 0
        own = self._own(request)
        if own is not None:
            answer, self._state = own
            return answer
        ending, listing = self._phase == "delete", request.operation.startswith("List")
        if looks and not listing and ((self._absent and early) or (ending and self._pauses)):
            raise _ABSENT
        attempt = times if ending and listing else self._pauses
        return self._stage.told(self._state, request, attempt, ending=ending)

    def _own(self, request: Request) -> tuple[Mapping[str, Any], State] | None:
        """What IAM answers, if that can be told: a refusal of what is not known yet, or was not so before, does not."""
        if self._later and reads_only(request.operation):
            return None
        try:
            return self._stage.own.answer(self._state, request)
        except Fault:
            if self._later or self._phase == "update" or is_marked(request.params):
                return None
            raise


def to_the_end(steps: Generator[T, Mapping[str, Any], Any], answer: Callable[[T], Mapping[str, Any]]) -> Any:
    """The result of `steps`, each of which gets its `answer`. Raises Fault."""
    try:
        step = next(steps)
        for _ in range(_MOST):
            try:
                found = answer(step)
            except Fault as fault:
                step = steps.throw(fault)
            else:
                step = steps.send(found)
    except StopIteration as done:
        return done.value
    raise Fault("NotStabilized", f"it goes on after {_MOST} steps")


def _signal(number: int) -> Mapping[str, Any]:
    return {
        "Status": "SUCCESS",
        "Reason": "",
        "UniqueId": f"{MARK}{number}",
        "PhysicalResourceId": MARK,
        "Data": Guessed({}, MARK),
    }
