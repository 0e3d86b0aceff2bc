"""Which policies an identity has: its own, those attached to it and, of a user, those of its groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from locum.state import managed
from locum.state.entities import Group, Policy, Role, User
from locum.state.state import State

Identity = User | Group | Role


class Attachment(NamedTuple):
    """One policy that an identity has. `owner` has it, which may be a user's group.

    `arn` is that of a managed policy, whose default version `document` is; of an inline policy it is empty.
    """

    owner: Identity
    name: str
    document: str
    arn: str = ""


def identity_policies(state: State, entity: Identity) -> Iterator[Attachment]:
    """Every policy that grants or denies `entity` something, its boundary left out: inline ones first, by owner.

    A managed policy that several groups of a user share comes up once for each.
    """
    yield from _held_by(state, entity)
    if isinstance(entity, User):
        for key in entity.groups:
            group = state.get(Group, entity.account, key)
            if group is not None:
                yield from _held_by(state, group)


def _held_by(state: State, owner: Identity) -> Iterator[Attachment]:
    for name, document in owner.inline.items():
        yield Attachment(owner, name, document)
    for arn in owner.attached:
        attached = managed_document(state, owner.account, arn)
        if attached is not None:
            yield Attachment(owner, arn.rsplit("/", 1)[-1], attached, arn)


def managed_document(state: State, account: str, arn: str) -> str | None:
    """The default version of a managed policy, the account's or AWS's own; None where there is none."""
    found: Policy | None = state.get(Policy, account, arn.rsplit("/", 1)[-1].lower())
    if found is None or found.arn != arn:
        found = managed.get(arn)
    return None if found is None else found.document
