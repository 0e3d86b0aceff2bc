"""The statements that decided, as the API tells of them, with the text of their policies as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from locum.authz.principal_policies import held_policies
from locum.core.arn import Arn
from locum.policy import PolicyType
from locum.state import Role, State, User
from locum.state.arns import entity_of
from locum.state.attachments import managed_document

Policy = tuple[str, str]
"""A policy by the name and the ARN that explanations have for it."""


def told(reports: Iterable[Mapping[str, Any]], state: State | None, principal: str) -> list[dict[str, Any]]:
    """The members of `Statement` for statements of an explanation.

    `state` is the one that was decided on, None where it is not known any more; `principal` had the policies.
    """
    owned = {} if state is None else dict(_policies(state, principal))
    return [_statement(it, state, principal, owned.get((it["policy"], it["policyArn"]))) for it in reports]


def _statement(
    it: Mapping[str, Any], state: State | None, principal: str, found: tuple[str, str] | None
) -> dict[str, Any]:
    arn, document = Arn.find(it["policyArn"]), "" if found is None else found[1]
    managed = arn is not None and arn.resource.startswith("policy/")
    if managed and not document and state is not None and it["policyType"] == PolicyType.BOUNDARY:
        holder = Arn.find(principal)
        document = managed_document(state, "" if holder is None else holder.account, it["policyArn"]) or ""
    members = {
        "PolicyName": it["policy"],
        "PolicyArn": it["policyArn"] if managed else "",
        "PolicyType": it["policyType"],
        "Owner": arn.account if managed and arn is not None else it["policyArn"] if found is None else found[0],
        "Sid": it["sid"],
        "Effect": it["effect"],
        "Document": document,
    }
    return {"Index": it["statement"], **{name: value for name, value in members.items() if value}}


def _policies(state: State, principal: str) -> Iterator[tuple[Policy, tuple[str, str]]]:
    """The identity policies of a user or role: the ARN of who has one, and its document."""
    entity = entity_of(state, principal)
    if not isinstance(entity, User | Role):
        return
    for held in held_policies(state, entity):
        if held.attachment is not None:
            source = held.policy.source
            yield (source.name, source.arn), (held.attachment.owner.arn, held.attachment.document)
