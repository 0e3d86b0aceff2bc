"""Checks of condition keys: whether they exist, and whether requests of the statement's actions have them.

IAM User Guide, "AWS global condition context keys"; Service Authorization Reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.lint.actions import named
from locum.lint.catalogue import ConditionKey, Service
from locum.lint.finding import PolicyType
from locum.lint.globals import OLD_ARN_KEY, SPOOFABLE, global_key
from locum.lint.globs import has_wildcard, matcher
from locum.lint.view import Condition, Issue, Policy, Statement, issue

_RESOURCE_TAG: Final = "aws:resourcetag"
_RESOURCE_TAG_KEY: Final = "aws:resourcetag/${tagkey}"

# "Condition keys like this one are more secure when paired with a related key."
_PAIRS: Final = {
    "aws:vpcsourceip": ("aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn"),
    "aws:ec2instancesourceprivateipv4": ("aws:Ec2InstanceSourceVpc",),
}
_SOME_SERVICES_ONLY: Final = frozenset({"aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths"})

# Keys that only the requests of one action have; in trust policies, the action that is required beside them.
_ACTION_OF: Final = {"iam:passedtoservice": "iam:PassRole"}
_ACTION_OF_IN_TRUST: Final = {
    "sts:sourceidentity": "sts:SetSourceIdentity",
    "sts:transitivetagkeys": "sts:TagSession",
    "aws:requesttag": "sts:TagSession",
    "aws:tagkeys": "sts:TagSession",
}
# The keys under "Properties of a role session" that services define.
_SESSION_KEYS: Final = frozenset(
    {
        "codebuild:buildarn",
        "codebuild:projectarn",
        "ec2:roledelivery",
        "ec2:sourceinstancearn",
        "glue:credentialissuingservice",
        "glue:roleassumedby",
        "identitystore:userid",
        "lambda:sourcefunctionarn",
        "ssm:sourceinstancearn",
    }
)
_S3: Final = frozenset({"AWS::S3::Bucket", "AWS::S3::AccessPoint"})


def formats(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_CONDITION_KEY_FORMAT."""
    for condition in statement.conditions:
        prefix, colon, name = condition.name.partition(":")
        if not (prefix and colon and name):
            yield issue("INVALID_CONDITION_KEY_FORMAT", policy.key(condition.key))


