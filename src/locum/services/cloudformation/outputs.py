"""The outputs of a stack, its exports, and the exports of other stacks that it imports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.templates import invalid
from locum.state import Stack, State
from locum.state.autoscaling import regional
from locum.state.indexes import EXPORT, IMPORT, scoped

_HELD: Final = "Delete canceled. Cannot delete export {} as it is in use by {}."
_KEPT: Final = "Cannot update export {} as it is in use by {}."

Outputs = Sequence[Mapping[str, str]]


def exporting(state: State, account: str, region: str, name: str) -> Stack | None:
    """The stack that exports `name`."""
    return state.first(Stack, EXPORT, scoped(account, regional(region, name)))


def exported(stack: Stack, name: str, seals: Seals) -> str:
    """The value of an export of `stack`; its text may be empty."""
    return str(seals.open(stack.account, stack.id, stack.exports[name]) or "")


def importing(state: State, account: str, region: str, name: str) -> list[str]:
    """The names of the stacks that import `name`."""
    found = state.find(IMPORT, scoped(account, regional(region, name)))
    return sorted(stack.name for stack in found if isinstance(stack, Stack))


def outputs_of(state: State, draft: Draft, outputs: Outputs, seals: Seals) -> None:
    """Give a stack its outputs. Raises Fault where another stack exports one of its names, or needs what it did."""
    stack = draft.stack
    exports: dict[str, str] = {}
    before = {name: exported(stack, name, seals) for name in stack.exports}
    for output in outputs:
        if (name := output.get("ExportName")) is None:
            continue
        other = exporting(state, stack.account, stack.region, name)
        if name in exports or (other is not None and other.id != stack.id):
            owner = stack.name if other is None else other.name
            raise invalid(f"Export with name {name} is already exported by stack {owner}")
        exports[name] = output["OutputValue"]
    changed = [name for name, value in before.items() if name in exports and exports[name] != value]
    if held := held_exports(state, stack, before.keys() - exports.keys()) or held_exports(state, stack, changed, _KEPT):
        raise invalid(held)
    sealed = {name: seals.seal(stack.account, stack.id, value) for name, value in exports.items()}
    draft.change(outputs=seals.seal(stack.account, stack.id, list(outputs)), exports=sealed)


def held_exports(state: State, stack: Stack, names: Iterable[str], told: str = _HELD) -> str:
    """The reason that the exports `names` cannot go, or change: another stack imports one; empty where none does."""
    for name in sorted(names):
        users = [it for it in importing(state, stack.account, stack.region, name) if it != stack.name]
        if users:
            others = [", ".join(users[:-1])] if len(users) > 1 else []
            return told.format(name, " and ".join([*others, users[-1]]))
    return ""


def shown_outputs(stack: Stack, seals: Seals) -> list[dict[str, Any]]:
    """The outputs as DescribeStacks shows them."""
    found = seals.open(stack.account, stack.id, stack.outputs)
    return list(found) if found else []


def output_text(value: Any) -> str:
    """The value of an output. Raises Fault where it is none of a string's."""
    if isinstance(value, (list, dict)):
        raise invalid("Template format error: The Value field of every Outputs member must evaluate to a String.")
    return str(value).lower() if isinstance(value, bool) else str(value)
