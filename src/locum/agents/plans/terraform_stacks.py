"""The stacks of CloudFormation in a Terraform plan: what is in them is made with the permissions of who applies it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from locum.agents.plans.marks import MARK, is_marked
from locum.agents.plans.nested import reading_of, template_read
from locum.agents.plans.parts import Action, Part
from locum.agents.plans.rehearsal import PlannedCall, Stage
from locum.agents.plans.templates import TemplatePlan
from locum.agents.plans.whole import Surroundings, prepared
from locum.core.actors import on_behalf_of
from locum.core.errors import Fault
from locum.services.cloudformation.intrinsics import Pseudo
from locum.services.cloudformation.providers.cloudformation import parameter_text
from locum.services.cloudformation.templates import CLOUDFORMATION
from locum.state.cloudformation import stack_arn

STACK_TYPE: Final = "aws_cloudformation_stack"


class _Contents(NamedTuple):
    """The parts of the resources of a stack, with the logical id of each; `names` are all logical ids."""

    parts: list[tuple[str, Part]]
    names: frozenset[str]


def stack_parts(
    stage: Stage, around: Surroundings, address: str, phase: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Part]:
    """The parts of the contents of a stack in a phase, in which it becomes `after`, which was `before`."""
    values = before if phase == "delete" else after
    if role := values.get("iam_role_arn"):
        yield Part(address, STACK_TYPE, phase, actions=(Action("iam:PassRole", str(role)),), known=True)
        return
    stack = _Stack(stage, around, address)
    try:
        if phase == "update":
            old, new = stack.contents(before, ("delete",)), stack.contents(after, ("create", "update"))
            kept = [part for name, part in new.parts if part.phase != "create" or name not in old.names]
            gone = [part for name, part in old.parts if name not in new.names]
            yield from (part._replace(phase=phase) for part in (*kept, *gone))
        else:
            yield from (part for _, part in stack.contents(values, (phase,)).parts)
    except Fault as fault:
        note = f"what the stack makes is not known: {' '.join(fault.message.split())}"
        yield Part(address, STACK_TYPE, phase, notes=(note,))
    if stack.reading and phase != "delete":
        yield Part(address, STACK_TYPE, phase, tuple(stack.reading))


class _Stack:
    """A stack of a plan. `reading` are the calls that read its templates."""

    def __init__(self, stage: Stage, around: Surroundings, address: str) -> None:
        self._stage = stage.by(on_behalf_of(stage.caller, CLOUDFORMATION))
        self._around = around._replace(caller=stage.caller)
        self._address = address
        self.reading: list[PlannedCall] = []

    def contents(self, values: Mapping[str, Any], phases: Iterable[str]) -> _Contents:
        """The contents of a stack with these values, in some phases. Raises Fault where its template is not known."""
        place, name = self._stage.place, str(values.get("name") or MARK)
        text = self._template(values)
        if is_marked(text):
            raise Fault("ValidationError", "its template is known only once other resources are there")
        given = {key: parameter_text(value) for key, value in (values.get("parameters") or {}).items()}
        pseudo = Pseudo(*place, name, stack_arn(place.region, place.account, name, MARK))
        whole = prepared(self._stage, self._around, text, given, pseudo)
        self.reading += whole.calls
        within = f"{self._address}/"
        plan = TemplatePlan(self._stage, whole.evaluation, self._around, values.get("tags") or {}, within)
        found = [(part.logical.removeprefix(within).partition("/")[0], part) for part in plan.run(phases)]
        return _Contents(found, frozenset(whole.evaluation.template.resources))

    def _template(self, values: Mapping[str, Any]) -> str:
        if text := values.get("template_body"):
            return str(text)
        reading = reading_of(self._stage, self._around, str(values.get("template_url") or ""))
        self.reading.append(reading)
        return template_read(self._around, reading)
