"""The permissions that the resources of a Terraform plan take: those of the published schemas, on what they name.

A plan is what `terraform show -json` prints: Terraform documentation, "JSON Output Format". Terraform's providers make
other calls than CloudFormation: what a type takes is told by the handlers of its schema. Terraform reads what it makes,
and what is there already before anything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from locum.agents.plans.arn_forms import Place, arns_of_action
from locum.agents.plans.marks import MARK
from locum.agents.plans.parts import PHASES, Action, Part
from locum.agents.plans.rehearsal import Stage
from locum.agents.plans.terraform_stacks import STACK_TYPE, stack_parts
from locum.agents.plans.terraform_types import (
    PROVIDERS,
    actions_of,
    data_actions,
    further_actions,
    is_local,
    type_of,
)
from locum.agents.plans.whole import Surroundings
from locum.core.errors import ConfigurationError
from locum.services.cloudformation.schemas import schema_of

_LESS: Final = "as the published schema of its type in CloudFormation has it"


def terraform_parts(stage: Stage, around: Surroundings, text: str, phases: Iterable[str]) -> list[Part]:
    """The parts of the plan `text`, in which templates of stacks may be. Raises ConfigurationError where it is none."""
    try:
        plan = json.loads(text)
        stage = stage.by(stage.caller, _region(plan))
        found = [part for change in _changes(plan) for part in _parts(change, stage, around)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigurationError(f"this is no plan as `terraform show -json` prints it: {error!r}") from error
    wanted = {*phases, "read"}
    return [part for part in found if part.phase in wanted]


def _changes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The changes of resources, and as reading ones the data sources that were read already."""
    yield from plan["resource_changes"]
    root = (plan.get("prior_state") or {}).get("values", {}).get("root_module", {})
    left = [root]
    while left:
        module = left.pop()
        left += module.get("child_modules", ())
        for it in module.get("resources", ()):
            if it.get("mode") == "data":
                yield {**it, "change": {"actions": ["read"], "before": it.get("values"), "after": it.get("values")}}


def _parts(it: Mapping[str, Any], stage: Stage, around: Surroundings) -> Iterator[Part]:
    kind, address, change, place = str(it["type"]), str(it["address"]), it["change"], stage.place
    if kind.partition("_")[0] not in PROVIDERS:
        yield Part(address, kind, "read", notes=("it is of another provider, which is not looked at",), known=True)
        return
    if it.get("mode") == "data":
        if is_local(kind):
            yield Part(address, kind, "read", notes=("it takes no permission",), known=True)
        else:
            yield _part(address, kind, "read", change.get("after") or {}, place, data_actions(kind))
        return
    phases = [action for action in change["actions"] if action in PHASES]
    before, after = change.get("before") or {}, _known(change.get("after") or {}, change.get("after_unknown"))
    for phase in (*phases, "read"):
        values = before if phase == "delete" else {**before, **after}
        yield _part(address, kind, phase, values, place, actions_of(kind))
        if kind == STACK_TYPE and phase != "read":
            yield from stack_parts(stage, around, address, phase, before, {**before, **after})


def _part(
    address: str,
    kind: str,
    phase: str,
    values: Mapping[str, Any],
    place: Place,
    direct: Mapping[str, tuple[str, ...]],
) -> Part:
    """A part by the actions that are known to be those of the type (`direct`), else by its published schema."""
    published = type_of(kind)
    schema = schema_of(published) if published else None
    notes: tuple[str, ...] = ()
    if direct:
        names: tuple[str, ...] = direct.get(phase, ())
    elif schema is None:
        return Part(address, kind, phase, notes=("it is no type of CloudFormation that Locum knows",))
    else:
        tagging = schema.permissions.get("tagging", ()) if phase != "delete" and _is_tagged(values) else ()
        names = tuple(sorted({*schema.permissions.get(phase, ()), *tagging, *further_actions(kind).get(phase, ())}))
        notes = (_LESS if names else f"the published schema of {published} names no permissions to {phase} it",)
    noun = published.rpartition("::")[2].lower()
    actions = [Action(name, arn) for name in names for arn in arns_of_action(name, noun, values, place)]
    return Part(address, kind, phase, actions=tuple(actions), notes=notes, known=bool(direct))


def _is_tagged(values: Mapping[str, Any]) -> bool:
    return any(values.get(name) for name in ("tags", "tags_all", "tag"))


def _known(values: Any, unknown: Any) -> Any:
    """`values` with a mark for each that is known only after the plan is applied."""
    if unknown is True:
        return MARK
    if isinstance(unknown, Mapping) and isinstance(values, Mapping):
        return {name: _known(values.get(name), unknown.get(name)) for name in {**values, **unknown}}
    if isinstance(unknown, list) and isinstance(values, list):
        more = [*unknown, *[None] * len(values)]
        return [_known(value, other) for value, other in zip(values, more, strict=False)]
    return values


def _region(plan: Mapping[str, Any]) -> str:
    """The Region of the provider's configuration, where that says it."""
    provider = ((plan.get("configuration") or {}).get("provider_config") or {}).get("aws") or {}
    found = (provider.get("expressions") or {}).get("region") or {}
    return str(found.get("constant_value") or "")
