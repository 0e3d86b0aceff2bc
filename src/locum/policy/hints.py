"""Hints for explanations: typical mistakes in policies, recognised from the values that were compared.

Wording only, for `explain`; no decision depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from locum.core.arn import Arn
from locum.core.principal import ContextValue, Principal, PrincipalKind
from locum.policy.conditions import UNKNOWN_OPERATOR, PreparedCondition
from locum.policy.document import Principals
from locum.policy.patterns import ArnPattern, Variable, has_variables, scan
from locum.policy.prepared import PreparedRequest

_FIELDS: Final = ("arn", "partition", "service", "region", "account", "resource")
_SHOWN: Final = 4

# Operations that are authorized by an action of another name: Service Authorization Reference; for S3, "Required
# permissions for Amazon S3 API operations".
_ACTIONS_OF_OPERATIONS: Final = {
    "lambda:invoke": "lambda:invokefunction",
    "s3:completemultipartupload": "s3:putobject",
    "s3:copyobject": "s3:putobject",
    "s3:createmultipartupload": "s3:putobject",
    "s3:deleteobjects": "s3:deleteobject",
    "s3:headbucket": "s3:listbucket",
    "s3:headobject": "s3:getobject",
    "s3:listbuckets": "s3:listallmybuckets",
    "s3:listobjects": "s3:listbucket",
    "s3:listobjectsv2": "s3:listbucket",
    "s3:uploadpart": "s3:putobject",
    "sns:publishbatch": "sns:publish",
    "sqs:deletemessagebatch": "sqs:deletemessage",
    "sqs:sendmessagebatch": "sqs:sendmessage",
}

# How a call sets a condition key, where that is not plain from the key.
_HOW_TO_SET: Final = {
    "aws:multifactorauthpresent": "sign in with MFA: call with credentials of sts:GetSessionToken with a TokenCode",
    "aws:multifactorauthage": "sign in with MFA: call with credentials of sts:GetSessionToken with a TokenCode",
    "aws:sourceidentity": "pass SourceIdentity when the role is assumed",
    "aws:sourcevpc": "call through a VPC endpoint",
    "aws:sourcevpce": "call through a VPC endpoint",
    "sts:externalid": "pass ExternalId",
    "sts:sourceidentity": "pass SourceIdentity",
}
_HOW_TO_TAG: Final = {
    "aws:principaltag": "tag the caller",
    "aws:requesttag": "send a tag with the call",
}


class Hint(NamedTuple):
    """A hint on why a statement does not match. Each part may be empty.

    `says` is the likely mistake, `edit` a change of the statement ("add X to Resource"), `call` a change of the call,
    its caller or its resource.
    """

    says: str = ""
    edit: str = ""
    call: str = ""


NO_HINT: Final = Hint()


def few(texts: Sequence[str], shown: int = _SHOWN) -> str:
    """The first `shown` of `texts`, and the number of the others: `a, b and 3 more`."""
    more = f" and {len(texts) - shown} more" if len(texts) > shown else ""
    return f"{', '.join(text or _EMPTY for text in texts[:shown])}{more}"


_EMPTY: Final = '"" (empty)'


# --- Action --------------------------------------------------------------------------------------------------


def action_hint(patterns: Sequence[str], action: str) -> Hint:
    """A hint on why none of the Action `patterns` matches `action`."""
    service, _, name = action.lower().partition(":")
    for pattern in patterns:
        lowered = pattern.lower()
        other, _, operation = lowered.partition(":")
        edit = f"write {action} in place of {pattern} in Action"
        if operation == name and other != service:
            return Hint(f"{pattern} is the action of another service: the prefix here is {service}", edit)
        if _ACTIONS_OF_OPERATIONS.get(lowered) == f"{service}:{name}":
            return Hint(f"{pattern} names a call, and is no action: the call takes the action {action}", edit)
    return NO_HINT


# --- Resource ------------------------------------------------------------------------------------------------


def resource_hint(patterns: Sequence[ArnPattern], prepared: PreparedRequest) -> Hint:
    """A hint on why none of the Resource `patterns` matches the request's resource."""
    if prepared.request.wildcard_only:
        action = prepared.request.action
        return Hint(
            f'{action} has no resource-level permissions: it is allowed on Resource "*" only',
            call=f'allow {action} in a statement of its own, with Resource "*"',
        )
    found = [hint for hint in (_resource_hint(pattern, prepared) for pattern in patterns) if hint.says]
    return found[0] if found else NO_HINT


