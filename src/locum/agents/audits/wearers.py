"""What wears roles in the state, and what may have secrets in it: instances, stacks."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from locum.analysis.audit.secrets import Look, look
from locum.analysis.escalation import Worn
from locum.state import Instance, InstanceProfile, Role, Stack, State
from locum.state.associations import association_of

_ENDED = ("shutting-down", "terminated")


def instances(state: State) -> Iterator[Worn]:
    """The instances that run with a role, and the role."""
    for instance in state.every(Instance):
        held = association_of(state, instance)
        profile = None if held is None else state.get(InstanceProfile, instance.account, held.profile)
        if profile is None or instance.state in _ENDED:
            continue
        for key in profile.roles:
            role = state.get(Role, instance.account, key)
            if role is not None:
                yield Worn("ec2:instance", instance.arn, instance.id, role.arn)


def stacks(state: State) -> Iterator[Worn]:
    """The stacks that have a role."""
    for stack in state.every(Stack):
        if stack.role and not stack.deleted:
            yield Worn("cloudformation:stack", stack.arn, stack.name, stack.role)


def user_data(state: State) -> Iterator[tuple[Instance, Look]]:
    """The instances with user data, and what is in it."""
    for instance in state.every(Instance):
        if instance.user_data and instance.state not in _ENDED:
            yield instance, look(instance.user_data)


def decoded(text: object) -> bytes:
    """What a text in base64 is, or the text itself where it is no base64."""
    if isinstance(text, bytes):
        return text
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError:
        return str(text).encode()
