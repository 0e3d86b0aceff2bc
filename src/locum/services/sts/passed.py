"""Session policies and session tags that a caller passes to a session.

STS API, AssumeRole and GetFederationToken:
- "You can provide up to 10 managed policy ARNs. However, the plaintext that you use for both inline and managed
  session policies can't exceed 2,048 characters."
- "The policies must exist in the same account as the role."
- "You can pass up to 50 session tags. The plaintext session tag keys can't exceed 128 characters, and the values
  can't exceed 256 characters."
- "Tag key-value pairs are not case sensitive, but case is preserved."
- "An Amazon Web Services conversion compresses the passed inline session policy, managed policy ARNs, and session
  tags into a packed binary format that has a separate limit. [...] The PackedPolicySize response element indicates by
  percentage how close the policies and tags for your request are to the upper size limit."

The packed format is not documented. Deflate is used here, with a limit such that the example of that page has the
percentage of the page (8).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from locum import policy
from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.letter_case import folded
from locum.core.principal import Session
from locum.services.sts.faults import constraint, invalid
from locum.services.verbs import Params
from locum.state import AWS_MANAGED_ACCOUNT, Policy, State, managed
from locum.state.arns import entity_by_arn

MAX_POLICY_TEXT: Final = 2048
MAX_POLICY_ARNS: Final = 10
MAX_TAGS: Final = 50
MAX_TAG_KEY: Final = 128
MAX_TAG_VALUE: Final = 256
PACKED_LIMIT: Final = 2048  # bytes after deflate

_POLICY_RESOURCE: Final = "policy/"


@dataclass(frozen=True, slots=True)
class Passed:
    """Session policies and tags that passed all checks. `packed` is the PackedPolicySize in percent, None for none."""

    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    packed: int | None = None


NOTHING: Final = Passed()
_MEMBERS: Final = ("Policy", "PolicyArns", "Tags", "TransitiveTagKeys")


def read(state: State, account: str, params: Params, calling: Session | None = None) -> Passed:
    """The session policies and tags in `params` for a session in `account`, chained from `calling` where there is one.

    Raises Fault: ValidationError, InvalidParameterValue, MalformedPolicyDocument, PackedPolicyTooLarge.
    """
    inherited = _inherited(calling)
    if not inherited and not any(params.get(member) for member in _MEMBERS):
        return NOTHING
    document, arns = params.get("Policy"), _policy_arns(state, account, params.get("PolicyArns") or ())
    _check_policies(document, arns)
    tags = _tags(params.get("Tags") or (), inherited)
    transitive = _transitive(params.get("TransitiveTagKeys") or (), tags)
    return Passed(
        document,
        arns,
        {**inherited, **tags},
        (*inherited, *transitive),
        _packed(document, arns, tags),
    )


def session_tags(params: Params) -> dict[str, str]:
    """The tags in `params`. Raises Fault: ValidationError, InvalidParameterValue."""
    return _tags(params.get("Tags") or (), {})


def _inherited(calling: Session | None) -> dict[str, str]:
    """The transitive tags of the calling session, which pass "to subsequent sessions in a role chain"."""
    if calling is None:
        return {}
    return {key: calling.tags[key] for key in calling.transitive_tag_keys}


def _policy_arns(state: State, account: str, descriptors: Any) -> tuple[str, ...]:
    arns = tuple(descriptor.get("arn", "") for descriptor in descriptors)
    if len(arns) > MAX_POLICY_ARNS:
        rule = f"Member must have length less than or equal to {MAX_POLICY_ARNS}"
        raise constraint(list(arns), "policyArns", rule)
    for text in arns:
        arn = Arn.find(text)
        if arn is None or arn.service != "iam" or not arn.resource.startswith(_POLICY_RESOURCE):
            raise invalid(f"The specified value for policyArns is invalid: {text} is not the ARN of a managed policy.")
        if not _exists(state, account, arn):
            raise invalid(f"Policy {text} does not exist or is not attachable.")
    return arns


def _exists(state: State, account: str, arn: Arn) -> bool:
    """Whether the policy `arn` exists and is an AWS managed one or one of `account`."""
    if arn.account == AWS_MANAGED_ACCOUNT:
        return managed.summary(str(arn)) is not None
    return entity_by_arn(state, Policy, str(arn), account) is not None


def _check_policies(document: str | None, arns: tuple[str, ...]) -> None:
    if len(document or "") + sum(map(len, arns)) > MAX_POLICY_TEXT:
        rule = f"Member must have length less than or equal to {MAX_POLICY_TEXT}"
        raise constraint(document or list(arns), "policy" if document else "policyArns", rule)
    if document is None:
        return
    try:
        policy.parse(document, policy.PolicyKind.SESSION)
    except policy.MalformedPolicy as malformed:
        raise Fault("MalformedPolicyDocument", malformed.message) from malformed


def _tags(given: Any, inherited: Mapping[str, str]) -> dict[str, str]:
    if len(given) > MAX_TAGS:
        raise constraint("[...]", "tags", f"Member must have length less than or equal to {MAX_TAGS}")
    tags: dict[str, str] = {}
    for position, tag in enumerate(given, 1):
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if not 0 < len(key) <= MAX_TAG_KEY:
            rule = f"Member must have length less than or equal to {MAX_TAG_KEY}" if key else "Member must not be null"
            raise constraint(key, f"tags.{position}.member.key", rule)
        if len(value) > MAX_TAG_VALUE:
            rule = f"Member must have length less than or equal to {MAX_TAG_VALUE}"
            raise constraint(value, f"tags.{position}.member.value", rule)
        if folded(key).startswith("aws:"):
            raise _bad_tags(f"The tag key {key} is not valid. Tag keys that start with aws: are reserved.")
        tags[key] = value
    keys = {folded(key) for key in tags}
    if len(keys) < len(given):
        raise _bad_tags("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if not keys.isdisjoint(folded(key) for key in inherited):
        raise _bad_tags(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
            "from the calling session."
        )
    return tags


def _transitive(given: Any, tags: Mapping[str, str]) -> tuple[str, ...]:
    """The transitive keys, spelled as in the tags. Keys are compared without regard to case."""
    spelling = {folded(key): key for key in tags}
    try:
        return tuple(dict.fromkeys(spelling[folded(key)] for key in given))
    except KeyError:
        raise _bad_tags("The specified transitive tag key must be included in the requested tags.") from None


def _bad_tags(message: str) -> Fault:
    return Fault("InvalidParameterValue", message)


def _packed(document: str | None, arns: tuple[str, ...], tags: Mapping[str, str]) -> int | None:
    policies = "\0".join((document or "", *arns))
    labels = "\0".join(f"{key}\0{value}" for key, value in tags.items())
    if not policies and not labels:
        return None
    percent = len(zlib.compress(f"{policies}\0{labels}".encode())) * 100 // PACKED_LIMIT
    if percent > 100:
        raise Fault("PackedPolicyTooLarge", _too_large(labels, percent, len(labels) > len(policies)))
    return percent


def _too_large(labels: str, percent: int, mostly_tags: bool) -> str:
    if labels and mostly_tags:
        return f"Packed size of session tags consumes {percent}% of allotted space."
    return f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