def _resource_hint(pattern: ArnPattern, prepared: PreparedRequest) -> Hint:
    text, resource = pattern.text, prepared.resource
    if pattern.matches(resource, prepared.variable) is None:
        return _variable_without_value(text, prepared)
    if pattern.fixed is not None and has_variables(scan(text, variables=True)):
        return _variable_in_old_version(text)
    inside = f"{text.rstrip('/')}/"
    if resource.startswith(inside):
        return Hint(f"{text} is {_container(text)} itself: what is in it is {inside}*", f"add {inside}* to Resource")
    if text.endswith("/*") and resource == text[:-2]:
        said = f"{text} is what is in {_container(text)}: {_container(text)} itself is {resource}"
        return Hint(said, f"add {resource} to Resource")
    if text.lower() == resource.lower():
        said = f"{text} differs from the request's only in upper and lower case"
        return Hint(said, f"write {resource} in place of {text} in Resource")
    return _differing_field(text, resource)


def _container(text: str) -> str:
    return "the bucket" if text.startswith("arn:aws:s3:::") and text.rstrip("/*").count("/") == 0 else "the container"


def _variable_without_value(text: str, prepared: PreparedRequest) -> Hint:
    variables = [token for token in scan(text, variables=True) if isinstance(token, Variable)]
    keys = [v.key for v in variables if v.default is None and prepared.variable(v.key) is None]
    listed = ", ".join(f"${{{key}}}" for key in keys or [v.key for v in variables])
    return Hint(f"in {text}, {listed} has no value in this request", call=how_to_set(keys[0], ()) if keys else "")


def _variable_in_old_version(text: str) -> Hint:
    said = f"${{...}} in {text} is plain text in Version 2008-10-17, which a policy without a Version has"
    return Hint(said, 'write "Version": "2012-10-17" in the document')


def _differing_field(text: str, resource: str) -> Hint:
    """A hint where two ARNs differ in exactly one field, and that is not the resource."""
    ours, theirs = text.split(":", 5), resource.split(":", 5)
    if len(ours) != 6 or len(theirs) != 6:
        return NO_HINT
    differing = [i for i in range(6) if ours[i] != theirs[i] and "*" not in ours[i]]
    if len(differing) != 1 or differing[0] == 5:
        return NO_HINT
    i = differing[0]
    said = f"the {_FIELDS[i]} differs: the policy has {ours[i] or 'none'}, the request has {theirs[i] or 'none'}"
    call = f"make the call in region {ours[i]}" if _FIELDS[i] == "region" and ours[i] and theirs[i] else ""
    return Hint(said, f"add {resource} to Resource", call)


# --- Principal -----------------------------------------------------------------------------------------------


def principal_hint(listed: Principals, principal: Principal) -> Hint:
    """A hint on why none of the `listed` principals is the caller."""
    if principal.provider:
        said = "the caller is signed in by an identity provider: it is named under Federated"
        return Hint(said, f"add Federated {principal.provider} to Principal")
    wanted = principal.principal_arn or principal.arn
    for name in listed.aws:
        if name.startswith(("AIDA", "AROA")) and name != principal.unique_id:
            said = f"{name} is the id of another user or role, perhaps one that was deleted and made again"
            return Hint(said, f"write {wanted} in place of {name} in Principal")
    for name in listed.aws:
        hint = _similar_principal(name, wanted)
        if hint.says:
            return hint
    if principal.kind is PrincipalKind.SERVICE and listed.aws:
        return Hint("the caller is an AWS service: it is named under Service", f"add Service {wanted} to Principal")
    services_only = listed.service and not (listed.aws or listed.federated or listed.canonical)
    if services_only and principal.kind is not PrincipalKind.SERVICE:
        return Hint(f"it names the service {few(listed.service)} only", f"add AWS {wanted} to Principal")
    return NO_HINT


