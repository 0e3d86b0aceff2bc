"""The identity policies of users, groups and roles: inline, attached, and those of a user's groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from locum.state import managed
from locum.state.arns import entity_by_arn
from locum.state.entities import Group, Policy, Role, User
from locum.state.state import State

Identity = User | Group | Role


class Attachment(NamedTuple):
    """One identity policy of `owner`, which may be a user's group.

    `arn` is that of a managed policy, of which `document` is the default version; empty for an inline policy.
    """

    owner: Identity
    name: str
    document: str
    arn: str = ""


def identity_policies(state: State, entity: Identity) -> Iterator[Attachment]:
    """All identity policies of `entity`, without its boundary; by owner, inline ones first.

    A managed policy that several groups of a user share is listed once for each.
    """
    yield from _policies_of(state, entity)
    if isinstance(entity, User):
        for key in entity.groups:
            group = state.get(Group, entity.account, key)
            if group is not None:
                yield from _policies_of(state, group)


def _policies_of(state: State, owner: Identity) -> Iterator[Attachment]:
    for name, document in owner.inline.items():
        yield Attachment(owner, name, document)
    for arn in owner.attached:
        attached = managed_document(state, owner.account, arn)
        if attached is not None:
            yield Attachment(owner, arn.rsplit("/", 1)[-1], attached, arn)


def managed_document(state: State, account: str, arn: str) -> str | None:
    """The default version of a managed policy of the account or of AWS; None where it does not exist."""
    found = entity_by_arn(state, Policy, arn, account) or managed.get(arn)
    return None if found is None else found.document
