"""AWS CloudFormation: stacks by name or ARN, stack sets by name or id, and the stack of a change set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, own_arn
from locum.core.arn import Arn
from locum.core.partial_arn import NEW, UNKNOWN, Name, PartialArn, arn_of
from locum.core.resources import ResourceFacts
from locum.state import Stack, StackSet, State
from locum.state.autoscaling import regional
from locum.state.indexes import STACK_NAME, STACK_SET_NAME, scoped
from locum.state.organizations import member_of


def _stack(state: State, call: Call, values: Values) -> Iterable[str]:
    """A stack by ARN, or by name; where there is none of that name: "on resource: ...:stack/NAME/*"."""
    name, unique = values
    if name is not None and name.startswith("arn:"):
        yield name
        return
    if name is not None and unique is None:
        found = state.first(Stack, STACK_NAME, scoped(call.caller.account, regional(call.region, name)))
        if found is not None:
            yield found.arn
            return
    made = NEW if call.operation == "CreateStack" else UNKNOWN
    yield arn_of(own_arn(call, "cloudformation", "stack/"), name or UNKNOWN, "/", unique or made)


def _stack_of_change_set(state: State, call: Call, values: Values) -> Iterable[str]:
    """The stack that has a change set.

    Where the change set is named by its ARN, any stack may be named beside it. Where it is named by its name, it is in
    the named stack.
    """
    change_set, stack = values
    if change_set:
        named = None if change_set.startswith("arn:") or (stack or "").startswith("arn:") else stack
        head = own_arn(call, "cloudformation", "stack/")
        yield PartialArn((head, named or UNKNOWN, "/", UNKNOWN), Name("ChangeSetName", change_set))


def _stack_set(state: State, call: Call, values: Values) -> Iterable[str]:
    """A stack set by its name or its id, `NAME:UUID`.

    One that the caller acts on as a delegated administrator is in the management account; its ARN is one of the
    caller's account to policies.
    """
    name, _, unique = (values[0] or "").partition(":")
    if name == "arn":
        yield values[0] or ""
        return
    if not unique and values[1] is None:
        found = state.first(StackSet, STACK_SET_NAME, scoped(_owner(state, call), regional(call.region, name)))
        unique = found.id if found is not None else ""
    made = NEW if call.operation == "CreateStackSet" else UNKNOWN
    yield arn_of(own_arn(call, "cloudformation", "stackset/"), name or UNKNOWN, ":", unique or values[1] or made)


def _owner(state: State, call: Call) -> str:
    """The account that has the stack sets that a call is about."""
    account = call.caller.account
    member = member_of(state, account) if call.params.get("CallAs") == "DELEGATED_ADMIN" else None
    return account if member is None else member.account


def _facts(state: State, arn: str) -> ResourceFacts | None:
    """The account and the tags of a stack, which may be known by its name alone (`stack/NAME/`), or of a stack set."""
    parsed = Arn.find(arn)
    kind, _, rest = ("", "", "") if parsed is None else parsed.resource.partition("/")
    if parsed is None or kind not in ("stack", "stackset"):
        return None
    found: Stack | StackSet | None
    name, _, identifier = rest.partition("/" if kind == "stack" else ":")
    if kind == "stackset":
        found = state.get(StackSet, parsed.account, regional(parsed.region, identifier))
    elif identifier and identifier != "*":
        found = state.get(Stack, parsed.account, regional(parsed.region, identifier))
    else:
        found = state.first(Stack, STACK_NAME, scoped(parsed.account, regional(parsed.region, name)))
    if found is None or found.deleted or (identifier not in ("", "*") and found.arn != arn):
        return None
    return ResourceFacts(found.account, None, found.version.tags)


FUNCTIONS: Final = Functions(
    facts=_facts,
    resolvers={
        "cloudformation_stack": _stack,
        "cloudformation_stack_of_change_set": _stack_of_change_set,
        "cloudformation_stack_set": _stack_set,
    },
)
