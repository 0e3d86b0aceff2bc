"""Who would make the calls of a deployment: a user, a role, or the role of a stack, which somebody passes."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from locum import authz
from locum.analysis import with_policies
from locum.analysis.identities import caller_of
from locum.core.actors import ServiceRole, on_behalf_of
from locum.core.calls import Call, assume_role
from locum.core.errors import ConfigurationError
from locum.core.principal import Caller, Principal, Source
from locum.services.cloudformation.following import SESSION
from locum.services.cloudformation.templates import CLOUDFORMATION
from locum.state import AccessKey, Role, State, User
from locum.state.arns import entity_of

Entity = User | Role


class Party(NamedTuple):
    """Somebody who calls: `entity` is None for the root user."""

    caller: Caller
    entity: Entity | None

    @property
    def arn(self) -> str:
        """The ARN of the user or role."""
        return self.caller.principal.arn if self.entity is None else self.entity.arn


class Parties(NamedTuple):
    """Who makes the resources, and `by` who has them made. `refusal`: why CloudFormation cannot assume the role."""

    makes: Party
    by: Party
    role: str = ""
    refusal: str = ""


def owner_of(state: State, access_key: str, account: str) -> Entity | None:
    """The user whose access key this is; None where it is the root user's, or where there is no key.

    Raises ConfigurationError where the plane does not know it.
    """
    if not access_key:
        return None
    key = next((key for key in state.every(AccessKey) if key.id == access_key and key.account == account), None)
    if key is None:
        told = "is none of a user of this plane: name who deploys with --caller or --as"
        raise ConfigurationError(f"the access key {access_key} {told}")
    return state.get(User, account, key.user.lower()) if key.user else None


def party(entity: Entity | None, account: str, now: float, session: str = "locum-plan") -> Party:
    """The root user of `account`, a user, or a session of a role."""
    if entity is None:
        return Party(Caller(Principal.root(account)), None)
    return Party(caller_of(entity, session, now), entity)


def of_template(
    state: State, place: tuple[str, str], now: float, acting: Entity | None, by: Entity | None, stack: str
) -> Parties:
    """Who deploys a template: a role that is `acting` is the stack's, a user that is calls CloudFormation itself."""
    account, region = place
    if isinstance(acting, Role):
        actor = ServiceRole(CLOUDFORMATION, acting.arn, SESSION, Source(account, stack))
        made = assume_role(actor)
        call = Call(made.service, made.operation, made.params, actor.assuming, region, now, source_ip="")
        decision = authz.decide(state, call, authz.plan(state, call))
        refusal = "" if decision.allowed else f"{CLOUDFORMATION} cannot assume it: {decision.fault().message}"
        return Parties(party(acting, account, now, SESSION), party(by, account, now), acting.arn, refusal)
    called = party(acting or by, account, now)
    forward = called._replace(caller=on_behalf_of(called.caller, CLOUDFORMATION))
    return Parties(forward, called)


def with_own(state: State, entity: Entity | None, policies: dict[str, str]) -> tuple[State, Entity | None]:
    """`state`, and `entity` in it, with `policies` (documents by name) as its identity policies, if there are any."""
    if not policies or entity is None:
        return state, entity
    state = with_policies(state, entity, policies)
    found = entity_of(state, entity.arn)
    return state, found if isinstance(found, User | Role) else None


def nobody_yet(account: str) -> Role:
    """A role that a plan is made for where there is none: what policies it has is told with the question."""
    return replace(_NOBODY, account=account)


_NOBODY: Final = Role(account="", name="locum-plan", id="AROALOCUMPLANLOCUMPLN", created=0, trust="")
