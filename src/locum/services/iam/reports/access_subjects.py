"""The subject of a last accessed report: its policies, and the users and roles whose uses count."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.services.iam import managed
from locum.services.iam.faults import invalid_input, no_such_entity
from locum.services.iam.kinds import GROUP, ROLE, USER, Bounded, Identity, Kind
from locum.services.verbs import Context
from locum.state import Group, Role, User
from locum.state.arns import entity_of
from locum.state.attachments import identity_policies
from locum.state.indexes import ATTACHED_POLICY, MEMBERS_OF_GROUP, scoped

_KINDS: Final[dict[str, Kind[Any]]] = {"user": USER, "group": GROUP, "role": ROLE}


class Subject(NamedTuple):
    """The subject of a report. `documents` are its policies, `entities` the users and roles that have them.

    These are the subject itself, the members of a group, or the users and roles that have a policy, directly or through
    a group.
    """

    documents: tuple[str, ...]
    entities: tuple[Bounded, ...]


def subject(context: Context, arn: str) -> Subject:
    """The subject for the ARN of a user, group, role or managed policy. Raises NoSuchEntity, InvalidInput."""
    if _fields(arn).resource.startswith("policy/"):
        return _policy(context, arn)
    of = identity(context, arn)
    documents = tuple(found.document for found in identity_policies(context.state, of))
    return Subject(documents, tuple(_members(context, of)) if isinstance(of, Group) else (of,))


def identity(context: Context, arn: str) -> Identity:
    """The user, group or role with the ARN `arn` in the account. Raises NoSuchEntity, InvalidInput."""
    fields = _fields(arn)
    kind, _, name = fields.resource.partition("/")
    if kind not in _KINDS or fields.account != context.account:
        raise _invalid(arn)
    found = entity_of(context.state, arn)  # exactly the one that the call was authorized for
    if not isinstance(found, Identity):
        raise no_such_entity(_KINDS[kind].missing.format(name.rsplit("/", 1)[-1]))
    return found


def _policy(context: Context, arn: str) -> Subject:
    document = managed.of(context, arn).document
    holders: dict[str, Bounded] = {}
    for holder in context.state.find(ATTACHED_POLICY, scoped(context.account, arn)):
        if isinstance(holder, Group):
            holders.update({member.id: member for member in _members(context, holder)})
        elif isinstance(holder, User | Role):
            holders[holder.id] = holder
    return Subject((document,), tuple(holders.values()))


def _members(context: Context, group: Group) -> list[User]:
    found = context.state.find(MEMBERS_OF_GROUP, scoped(group.account, group.key))
    return [member for member in found if isinstance(member, User)]


def _fields(arn: str) -> Arn:
    fields = Arn.find(arn)
    if fields is None or fields.service != "iam" or fields.region:
        raise _invalid(arn)
    return fields


def _invalid(arn: str) -> Fault:
    return invalid_input(f"ARN {arn} is not valid.")
