"""ListEntitiesForPolicy: the users, groups and roles that have a managed policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from locum.services.iam import managed
from locum.services.iam.faults import no_such_entity
from locum.services.iam.kinds import GROUP, ROLE, USER, Identity, Kind
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads
from locum.state import Group, Role, User
from locum.state.indexes import ATTACHED_POLICY, BOUNDARY_POLICY, Index, scoped

_INDEXES: Final[dict[str, tuple[Index, ...]]] = {
    "PermissionsPolicy": (ATTACHED_POLICY,),
    "PermissionsBoundary": (BOUNDARY_POLICY,),
}


class _Item(NamedTuple):
    """An identity, and the list of the answer that it belongs to."""

    member: str
    noun: str
    entity: Identity


_LISTS: Final[dict[type, tuple[str, Kind[Any]]]] = {
    Group: ("PolicyGroups", GROUP),
    User: ("PolicyUsers", USER),
    Role: ("PolicyRoles", ROLE),
}


def list_entities_for_policy(context: Context, params: Params) -> Outcome:
    """ListEntitiesForPolicy: three lists that are paginated as one."""
    arn: str = params["PolicyArn"]
    if managed.facts(context, arn) is None:
        raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
    found = page(params, _items(context, params, arn), lambda item: f"{item.member} {item.entity.key}")
    answer: dict[str, Any] = {member: [] for member, _ in _LISTS.values()}
    for member, noun, entity in found.items:
        answer[member].append({f"{noun}Name": entity.name, f"{noun}Id": entity.id})
    return Outcome({**answer, **found.rest})


def _items(context: Context, params: Params, arn: str) -> Iterator[_Item]:
    indexes = _INDEXES.get(params.get("PolicyUsageFilter", ""), (ATTACHED_POLICY, BOUNDARY_POLICY))
    entity_filter = params.get("EntityFilter")
    prefix = params.get("PathPrefix", "/")
    seen: set[str] = set()
    for index in indexes:
        for entity in context.state.find(index, scoped(context.account, arn)):
            if not isinstance(entity, User | Group | Role) or entity.id in seen:
                continue
            seen.add(entity.id)
            member, kind = _LISTS[type(entity)]
            if entity_filter in (None, kind.noun) and entity.path.startswith(prefix):
                yield _Item(member, kind.noun, entity)


OPERATIONS: Final[dict[str, Operation]] = {"ListEntitiesForPolicy": reads(list_entities_for_policy)}
