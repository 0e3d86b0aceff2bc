"""Users and roles by their names, and the callers that they are."""

from __future__ import annotations

from typing import Final

from locum.core.errors import ConfigurationError
from locum.core.principal import Caller, Principal, PrincipalKind, Session, principal_of
from locum.state import Role, State, User
from locum.state.arns import entity_of

_HOUR: Final = 3600


def named(state: State, account: str, name: str) -> User | Role:
    """The user or role with this ARN, or name. Raises ConfigurationError where there is none, or are two."""
    if name.startswith("arn:"):
        there = [it for it in (entity_of(state, name),) if isinstance(it, User | Role)]
    else:
        key = name.lower()
        there = [it for it in (state.get(Role, account, key), state.get(User, account, key)) if it is not None]
    if len(there) != 1:
        what = "no user and no role" if not there else "a user and a role"
        raise ConfigurationError(f"there is {what} {name}: name one by its ARN, with its path")
    return there[0]


def caller_of(entity: User | Role, session: str, now: float) -> Caller:
    """A user with an access key, or a session of a role with this name, from the time `now` on (epoch seconds)."""
    if isinstance(entity, User):
        return Caller(Principal.user(entity.account, entity.arn, entity.id, entity.name))
    made = Session(
        kind=PrincipalKind.ROLE_SESSION,
        account=entity.account,
        name=session,
        issuer_arn=entity.arn,
        issuer_id=entity.id,
        issued_at=int(now),
        expires_at=int(now) + _HOUR,
    )
    return Caller(principal_of(made), session=made)
