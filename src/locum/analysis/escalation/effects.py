"""What the calls of a method change of the state, as far as later decisions depend on it.

Each is a function of the state, the bindings of the method, and its target. The new state is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from locum.analysis.escalation.methods import ADMINISTRATOR, EVERYTHING, NAME, Bindings
from locum.core.identifiers import INSTANCE_PROFILE_ID
from locum.state import Group, InstanceProfile, Policy, PolicyVersion, Role, State, User, change, put
from locum.state.arns import entity_by_arn

Effect = Callable[[State, Bindings, User | Role], State]


def present(state: State, entity: User | Role) -> User | Role:
    """`entity` as it is in `state`."""
    found = state.get(type(entity), entity.account, entity.key)
    return entity if found is None else found


def _of_target(change_of: Callable[[User | Role, Bindings], User | Role]) -> Effect:
    return lambda state, bindings, target: change(state, [put(change_of(present(state, target), bindings))])


def _of_group(change_of: Callable[[Group], Group]) -> Effect:
    def effect(state: State, bindings: Bindings, target: User | Role) -> State:
        group = state.get(Group, target.account, bindings["group"].lower())
        return state if group is None else change(state, [put(change_of(group))])

    return effect


def _with_trust(entity: User | Role, bindings: Bindings) -> User | Role:
    return replace(entity, trust=bindings["stored_trust"]) if isinstance(entity, Role) else entity


def _joined(entity: User | Role, bindings: Bindings) -> User | Role:
    return replace(entity, groups=(*entity.groups, bindings["group"].lower())) if isinstance(entity, User) else entity


def _overwritten(inline: Mapping[str, str]) -> dict[str, str]:
    """The inline policies of whoever may put one: the same permission overwrites those that are there."""
    return dict.fromkeys((*inline, NAME), EVERYTHING)


def _profile(state: State, _bindings: Bindings, target: User | Role) -> State:
    made = InstanceProfile(account=target.account, name=NAME, id=f"{INSTANCE_PROFILE_ID}AUDIT", created=0)
    return change(state, [put(made)])


def _profile_role(state: State, _bindings: Bindings, target: User | Role) -> State:
    profile = state.get(InstanceProfile, target.account, NAME)
    return state if profile is None else change(state, [put(replace(profile, roles=(target.key,)))])


def _version(state: State, bindings: Bindings, target: User | Role) -> State:
    policy = entity_by_arn(state, Policy, bindings["policy"], target.account)
    if policy is None:
        return state
    number = policy.next_number
    made = PolicyVersion(number=number, document=EVERYTHING, created=policy.created)
    newer = replace(policy, versions=(*policy.versions, made), default=number, next_number=number + 1)
    return change(state, [put(newer)])


def _default(state: State, bindings: Bindings, target: User | Role) -> State:
    policy = entity_by_arn(state, Policy, bindings["policy"], target.account)
    number = int(bindings["version"].removeprefix("v"))
    return state if policy is None else change(state, [put(replace(policy, default=number))])


EFFECTS: Final[Mapping[str, Effect]] = {
    "trust": _of_target(_with_trust),
    "inline": _of_target(lambda entity, _: replace(entity, inline=_overwritten(entity.inline))),
    "not-inline": _of_target(
        lambda entity, given: replace(
            entity, inline={name: text for name, text in entity.inline.items() if name != given["policy_name"]}
        )
    ),
    "attach": _of_target(lambda entity, _: replace(entity, attached=(*entity.attached, ADMINISTRATOR))),
    "detach": _of_target(
        lambda entity, given: replace(entity, attached=tuple(arn for arn in entity.attached if arn != given["policy"]))
    ),
    "unbound": _of_target(lambda entity, _: replace(entity, boundary="")),
    "wider": _of_target(lambda entity, _: replace(entity, boundary=ADMINISTRATOR)),
    "join": _of_target(_joined),
    "group-inline": _of_group(lambda group: replace(group, inline=_overwritten(group.inline))),
    "group-attach": _of_group(lambda group: replace(group, attached=(*group.attached, ADMINISTRATOR))),
    "profile": _profile,
    "profile-role": _profile_role,
    "version": _version,
    "default": _default,
}
