"""Verbs that make reading calls to other services before they answer.

Such a verb is a generator. It yields an `Ask`, a reading call, before it has any event, and is sent the answer:

    def run_instances(ctx: Context, params: Params) -> Asking:
        found = yield ask_as(service_principal("ec2.amazonaws.com", ctx.account), "ec2", "DescribeSubnets", ...)
        return Outcome(...)

`calls` makes the call as the actor in the ask, authorized and recorded like any other, and runs the verb again with the
answer in `Context.answers`. So a verb is still a pure function that may be run any number of times.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from locum.core.calls import Ask
from locum.core.errors import Fault, LocumError
from locum.services.verbs import Context, Outcome, Params, Verb

Reply = Mapping[str, Any] | Fault
"""The result of an ask: the answer by the members of the output shape, or the fault of a refused call."""

Asking = Generator[Ask, Mapping[str, Any], Outcome]

AskingVerb = Callable[[Context, Params], Asking]


class Unanswered(LocumError):
    """A verb made an ask without a reply. `position` is the index of the ask among the verb's asks."""

    def __init__(self, position: int, ask: Ask) -> None:
        super().__init__(f"{ask.call.service}:{ask.call.operation} has not been asked yet")
        self.position = position
        self.ask = ask


class Answers:
    """The replies to the asks of one call, in the order of its verb's asks."""

    def __init__(self) -> None:
        self._replies: list[tuple[Ask, Reply]] = []
        self._drawn: dict[str, str] = {}

    def to(self, position: int, ask: Ask) -> Reply:
        """The reply to the ask at `position`. Raises Unanswered where there is none, or where it is to another ask."""
        if position < len(self._replies) and self._replies[position][0] == ask:
            return self._replies[position][1]
        raise Unanswered(position, ask)

    def drawn(self, name: str, draw: Callable[[], str]) -> str:
        """The random text of that name, which is made once."""
        if name not in self._drawn:
            self._drawn[name] = draw()
        return self._drawn[name]

    def add(self, unanswered: Unanswered, reply: Reply) -> None:
        """Add the reply to an ask. Those to later asks are dropped, as the verb may not make them any more."""
        self._replies[unanswered.position :] = [(unanswered.ask, reply)]


def drawn(context: Context, name: str, draw: Callable[[], str]) -> str:
    """A random text of a verb, which has it by `name` whenever it runs again: what is asked may say it."""
    return context.answers.drawn(name, draw) if isinstance(context.answers, Answers) else draw()


def asking(verb: AskingVerb) -> Verb:
    """Make a plain verb of `verb`. It raises Unanswered at the first ask without a reply."""

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