def unknown_keys(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_GLOBAL_CONDITION_KEY, INVALID_SERVICE and INVALID_SERVICE_CONDITION_KEY.

    A prefix with a dot is an identity provider's domain, whose keys are its claims, and cannot be checked.
    """
    for condition in statement.conditions:
        prefix, colon, name = condition.name.partition(":")
        if not (colon and name) or "." in prefix or _is_tagless(condition):
            continue
        place = policy.key(condition.key)
        if prefix == "aws":
            if global_key(condition.name) is None and condition.name != OLD_ARN_KEY:
                yield issue("INVALID_GLOBAL_CONDITION_KEY", place, key=condition.key.name)
        elif policy.catalogue.key(condition.name) is None:
            known = prefix in policy.catalogue.prefixes() or policy.catalogue.owns_keys(prefix)
            code = "INVALID_SERVICE_CONDITION_KEY" if known else "INVALID_SERVICE"
            yield issue(code, place, **({"key": condition.key.name} if known else {}), service=prefix)


def _is_tagless(condition: Condition) -> bool:
    """Whether the key needs a tag key, and has none."""
    base, slash, tag = condition.name.partition("/")
    family = base.partition(":")[2]
    return family in ("resourcetag", "requesttag", "principaltag") and not (slash and tag)


def missing_tag_keys(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_TAG_KEY_IN_CONDITION."""
    for condition in statement.conditions:
        if _is_tagless(condition):
            name = f"{condition.key.name.partition('/')[0]}/"
            yield issue("MISSING_TAG_KEY_IN_CONDITION", policy.key(condition.key), key=name)


def repeated_keys(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for DUPLICATE_KEYS_WITH_DIFFERENT_CASE."""
    seen: dict[tuple[int, str], str] = {}
    for condition in statement.conditions:
        before = seen.setdefault((condition.operator.start, condition.name), condition.key.name)
        if before != condition.key.name:
            words = {"key": condition.key.name}
            yield issue("DUPLICATE_KEYS_WITH_DIFFERENT_CASE", policy.key(condition.key), **words)


def old_arn_key(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for DEPRECATED_GLOBAL_CONDITION_KEY; in resource policies, UNSUPPORTED_GLOBAL_CONDITION_KEY.

    The reference has both for this key: only the second suggests aws:SourceArn, which is for resource policies.
    """
    resource = policy.type in (PolicyType.RESOURCE_POLICY, PolicyType.RESOURCE_CONTROL_POLICY)
    code = "UNSUPPORTED_GLOBAL_CONDITION_KEY" if resource else "DEPRECATED_GLOBAL_CONDITION_KEY"
    for condition in statement.conditions:
        if condition.name == OLD_ARN_KEY:
            yield issue(code, policy.key(condition.key))


def untrustworthy(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for UNTRUSTWORTHY_CONDITION_KEY."""
    for condition in statement.conditions:
        if condition.name in SPOOFABLE:
            yield issue("UNTRUSTWORTHY_CONDITION_KEY", policy.key(condition.key), key=condition.key.name)


def pairs(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_PAIRED_CONDITION_KEYS."""
    for condition in statement.conditions:
        related = _PAIRS.get(condition.name, ())
        if related and not statement.keys & {name.lower() for name in related}:
            words = {"key": condition.key.name, "recommended": ", ".join(related)}
            yield issue("MISSING_PAIRED_CONDITION_KEYS", policy.key(condition.key), **words)


def irrelevant(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for IRRELEVANT_CONDITION_KEY_IN_POLICY: a resource's own policy need not compare its account."""
    for condition in statement.conditions:
        if policy.resource_type in _S3 and condition.name == "s3:resourceaccount":
            words = {"key": condition.key.name, "resource_type": str(policy.resource_type)}
            yield issue("IRRELEVANT_CONDITION_KEY_IN_POLICY", policy.key(condition.key), **words)


def some_services_only(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES: where the actions are not limited to such services."""
    everything = any(node.text.startswith("*") for node in statement.actions)
    if not everything and statement.element("NotAction") is None:
        return
    for condition in statement.conditions:
        if condition.name in _SOME_SERVICES_ONLY:
            words = {"key": condition.key.name}
            yield issue("USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES", policy.key(condition.key), **words)


# --- keys and actions ---


def missing_actions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_ACTION_FOR_CONDITION_KEY."""
    if statement.element("Action") is None or not statement.allows:
        return
    needed = _ACTION_OF | (_ACTION_OF_IN_TRUST if policy.trusts(statement) else {})
    patterns = [matcher(node.text.lower()) for node in statement.actions]
    for condition in statement.conditions:
        action = needed.get(condition.name.partition("/")[0])
        if action is not None and not any(matches(action.lower()) for matches in patterns):
            words = {"action": action, "key": condition.key.name}
            yield issue("MISSING_ACTION_FOR_CONDITION_KEY", policy.key(condition.key), **words)


def unsupported_actions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for UNSUPPORTED_ACTION_FOR_CONDITION_KEY: a service's key with actions whose requests never have it.

    "If the Action element has actions with wildcards, IAM Access Analyzer doesn't evaluate those actions". Actions of
    other services are reported for the keys of a single action; keys of role sessions are valid with every action.
    """
    for condition in statement.conditions:
        key = policy.catalogue.key(condition.name)
        if key is None or condition.name in _SESSION_KEYS or not condition.family:
            continue
        others = [node for node in statement.actions if _never_has(policy, node.text.lower(), condition, key)]
        if others:
            places = (*map(policy.value, others), policy.key(condition.key))
            names = ", ".join(node.text for node in others)
            yield issue("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", *places, actions=names, key=condition.key.name)


def _never_has(policy: Policy, text: str, condition: Condition, key: ConditionKey) -> bool:
    prefix, _, name = text.partition(":")
    service = policy.catalogue.service(prefix)
    action = service.actions.get(name) if service is not None else None
    if action is None or has_wildcard(text):
        return False
    if condition.name in _ACTION_OF:
        return text != _ACTION_OF[condition.name].lower()
    if prefix != condition.name.partition(":")[0] or key.name.lower() in action.keys:
        return False
    # The reference has several placeholders for a tag key: ${TagKey}, <key>, tag-key.
    base, slash, _ = condition.name.partition("/")
    return not (slash and any(known.partition("/")[0] == base for known in action.keys))


def unsupported_tags(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for DENY_ and ALLOW_, with and without NOTACTION_, ..WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE.

    A negated operator and one with IfExists hold where the key is absent; others are never true.
    """
    effect = "DENY" if statement.denies else "ALLOW"
    for condition in statement.conditions:
        tagged = condition.name.startswith(f"{_RESOURCE_TAG}/") and condition.family not in ("", "Null")
        if not tagged or condition.negated or (condition.parts is not None and condition.parts.if_exists):
            continue
        place, words = policy.key(condition.key), {"key": condition.key.name}
        if statement.element("NotAction") is not None:
            yield issue(f"{effect}_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", place, **words)
            continue
        names = sorted(set(_services_without_tags(policy, statement)))
        if names:
            words["services"] = ", ".join(names)
            yield issue(f"{effect}_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", place, **words)


def _services_without_tags(policy: Policy, statement: Statement) -> Iterator[str]:
    """The services of the statement's actions that do not support resource tags."""
    for _, prefix, name in named(statement):
        service = policy.catalogue.service(prefix)
        if service is not None and not _tags(service, name.lower()):
            yield prefix


def _tags(service: Service, name: str) -> bool:
    if has_wildcard(name):
        return _RESOURCE_TAG_KEY in service.keys
    action = service.actions.get(name)
    return action is None or _RESOURCE_TAG_KEY in action.keys
