"""Policies of S3 buckets and access points: their resources, actions and condition keys, held against each other.

Amazon S3 User Guide, "Policy actions for Amazon S3": each action applies to buckets, objects or access points, and a
policy is refused where an action applies to none of its statement's resources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from locum.authz import service_reference
from locum.authz.call import Call
from locum.authz.resource_policies.flaws import Flaw, FlawedPolicy
from locum.authz.resource_policies.rules import ANY_SERVICE
from locum.core.arn import BUCKETS, PARTITION
from locum.policy import Document, Statement
from locum.policy.compile import action_pattern

_INVALID_RESOURCE: Final = "Policy has invalid resource"
_INVALID_ACTION: Final = "Policy has invalid action"
_NO_RESOURCE: Final = "Action does not apply to any resource(s) in statement"
_INVALID_KEY: Final = "Policy has an invalid condition key"
_NO_ACTION: Final = "Conditions do not apply to combination of actions and resources in statement"

_WIDE_KEYS: Final = ("s3:accesspoint", "s3:dataaccesspoint")
"""The beginnings of keys of which the reference lists only some of the actions that have them."""


class Action(NamedTuple):
    """An action of S3: the types of its resources, and its condition keys in lower case, without a tag key."""

    kinds: frozenset[str]
    keys: frozenset[str]


class Place(NamedTuple):
    """The resources of a policy: the bucket or access point `arn`, what is inside it, and the types of both."""

    arn: str
    inside: str
    kind: str
    kind_inside: str


def check_bucket_policy(document: Document, call: Call) -> None:
    """Raise FlawedPolicy where S3 refuses a bucket policy that is well-formed."""
    arn = f"{BUCKETS}{call.params.get('Bucket', '')}"
    _check(document, Place(arn, f"{arn}/", "bucket", "object"))


def check_access_point_policy(document: Document, call: Call) -> None:
    """Raise FlawedPolicy where S3 refuses the policy of an access point that is well-formed."""
    account = call.params.get("AccountId") or call.caller.account
    arn = f"arn:{PARTITION}:s3:{call.region}:{account}:accesspoint/{call.params.get('Name', '')}"
    _check(document, Place(arn, f"{arn}/object/", "accesspoint", "accesspointobject"))


def _check(document: Document, place: Place) -> None:
    for statement in document.statements:
        kinds = frozenset(
            kind
            for resource in statement.resources or statement.not_resources or ()
            for kind in _kinds(resource, place)
        )
        if statement.not_resources is not None:
            kinds = frozenset({place.kind, place.kind_inside})
        for pattern in statement.not_actions or ():
            _matching(pattern)
        for pattern in statement.actions or ():
            applicable = [action for action in _matching(pattern) if action.kinds & kinds]
            if not applicable:
                raise FlawedPolicy(Flaw.ACTION_RESOURCE, _NO_RESOURCE, pattern)
            _check_keys(statement, applicable)


def _kinds(resource: str, place: Place) -> Iterator[str]:
    """The types of the resources that the pattern `resource` may match. Raises FlawedPolicy for another place's."""
    if not resource.startswith(place.arn):
        raise FlawedPolicy(Flaw.RESOURCE, _INVALID_RESOURCE, resource)
    rest = resource[len(place.arn) :]
    if rest[:1] not in ("", "/", "*", "?"):
        raise FlawedPolicy(Flaw.RESOURCE, _INVALID_RESOURCE, resource)
    if rest[:1] != "/":
        yield place.kind
    if rest[:1] == "*" or resource.startswith(place.inside):
        yield place.kind_inside


def _matching(pattern: str) -> list[Action]:
    """The actions that `pattern` matches. Raises FlawedPolicy where there are none."""
    known = _actions()
    if pattern in ANY_SERVICE:
        return list(known.values())
    compiled = action_pattern(pattern)
    found = [action for name, action in known.items() if compiled.service == "s3" and compiled.matches(name)]
    if not found:
        raise FlawedPolicy(Flaw.ACTION, _INVALID_ACTION, pattern)
    return found


def _check_keys(statement: Statement, actions: list[Action]) -> None:
    """Raise FlawedPolicy for a key of S3 that does not exist, or that none of the actions has."""
    for condition in statement.conditions:
        key = _without_tag(condition.key)
        if not key.startswith("s3:"):
            continue
        if key not in _keys():
            raise FlawedPolicy(Flaw.CONDITION_KEY, _INVALID_KEY, condition.key)
        listed = any(key in action.keys for action in _actions().values()) and not key.startswith(_WIDE_KEYS)
        if listed and not any(key in action.keys for action in actions):
            raise FlawedPolicy(Flaw.CONDITION_ACTION, _NO_ACTION, condition.key)


def _without_tag(key: str) -> str:
    """`s3:ExistingObjectTag/<key>` as `s3:existingobjecttag`."""
    return key.lower().partition("/")[0]


@cache
def _actions() -> Mapping[str, Action]:
    """The actions of S3 by their lower-case names with the prefix."""
    return {
        f"s3:{name}": Action(
            frozenset(kind["name"] for kind in entry["resourceTypes"]),
            frozenset(map(_without_tag, entry["conditionKeys"])),
        )
        for name, entry in service_reference.actions("s3").items()
    }


@cache
def _keys() -> frozenset[str]:
    return frozenset(map(_without_tag, service_reference.condition_keys("s3")))
