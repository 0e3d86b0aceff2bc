"""Verbs that ask: what a verb must know of another service before it can answer.

Such a verb is a generator. It yields an `Ask`, a reading call, before it has any event, and is sent the answer:

    def run_instances(ctx: Context, params: Params) -> Asking:
        found = yield ask_as(service_principal("ec2.amazonaws.com", ctx.account), "ec2", "DescribeSubnets", ...)
        return Outcome(...)

`calls` makes the call as the actor that the ask names, decided and recorded like every other, and runs the verb again
with the answer in `Context.answers`. So a verb stays a pure function that may be run any number of times.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from locum.core.calls import Ask
from locum.core.errors import Fault, LocumError
from locum.services.verbs import Context, Outcome, Params, Verb

Reply = Mapping[str, Any] | Fault
"""What became of an ask: the answer by the members of the output shape, or the fault of a refused call."""

Asking = Generator[Ask, Mapping[str, Any], Outcome]

AskingVerb = Callable[[Context, Params], Asking]


class Unanswered(LocumError):
    """A verb asked something that is not answered yet. `position` is the place of the ask among the verb's asks."""

    def __init__(self, position: int, ask: Ask) -> None:
        super().__init__(f"{ask.call.service}:{ask.call.operation} has not been asked yet")
        self.position = position
        self.ask = ask


class Answers:
    """The replies to the asks of one call, in the order in which its verb asked."""

    def __init__(self) -> None:
        self._known: list[tuple[Ask, Reply]] = []

    def to(self, position: int, ask: Ask) -> Reply:
        """The reply to the ask at `position`. Raises Unanswered where there is none, or it was to another ask."""
        if position < len(self._known) and self._known[position][0] == ask:
            return self._known[position][1]
        raise Unanswered(position, ask)

    def add(self, unanswered: Unanswered, reply: Reply) -> None:
        """Keep the reply to an ask. Those to later asks are dropped: the verb may not come to them any more."""
        self._known[unanswered.position :] = [(unanswered.ask, reply)]


def asking(verb: AskingVerb) -> Verb:
    """`verb` as one that is run to its end, or to its first ask without an answer (raises Unanswered)."""

    def run(context: Context, params: Params) -> Outcome:
        answers = context.answers or Answers()
        steps = verb(context, params)
        position = 0
        try:
            ask = next(steps)
            while True:
                reply = answers.to(position, ask)
                position += 1
                ask = steps.throw(reply) if isinstance(reply, Fault) else steps.send(reply)
        except StopIteration as done:
            outcome: Outcome = done.value
            return outcome

    return run
