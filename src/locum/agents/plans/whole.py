"""What of a template comes before its resources: parameters, transforms, the exports of other stacks, capabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from locum.agents.plans.marks import MARK
from locum.agents.plans.rehearsal import PlannedCall, Stage, to_the_end
from locum.core.actors import on_behalf_of
from locum.core.calls import Ask, ServiceCall
from locum.core.clock import system_entropy
from locum.core.principal import Caller
from locum.credentials import KeyRing
from locum.services.cloudformation.intrinsics import Evaluation, Pseudo
from locum.services.cloudformation.outputs import exported
from locum.services.cloudformation.parameters import ParameterValue, parameter_values, ssm_parameters
from locum.services.cloudformation.proposals import template_before, template_in
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.template import Template
from locum.services.cloudformation.templates import CLOUDFORMATION, invalid
from locum.services.cloudformation.transforms import expanded
from locum.services.cloudformation.validation import capability_of
from locum.services.verbs import DEFAULTS, Context, Settings
from locum.state import Stack

Read = Callable[[ServiceCall], Mapping[str, Any]]
"""Answers what is asked of a backend. Raises Fault."""


class Surroundings(NamedTuple):
    """What templates are read with: `read` what is elsewhere, as `caller`; `exports` are those of other stacks."""

    read: Read
    caller: Caller
    exports: Mapping[str, Any] = {}
    settings: Settings = DEFAULTS


class Whole(NamedTuple):
    """A template with the values of its parameters. `calls` are those that reading it takes of whoever deploys it."""

    evaluation: Evaluation
    capabilities: tuple[str, ...]
    calls: tuple[PlannedCall, ...]


def nobody_reads(made: ServiceCall) -> Mapping[str, Any]:
    """What is read where there is no plane. Raises Fault ValidationError."""
    raise invalid(f"the template takes what {made.service}:{made.operation} answers: ask a plane that has it")


def prepared(stage: Stage, around: Surroundings, text: str, values: Mapping[str, str], pseudo: Pseudo) -> Whole:
    """The template `text` with the parameters `values`. Raises Fault ValidationError."""
    calls: list[PlannedCall] = []
    template = template_before(text)
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
    keys = ssm_parameters(template, given, None)
    actor = on_behalf_of(around.caller, CLOUDFORMATION)
    calls += [
        PlannedCall("ssm", "GetParameters", {"Names": [key]}, stage.place.region, stage.state, actor)
        for key in keys.values()
    ]
    parameters = parameter_values(template, given, None, dict.fromkeys(keys, MARK))
    expands = ["CAPABILITY_AUTO_EXPAND"] if template.transforms else []
    if template.transforms:
        template = _transformed(stage, around, template, parameters, pseudo, calls)
    evaluation = Evaluation(template, parameters, pseudo)
    broken = evaluation.rules_broken()
    if broken:
        raise invalid("Template validation error: " + "; ".join(broken))
    capability = capability_of(template.source["Resources"])
    return Whole(evaluation, (*filter(None, [capability]), *expands), tuple(calls))


def _transformed(
    stage: Stage,
    around: Surroundings,
    template: Template,
    parameters: Mapping[str, ParameterValue],
    pseudo: Pseudo,
    calls: list[PlannedCall],
) -> Template:
    """The template as its transforms leave it. What they read is noted in `calls`."""
    keyring = KeyRing.generate(system_entropy)
    context = Context(
        stage.state, stage.now, system_entropy, keyring, around.caller, stage.place.region, around.settings
    )

    def answer(ask: Ask) -> Mapping[str, Any]:
        made, actor = ask.call, on_behalf_of(around.caller, CLOUDFORMATION)
        calls.append(PlannedCall(made.service, made.operation, made.params, made.region, stage.state, actor))
        return around.read(made)

    return template_in(to_the_end(expanded(context, template, parameters, pseudo), answer))


def exports_of(stage: Stage, seals: Seals) -> dict[str, Any]:
    """The exports of the stacks that are there."""
    stacks = stage.state.table(Stack, stage.place.account).values()
    here = [stack for stack in stacks if stack.region == stage.place.region and not stack.deleted]
    return {name: exported(stack, name, seals) for stack in here for name in stack.exports}