def _similar_principal(name: str, wanted: str) -> Hint:
    edit = f"write {wanted} in place of {name} in Principal"
    if name.lower() == wanted.lower():
        return Hint(f"{name} differs from the caller only in upper and lower case", edit)
    theirs = wanted.split(":", 5)
    ours = ["arn", "aws", "iam", "", name, "root"] if _is_account(name) else name.split(":", 5)
    if len(ours) != 6 or len(theirs) != 6:
        return NO_HINT
    if ours[4] != theirs[4] and (ours[5] in ("root", theirs[5])):
        said = f"it names account {ours[4]}; the call comes from account {theirs[4]}"
        return Hint(said, f"add {wanted} to Principal")
    if ours[:5] == theirs[:5] and ours[5].rsplit("/", 1)[-1] == theirs[5].rsplit("/", 1)[-1]:
        return Hint(f"{name} has another path: the caller is {wanted}", edit)
    return NO_HINT


def _is_account(name: str) -> bool:
    return len(name) == 12 and name.isascii() and name.isdigit()


def principal_label(principal: Principal) -> str:
    """A short name of `principal` for people: `user alice`, `role app`, `the service sns.amazonaws.com`."""
    if principal.kind is PrincipalKind.SERVICE:
        return f"the service {principal.arn}"
    arn = Arn.find(principal.principal_arn)
    if arn is None:
        return "the caller"
    kind, _, rest = arn.resource.partition("/")
    return f"{kind} {rest.rsplit('/', 1)[-1]}".rstrip()


# --- Condition -----------------------------------------------------------------------------------------------


def condition_hint(condition: PreparedCondition, value: ContextValue | None, prepared: PreparedRequest) -> Hint:
    """A hint on why `condition` does not hold for `value`."""
    source, operator = condition.source, condition.operator
    if operator is UNKNOWN_OPERATOR:
        return Hint(f"there is no condition operator {source.operator}: IAM refuses this document")
    if operator.family == "Null":
        return Hint(call=f"make the call {'without' if value is not None else 'with'} {source.key}")
    if value is None:
        return Hint(f"the request has no {source.key}", call=how_to_set(source.key, source.values))
    if operator.negated:
        return Hint(call=f"make the call with another {source.key} than {few(source.values)}")
    variable = _variable_hint(condition, prepared)
    if variable.says:
        return variable
    given = (value,) if isinstance(value, str) else value
    pair = next(((g, w) for g in given for w in source.values if g.lower() == w.lower()), None)
    if pair is not None and operator.family == "String":
        return _differs_in_case(source.key, source.operator, *pair)
    if (
        operator.family == "String"
        and operator.comparison.startswith("equals")
        and any("*" in t for t in source.values)
    ):
        like = source.operator.replace("IgnoreCase", "").replace("Equals", "Like")
        said = f"{source.operator} takes * literally: {like} has wildcards"
        return Hint(said, f"write {like} in place of {source.operator} in Condition")
    return Hint(call=how_to_set(source.key, source.values) if operator.family in ("String", "Bool", "Arn") else "")


def _variable_hint(condition: PreparedCondition, prepared: PreparedRequest) -> Hint:
    """A hint where a variable among the values has no value, or is not a variable in this version."""
    if condition.operator.family not in ("String", "Bool", "Arn"):
        return NO_HINT
    for text in condition.source.values:
        variables = [token for token in scan(text, variables=True) if isinstance(token, Variable)]
        if variables and not condition.variables:
            return _variable_in_old_version(text)
        if any(token.default is None and prepared.variable(token.key) is None for token in variables):
            return _variable_without_value(text, prepared)
    return NO_HINT


def _differs_in_case(key: str, operator: str, given: str, wanted: str) -> Hint:
    what = "tag value" if "tag/" in key.lower() else f"value of {key}"
    said = f"the {what} is {given}, the policy wants {wanted}: values are case-sensitive"
    return Hint(said, f"write {given} in place of {wanted} under {operator} {key}", how_to_set(key, (wanted,)))


def how_to_set(key: str, values: Sequence[str]) -> str:
    """The instruction for a caller to make `key` one of `values` (any value where `values` is empty)."""
    lowered = key.lower()
    family, _, tag = lowered.partition("/")
    wanted = few(values) if len(values) < 2 else f"one of {few(values)}"
    if tag:
        how = _HOW_TO_TAG.get(family, "tag the resource" if family.endswith(":resourcetag") else "")
        if how:
            return f"{how}: {key.partition('/')[2]} = {wanted or 'a value'}"
    way = _HOW_TO_SET.get(lowered)
    if way is not None:
        return way if lowered.startswith("aws:multifactor") or not wanted else f"{way} ({wanted})"
    return f"make the call with {key} {wanted}".rstrip()
