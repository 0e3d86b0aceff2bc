"""No identifier of another account ever resolves: name, ARN, unique id, access key id, instance id, serial number.

For every operation of Auto Scaling, EC2, IAM, Organizations and STS each text of its input is, in turn, everything that
names something of another account. Authorization is left out (but for STS, whose verbs rely on it): what is tested is
that the verb itself does not find, show or change what is not the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from locum import authz
from locum.core.errors import Fault
from locum.services import autoscaling, cloudformation, ec2, iam, organizations, sts
from locum.services.asking import Unanswered
from locum.services.verbs import Operation, Outcome
from locum.state import Put
from support.two_accounts import MINE, THEIRS, World, attacks, plain

SERVICES: Final[Mapping[str, Mapping[str, Operation]]] = {
    "autoscaling": autoscaling.OPERATIONS,
    "cloudformation": cloudformation.OPERATIONS,
    "ec2": ec2.OPERATIONS,
    "iam": iam.OPERATIONS,
    "organizations": organizations.OPERATIONS,
    "sts": sts.OPERATIONS,
}
CASES: Final = [(service, name) for service, operations in SERVICES.items() for name in operations]

WITHOUT_CREDENTIALS: Final = frozenset({"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"})
"""These are called with proof in place of credentials: whose account it is follows from that proof."""

BY_DESIGN: Final = frozenset({"GetAccessKeyInfo"})
""" "Returns the account identifier for the specified access key ID", whose ever it is."""


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def permitted(world: World, service: str, operation: str, params: Mapping[str, Any]) -> bool:
    call = authz.Call(service, operation, params, world.caller, "us-east-1", 1_790_000_000.0)
    return authz.decide(world.state, call, authz.plan(world.state, call)).allowed


def carried_out(world: World, service: str, operation: str, params: Mapping[str, Any]) -> bool:
    """Whether the call succeeds; then it neither tells nor changes anything of the other account."""
    asks_for = MINE
    try:
        if service == "sts" and not permitted(world, service, operation, params):
            return False
        outcome = SERVICES[service][operation].verb(world.context(), params)
    except Fault as fault:
        outcome, refused = Outcome({}), fault.message
    except Unanswered as unanswered:
        outcome, refused = Outcome({}), "it asks another service"
        asks_for = unanswered.ask.call.actor.account
    else:
        refused = ""
    assert asks_for == MINE
    told = world.told_of([outcome.answer, refused], params)
    assert not told or operation in BY_DESIGN, (operation, params, told)
    for event in outcome.events:
        account = event.entity.account if isinstance(event, Put) else event.account
        assert account != THEIRS, (operation, params, event)
    return not refused


@pytest.mark.parametrize(("service", "operation"), CASES, ids=[f"{service}:{name}" for service, name in CASES])
def test_nothing_of_another_account_resolves(world: World, service: str, operation: str) -> None:
    if operation in WITHOUT_CREDENTIALS:
        return
    carried_out(world, service, operation, plain(service, operation, world))
    for params in attacks(service, operation, world):
        carried_out(world, service, operation, params)


def test_the_sweep_gets_far_enough_to_mean_something(world: World) -> None:
    reached = {name for service, name in CASES if carried_out(world, service, name, plain(service, name, world))}
    assert len(reached) > len(CASES) // 2, sorted({name for _, name in CASES} - reached)


def test_what_the_sweep_looks_for_is_there(world: World) -> None:
    assert len(world.secrets) > 60
    assert len(world.theirs.identifiers) > 40
    assert world.told_of({"Arn": f"arn:aws:iam::{THEIRS}:user/theirs-User"}, {}) != []
