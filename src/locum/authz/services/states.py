"""AWS Step Functions: state machines without their qualifier."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values, own_arn
from locum.state import State

_UNQUALIFIED: Final = 7
"""The number of fields in the ARN of a state machine without a version or alias."""
_ARNS: Final = ("stateMachineArn", "stateMachineAliasArn", "stateMachineVersionArn")


def _machine(state: State, call: Call, values: Values) -> Iterable[str]:
    """A state machine by name, or by its ARN without the version, alias or label of a Map state that follows.

    Step Functions Developer Guide, "Creating fine-grained permissions for versions and aliases": policies name the
    state machine, and the qualifier in states:StateMachineQualifier.
    """
    name = values[0] or ""
    if not name.startswith("arn:"):
        return (own_arn(call, "states", "stateMachine:", name),)
    return (":".join(name.split(":")[:_UNQUALIFIED]).partition("/")[0],)


def _qualifier(state: State, call: Call, check: Check) -> list[str]:
    """The version or alias in the state machine's ARN; the name of an alias that is created."""
    if call.operation == "CreateStateMachineAlias":
        return [str(call.params.get("name", ""))]
    arns = (str(call.params[name]).split(":") for name in _ARNS if call.params.get(name))
    return [fields[_UNQUALIFIED] for fields in arns if len(fields) > _UNQUALIFIED]


FUNCTIONS: Final = Functions(
    resolvers={"states_machine": _machine},
    keys={"states_qualifier": _qualifier},
)
