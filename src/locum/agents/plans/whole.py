"""What of a template comes before its resources: parameters, transforms, the exports of other stacks, capabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from locum.agents.plans.marks import MARK
from locum.agents.plans.principals import Parties
from locum.agents.plans.rehearsal import Asked, Stage
from locum.calls.backend_answers import backend_answer
from locum.calls.runtime import Runtime
from locum.core.calls import Ask
from locum.core.clock import system_entropy
from locum.core.errors import Fault
from locum.credentials import KeyRing
from locum.services.cloudformation.intrinsics import Evaluation, Pseudo
from locum.services.cloudformation.outputs import exported
from locum.services.cloudformation.parameters import ParameterValue, parameter_values, ssm_parameters
from locum.services.cloudformation.proposals import template_before, template_in
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.template import Template
from locum.services.cloudformation.templates import invalid
from locum.services.cloudformation.transforms import expanded
from locum.services.cloudformation.validation import capability_of
from locum.services.verbs import Context
from locum.state import Stack

if TYPE_CHECKING:
    from locum.agents.plans.question import Question


class Whole(NamedTuple):
    """A template with the values of its parameters. `calls` are those that reading it takes of whoever deploys it."""

    evaluation: Evaluation
    exports: Mapping[str, Any]
    capabilities: tuple[str, ...]
    calls: tuple[Asked, ...]


async def prepared(
    runtime: Runtime | None, stage: Stage, question: Question, named: tuple[str, str], parties: Parties
) -> Whole:
    """The template of a question, for the stack `named` so, with this ARN. Raises Fault ValidationError."""
    place, calls = stage.place, list[Asked]()
    template = template_before(question.text)
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in question.parameters.items()]
    read = ssm_parameters(template, given, None)
    calls += [Asked("ssm", "GetParameters", {"Names": [key]}, place.region, stage.state) for key in read.values()]
    parameters = parameter_values(template, given, None, dict.fromkeys(read, MARK))
    pseudo = Pseudo(place.account, place.region, *named)
    expands = ["CAPABILITY_AUTO_EXPAND"] if template.transforms else []
    if template.transforms:
        template = await _transformed(runtime, stage, template, parameters, pseudo, parties, calls)
    evaluation = Evaluation(template, parameters, pseudo)
    broken = evaluation.rules_broken()
    if broken:
        raise invalid("Template validation error: " + "; ".join(broken))
    capability = capability_of(template.source["Resources"])
    capabilities = (*filter(None, [capability]), *expands)
    return Whole(evaluation, {} if runtime is None else _exports(runtime, stage), capabilities, tuple(calls))


async def _transformed(
    runtime: Runtime | None,
    stage: Stage,
    template: Template,
    parameters: Mapping[str, ParameterValue],
    pseudo: Pseudo,
    parties: Parties,
    calls: list[Asked],
) -> Template:
    """The template as its transforms leave it. What they read is noted in `calls`."""
    keyring = KeyRing.generate(system_entropy)
    caller = parties.by.caller
    context = Context(stage.state, stage.now, system_entropy, keyring, caller, stage.place.region)
    if runtime is not None:
        context = context._replace(settings=runtime.settings)
    steps = expanded(context, template, parameters, pseudo)
    try:
        ask = next(steps)
        while True:
            made = ask.call
            calls.append(Asked(made.service, made.operation, made.params, made.region, stage.state))
            try:
                found = await _read(runtime, stage, ask)
            except Fault as fault:
                ask = steps.throw(fault)
            else:
                ask = steps.send(found)
    except StopIteration as done:
        return template_in(done.value)


async def _read(runtime: Runtime | None, stage: Stage, ask: Ask) -> Mapping[str, Any]:
    made = ask.call
    if runtime is None:
        raise invalid(f"the template takes what {made.service}:{made.operation} answers: ask a plane that has it")
    return await backend_answer(runtime, made.service, made.operation, made.params, stage.place.account, made.region)


def _exports(runtime: Runtime, stage: Stage) -> dict[str, Any]:
    """The exports of the stacks that are there."""
    seals = Seals(runtime.keyring, runtime.entropy)
    stacks = stage.state.table(Stack, stage.place.account).values()
    here = [stack for stack in stacks if stack.region == stage.place.region and not stack.deleted]
    return {name: exported(stack, name, seals) for stack in here for name in stack.exports}
