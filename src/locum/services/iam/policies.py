"""Managed policies: customer managed ones, and reading of AWS managed ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from locum.services.iam import documents, managed, shapes, tags
from locum.services.iam.faults import delete_conflict
from locum.services.iam.kinds import POLICY
from locum.services.iam.pagination import page
from locum.services.iam.shapes import PolicyFacts
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Policy, PolicyVersion, put, remove
from locum.state import managed as aws_managed


def create_policy(context: Context, params: Params) -> Outcome:
    """CreatePolicy. Its answer has neither the description nor the document."""
    new_tags = tags.given(params, Policy)
    now = int(context.now)
    policy = Policy(
        account=context.account,
        name=POLICY.new_name(context, params["PolicyName"]),
        path=params.get("Path", "/"),
        id=POLICY.new_id(context),
        created=now,
        updated=now,
        versions=(PolicyVersion(number=1, document=documents.managed(params["PolicyDocument"]), created=now),),
        description=params.get("Description", ""),
        tags=new_tags,
    )
    return Outcome({"Policy": {**shapes.policy(context, policy), **shapes.given_tags(new_tags)}}, (put(policy),))


def get_policy(context: Context, params: Params) -> Outcome:
    """GetPolicy."""
    facts = managed.known(context, params["PolicyArn"])
    tag_list = shapes.short_tags_first(facts.tags) if isinstance(facts, Policy) else []
    return Outcome({"Policy": {**shapes.policy(context, facts), **shapes.described(facts), "Tags": tag_list}})


def list_policies(context: Context, params: Params) -> Outcome:
    """ListPolicies: AWS managed and customer managed ones, unless Scope restricts them; in order of creation."""
    prefix = params.get("PathPrefix", "/")
    found = (
        facts
        for facts in _in_scope(context, params.get("Scope", "All"))
        if facts.path.startswith(prefix) and _is_used(context, params, facts)
    )
    return page(params, found, _by_creation).outcome("Policies", lambda facts: shapes.policy(context, facts))


def delete_policy(context: Context, params: Params) -> Outcome:
    """DeletePolicy, with its default version."""
    policy = managed.to_change(context, params["PolicyArn"], "DeletePolicy")
    if shapes.attachments(context, policy.arn) or shapes.boundary_uses(context, policy.arn):
        raise delete_conflict("Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions."
            " The default version is deleted with the policy."
        )
    return Outcome({}, (remove(policy),))


def _by_creation(facts: PolicyFacts) -> str:
    """The sort key of ListPolicies: the account's own first, then by the time of creation."""
    return f"{int(not isinstance(facts, Policy))} {facts.created:012} {by_name(facts)}"


def by_name(facts: PolicyFacts) -> str:
    """The sort key of lists: by name, then by account, as AWS managed and own policies may have equal names."""
    return managed.by_name(facts.arn)


def _in_scope(context: Context, scope: str) -> Iterator[PolicyFacts]:
    if scope == "AWS":
        return iter(aws_managed.every())
    if scope == "Local":
        return iter(POLICY.all(context))
    return chain(aws_managed.every(), POLICY.all(context))


def _is_used(context: Context, params: Params, facts: PolicyFacts) -> bool:
    """Whether the policy passes the filters OnlyAttached and PolicyUsageFilter."""
    usage = params.get("PolicyUsageFilter")
    if usage == "PermissionsBoundary":
        return shapes.boundary_uses(context, facts.arn) > 0
    if not params.get("OnlyAttached", False):
        return True
    if shapes.attachments(context, facts.arn):
        return True
    return usage is None and shapes.boundary_uses(context, facts.arn) > 0


def _tagged(context: Context, params: Params) -> Policy:
    return managed.of(context, params["PolicyArn"])


def _to_tag(context: Context, params: Params, action: str) -> Policy:
    return managed.to_change(context, params["PolicyArn"], action)


OPERATIONS: Final[dict[str, Operation]] = {
    "CreatePolicy": writes(create_policy),
    "GetPolicy": reads(get_policy),
    "ListPolicies": reads(list_policies),
    "DeletePolicy": writes(delete_policy),
    **tags.operations("Policy", Policy, _tagged, _to_tag),
}
