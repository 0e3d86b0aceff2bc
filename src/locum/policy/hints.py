"""What a person most likely meant: the typical mistakes, recognised from what was compared.

Pure wording for `explain`; nothing here decides anything. Each hint is one sentence, or empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from locum.core.principal import Principal, PrincipalKind
from locum.policy.conditions import PreparedCondition
from locum.policy.context import ContextValue
from locum.policy.facts import Facts
from locum.policy.patterns import ArnPattern, Variable, scan

_FIELDS: Final = ("arn", "partition", "service", "region", "account", "resource")


def action_hint(patterns: Sequence[str], action: str) -> str:
    """Why none of `patterns` is `action`."""
    service, _, name = action.lower().partition(":")
    for pattern in patterns:
        other, _, named = pattern.lower().partition(":")
        if named == name and other != service:
            return f"{pattern} is the action of another service: the prefix here is {service}"
    return ""


def resource_hint(patterns: Sequence[ArnPattern], facts: Facts) -> str:
    """Why none of `patterns` is the request's resource; the most telling one."""
    if facts.request.wildcard_only:
        return f'{facts.request.action} has no resource-level permissions: it is allowed on Resource "*" only'
    found = [hint for hint in (_resource_hint(pattern, facts) for pattern in patterns) if hint]
    return found[0] if found else ""


def _resource_hint(pattern: ArnPattern, facts: Facts) -> str:
    text, resource = pattern.text, facts.resource
    if pattern.matches(resource, facts.variable) is None:
        return f"in {text}, {_valueless(text, facts)} has no value in this request"
    if resource.startswith(f"{text.rstrip('/')}/"):
        return f"{text} is the container itself: what is in it is {text.rstrip('/')}/*"
    if text.endswith("/*") and resource == text[:-2]:
        return f"{text} is what is in it: the container itself is {text[:-2]}"
    if text.lower() == resource.lower():
        return f"{text} differs from the request's only in upper and lower case"
    return _differing_field(text, resource)


def _valueless(text: str, facts: Facts) -> str:
    variables = [token for token in scan(text, variables=True) if isinstance(token, Variable)]
    valueless = [v.key for v in variables if v.default is None and facts.variable(v.key) is None]
    return ", ".join(f"${{{key}}}" for key in valueless or [v.key for v in variables])


def _differing_field(text: str, resource: str) -> str:
    """The one field of two ARNs that differs, where it is only one and not what the resource is called."""
    ours, theirs = text.split(":", 5), resource.split(":", 5)
    if len(ours) != 6 or len(theirs) != 6:
        return ""
    differing = [i for i in range(6) if ours[i] != theirs[i] and "*" not in ours[i]]
    if len(differing) != 1 or differing[0] == 5:
        return ""
    i = differing[0]
    return f"the {_FIELDS[i]} differs: the policy has {ours[i] or 'none'}, the request has {theirs[i] or 'none'}"


def principal_hint(listed: Sequence[str], principal: Principal) -> str:
    """Why none of the `listed` AWS principals is the caller."""
    for name in listed:
        if name.startswith(("AIDA", "AROA")) and name != principal.unique_id:
            return f"{name} is the id of another user or role, perhaps one that was deleted and made again"
    wanted = principal.principal_arn
    for name in listed:
        hint = _named_otherwise(name, wanted)
        if hint:
            return hint
    if principal.kind is PrincipalKind.SERVICE and listed:
        return "the caller is an AWS service: it is named under Service"
    return ""


def _named_otherwise(name: str, wanted: str) -> str:
    if name.lower() == wanted.lower():
        return f"{name} differs from the caller only in upper and lower case"
    ours, theirs = name.split(":", 5), wanted.split(":", 5)
    if len(ours) != 6 or len(theirs) != 6:
        return ""
    if ours[5] == theirs[5] and ours[4] != theirs[4]:
        return f"{name} is in another account: the caller's is {theirs[4]}"
    if ours[:5] == theirs[:5] and ours[5].rsplit("/", 1)[-1] == theirs[5].rsplit("/", 1)[-1]:
        return f"{name} has another path: the caller is {wanted}"
    return ""


def condition_hint(condition: PreparedCondition, value: ContextValue | None) -> str:
    """Why `condition` does not hold for `value`."""
    source = condition.source
    if value is None:
        return f"the request has no {source.key}"
    given = (value,) if isinstance(value, str) else value
    if condition.operator.negated:
        return ""
    lowered = {text.lower() for text in source.values}
    if any(item.lower() in lowered for item in given) and condition.operator.family != "Null":
        return f"{source.key} differs only in upper and lower case"
    if condition.operator.comparison.startswith("equals") and any("*" in text for text in source.values):
        return f"{source.operator} takes * literally: StringLike has wildcards"
    return ""
