"""What Locum's own services do with calls of a deployment: they are asked as the plane would, on a state that is none.

IAM answers itself. Auto Scaling asks whether its caller may launch instances, and EC2 takes from a launch template what
a call does not have itself: a call is decided on with all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from locum.core.calls import Ask
from locum.core.clock import system_entropy
from locum.core.errors import Fault
from locum.core.principal import Caller
from locum.credentials import KeyRing
from locum.services import iam
from locum.services.asking import Answers as Replies
from locum.services.asking import Unanswered
from locum.services.cloudformation.providers.base import Request
from locum.services.late import LateOperations
from locum.services.verbs import Context, Operation
from locum.state import State, change

_ASKING: Final = {"autoscaling": LateOperations("autoscaling")}
_EFFECTIVE: Final = {"ec2": LateOperations("ec2")}

Told = Callable[[Request], Mapping[str, Any]]
"""The answer of a backend."""


class Own:
    """Locum's own services, as `caller` in a region at a time (epoch seconds)."""

    def __init__(self, caller: Caller, region: str, now: float) -> None:
        self._caller = caller
        self._region = region
        self._now = now
        self._keyring = KeyRing.generate(system_entropy)

    def answer(self, state: State, request: Request) -> tuple[Mapping[str, Any], State] | None:
        """What IAM answers, and the state after it; None where only the plane itself could tell. Raises Fault."""
        operation = _operation({"iam": iam.OPERATIONS}, request)
        if operation is None or operation.blocks or operation.asks or operation.rehearsed:
            return None
        outcome = operation.verb(self._context(state), request.params)
        return outcome.answer, change(state, outcome.events)

    def asks(self, state: State, request: Request, told: Told) -> list[Ask]:
        """The calls that are to be decided on for `request`, made for its caller."""
        operation = _operation(_ASKING, request)
        found: list[Ask] = []
        if operation is None or not operation.asks:
            return found
        replies = Replies()
        context = self._context(state)._replace(answers=replies)
        for _ in range(20):
            try:
                operation.verb(context, request.params)
            except Unanswered as unanswered:
                ask = unanswered.ask
                if ask.decided_only:
                    found.append(ask)
                replies.add(unanswered, {} if ask.decided_only else told(_request(ask)))
            except Fault:  # of what is not known: all that is asked of others was asked before
                break
            else:
                break
        return found

    def effective(self, state: State, request: Request, told: Told) -> Request:
        """`request` with the parameters that it is decided on."""
        operation = _operation(_EFFECTIVE, request)
        if operation is None or operation.effective is None:
            return request
        steps = operation.effective(self._context(state), request.params)
        try:
            ask = next(steps)
            while True:
                ask = steps.send(told(_request(ask)))
        except StopIteration as done:
            return request._replace(params=dict(done.value))
        except Fault:
            return request

    def _context(self, state: State) -> Context:
        return Context(state, self._now, system_entropy, self._keyring, self._caller, self._region)


def _operation(services: Mapping[str, Mapping[str, Operation]], request: Request) -> Operation | None:
    operation = services.get(request.service, {}).get(request.operation)
    return None if operation is None else operation.of(request.params)


def _request(ask: Ask) -> Request:
    made = ask.call
    return Request(made.service, made.operation, made.params, made.region)
