"""The policy of a resource as it counts, with the account that has it.

Grants of a KMS key stand beside its policy: here they are statements of it, so that there is one analysis.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from locum.agents.analyzers.resources import KEY, ROLE, Named
from locum.analysis import key_grants
from locum.authz.stored_principals import shown_form, with_principals
from locum.backends.s3_policies import OWN_STATEMENTS
from locum.calls import Runtime
from locum.calls.carrying import facts_of
from locum.core.arn import Arn
from locum.core.identifiers import ROLE_ID, USER_ID
from locum.core.resources import UNKNOWN
from locum.services.accessanalyzer import zones
from locum.state import Role, State
from locum.state.analyzers import Analyzer
from locum.state.arns import entity_by_arn


class Kept(NamedTuple):
    """A resource that is there: the account that has it, and its policy (empty: none).

    Of a bucket, `own` is the number of statements of the bucket policy where those of its ACL are behind them.
    """

    owner: str
    policy: str
    own: int | None = None

    def source(self, statement: int) -> dict[str, str]:
        """Where the statement of that number is from: a FindingSource."""
        return {"type": "POLICY" if self.own is None or statement < self.own else "BUCKET_ACL"}


async def policy_of(runtime: Runtime, analyzer: Analyzer, resource: Named) -> Kept | None:
    """The policy of a resource; None where it is not there."""
    state = runtime.ledger.state
    if resource.type == ROLE:
        role = entity_by_arn(state, Role, resource.arn, Arn.parse(resource.arn).account)
        return None if role is None else Kept(role.account, role.trust)
    facts = (await facts_of(runtime, [resource.arn], analyzer.account, analyzer.region))[resource.arn]
    if facts is UNKNOWN or facts.attributes.get("absent"):
        return None
    owner = facts.account or Arn.parse(resource.arn).account or analyzer.account
    if resource.type != KEY:
        own = facts.attributes.get(OWN_STATEMENTS)
        return Kept(owner, facts.policy or "", None if own is None else int(own))
    trusted = zones.trusted(state, analyzer)
    granted = key_grants.statements(key_grants.grants_of(facts), lambda account: account not in trusted)
    return Kept(owner, with_statements(facts.policy or "", granted))


def with_statements(policy: str, statements: Sequence[dict[str, Any]]) -> str:
    """A policy with further statements. One that cannot be read stays as it is."""
    if not statements:
        return policy
    try:
        document = json.loads(policy) if policy else {"Version": "2012-10-17", "Statement": []}
        listed = document["Statement"]
    except (ValueError, KeyError, TypeError):
        return policy
    return json.dumps({**document, "Statement": [*(listed if isinstance(listed, list) else [listed]), *statements]})


def with_names(state: State, text: str) -> str:
    """A policy with the ARNs of users and roles in place of their unique ids, which do not tell their accounts."""
    if USER_ID not in text and ROLE_ID not in text:
        return text
    return with_principals(text, partial(shown_form, state))
