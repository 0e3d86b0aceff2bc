"""The policies to simulate: of which entity, which of them, and how a result calls them.

SourcePolicyId, as AWS answers it: `user_NAME_POLICY` of an inline policy (`group_`, `role_` likewise), the name of a
managed one, `PolicyInputList.1` of a document that came with the request.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum import authz, policy
from locum.authz.principal_policies import held_policies
from locum.authz.supposed import NO_POLICIES
from locum.policy import CompiledPolicy, MalformedPolicy, Policies, PolicyKind, Source
from locum.policy.patterns import glob, scan
from locum.policy.stored import is_replacement
from locum.services.iam.faults import invalid_input
from locum.services.iam.simulator import faults
from locum.services.verbs import Context
from locum.state import AWS_MANAGED_ACCOUNT, State
from locum.state.arns import entity_of
from locum.state.attachments import Attachment, Identity

Exclusion = Callable[[Attachment], bool]

_ENTITY: Final = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):(?:user|group|role)/(?:.*/)?[^/]+")
_POLICY_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::(?:[0-9]{12}|aws):policy/[^:]+")
_BOUNDARY: Final = "permission-boundary"
_SERVICE_CONTROL: Final = "scp"


def entity(context: Context, arn: str) -> Identity:
    """The user, group or role `arn` of the account. Raises InvalidInput, NoSuchEntity.

    The whole ARN must be right: the call was authorized for it, and another path is somebody else's.
    """
    match = _ENTITY.fullmatch(arn)
    if match is None:
        raise faults.invalid_source(arn)
    account = match[1]
    if account != context.account:
        raise faults.foreign_source(context.account, account)
    found = entity_of(context.state, arn)
    if not isinstance(found, Identity):
        raise faults.no_source()
    return found


def given(texts: Iterable[str], kind: PolicyKind, member: str, label: str) -> tuple[CompiledPolicy, ...]:
    """The documents of a list in the request. Raises InvalidInput.

    As in decision cases, a value that compares to nothing (a bad date ...) is let pass, and then matches nothing.
    """
    return tuple(_input(text, kind, f"{member}.{number}", label, number) for number, text in enumerate(texts, 1))


def _input(text: str, kind: PolicyKind, name: str, label: str, number: int) -> CompiledPolicy:
    try:
        document = policy.parse(text, kind, judge_values=False)
    except MalformedPolicy as error:
        raise faults.invalid_policy(label, number) from error
    return policy.compile(document, Source(kind, name))


class Stored(NamedTuple):
    """The policies that apply to an entity, and the SourcePolicyIds of those that are not called as their source is."""

    policies: Policies
    names: Mapping[Source, str]


NOTHING_STORED: Final = Stored(NO_POLICIES, {})


def stored(
    state: State, of: Identity, omitted: Exclusion | None = None, *, bounded: bool = True, governed: bool = True
) -> Stored:
    """The policies of an entity as `authz.gathered` has them. Raises PolicyEvaluation where one cannot be told."""
    held = held_policies(state, of)
    if omitted is not None:
        held = tuple(one for one in held if one.attachment is None or not omitted(one.attachment))
    policies = authz.gathered(state, of, held, bounded=bounded, governed=governed)
    names = {one.policy.source: _identifier(one.attachment) for one in held if one.attachment}
    boundary = () if policies.boundary is None else (policies.boundary,)
    names |= {found.source: found.source.arn.rsplit("/", 1)[-1] for found in boundary}
    for found in (*policies.identity, *boundary, *itertools.chain.from_iterable(policies.scps)):
        if is_replacement(found):
            raise faults.policy_evaluation(names.get(found.source, found.source.name))
    return Stored(policies, names)


def _identifier(found: Attachment) -> str:
    return found.name if found.arn else f"{found.owner.arn_kind}_{found.owner.name}_{found.name}"


# --- PolicyExclusionList ---------------------------------------------------------------------------------------


def excludes_boundary(identifiers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the attached boundary is left out. Only its type says so: an ARN means identity policies."""
    return any(identifier.get("PolicyType") == _BOUNDARY for identifier in identifiers)


def excludes_service_controls(identifiers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the SCPs are left out, which only their type says. One by one they cannot be named."""
    return any(identifier.get("PolicyType") == _SERVICE_CONTROL for identifier in identifiers)


def exclusion(identifiers: Sequence[Mapping[str, Any]]) -> Exclusion:
    """The test for attached policies to leave out. Raises InvalidInput. Identifiers that match nothing are ignored."""
    tests = [_identified(identifier) for identifier in identifiers]
    return lambda found: any(test(found) for test in tests)


def _identified(identifier: Mapping[str, Any]) -> Exclusion:
    if len(identifier) != 1:
        raise invalid_input(
            "A policy identifier must have exactly one of PolicyType, PolicyArn, InlinePolicyIdentifier."
        )
    if "PolicyType" in identifier:
        kind = identifier["PolicyType"]
        return lambda found: _type(found) == kind
    if "PolicyArn" in identifier:
        return _arn(identifier["PolicyArn"])
    return _inline(identifier["InlinePolicyIdentifier"])


def _type(found: Attachment) -> str:
    if not found.arn:
        return "inline"
    return "aws-managed" if found.arn.split(":")[4] == AWS_MANAGED_ACCOUNT else "user-managed"


def _arn(text: str) -> Exclusion:
    """ "use at most one * ... and any number of ?", in the name; the path may be left out."""
    if not _POLICY_ARN.fullmatch(text) or text.count("*") > 1:
        raise faults.invalid_source(text)
    matches = glob(scan(text, variables=False))
    return lambda found: bool(found.arn) and (matches(found.arn) or matches(_pathless(found)))


def _pathless(found: Attachment) -> str:
    return f"{found.arn.partition('/')[0]}/{found.name}"


def _inline(wanted: Mapping[str, str]) -> Exclusion:
    owner = wanted["AttachmentName"]
    if owner.count("*") > 1:
        raise invalid_input(f"Invalid attachment name: {owner}")
    matches = glob(scan(owner, variables=False))
    return lambda found: (
        not found.arn
        and found.name == wanted["PolicyName"]
        and found.owner.arn_kind == wanted["AttachmentType"]
        and matches(found.owner.name)
    )
