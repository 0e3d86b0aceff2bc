"""Rendering of policy templates to the policies of delegation requests.

IAM User Guide, "Policy templates":
1. "Use the @{parameterName} syntax to define parameters in your policy template."
2. String: "A single value that is substituted directly into the template."
3. StringList: "When a StringList parameter is used in a resource ARN, it expands to create separate resource entries
   for each value." "When multiple parameters are used in the same resource ARN, StringList parameters create a
   cross-product of all combinations."
4. "The final rendered policy has a maximum size limit of 2048 characters."

On AWS, templates are registered when a partner is onboarded. Here a template is a managed policy: one of the
requestor's account (also by the ARN `arn:aws:iam:::delegation-template/NAME`) or one of AWS's.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from locum import policy
from locum.core.arn import iam_arn
from locum.core.errors import Fault
from locum.policy import PolicyKind
from locum.services.iam.faults import invalid_input, quota_exceeded
from locum.services.verbs import Context
from locum.state import PolicyParameter
from locum.state.attachments import managed_document

LONGEST: Final = 2048

_PLACEHOLDER: Final = re.compile(r"@\{([^{}]*)\}")
_TEMPLATE: Final = "arn:aws:iam:::delegation-template/"
_ROLE_ACTIONS: Final = ("iam:createrole", "iam:putrolepermissionsboundary")
_BOUNDARY: Final = "iam:permissionsboundary"


def rendered(context: Context, template: str, parameters: Sequence[PolicyParameter]) -> str:
    """Render the template with this ARN to a policy. Raises InvalidInput, LimitExceeded."""
    given = {parameter.name: parameter for parameter in parameters}
    if len(given) < len(parameters):
        raise invalid_input("A policy parameter is given twice.")
    for parameter in parameters:
        if not parameter.values or (len(parameter.values) > 1 and not parameter.many):
            raise invalid_input(f"The policy parameter {parameter.name} must have one value.")
    text = json.dumps(_rendered(json.loads(_document(context, template)), given), separators=(",", ":"))
    if len(text) > LONGEST:
        raise _too_long()
    try:
        policy.parse(text, PolicyKind.SESSION)
    except policy.MalformedPolicy as malformed:
        raise invalid_input(f"The policy template with these parameters is no policy: {malformed.message}") from None
    return text


def _too_long() -> Fault:
    return quota_exceeded("DelegationPolicySize", LONGEST)


def _document(context: Context, template: str) -> str:
    arn = template
    if template.startswith(_TEMPLATE):
        arn = iam_arn(context.account, "policy", "/", template.removeprefix(_TEMPLATE))
    document = managed_document(context.state, context.account, arn)
    if document is None:
        raise invalid_input(f"The policy template {template} is not registered for this account.")
    return document


def _rendered(value: Any, given: Mapping[str, PolicyParameter]) -> Any:
    """`value` with its placeholders replaced. A string with a StringList parameter becomes a list."""
    if isinstance(value, Mapping):
        return {key: _rendered(member, given) for key, member in value.items()}
    if isinstance(value, list):
        return list(itertools.chain.from_iterable(_entries(member, given) for member in value))
    return _expanded(value, given) if isinstance(value, str) else value


def _entries(member: Any, given: Mapping[str, PolicyParameter]) -> Iterable[Any]:
    filled = _rendered(member, given)
    return filled if isinstance(filled, list) and isinstance(member, str) else (filled,)


def _expanded(text: str, given: Mapping[str, PolicyParameter]) -> str | list[str]:
    names = list(dict.fromkeys(_PLACEHOLDER.findall(text)))
    unknown = next((name for name in names if name not in given), None)
    if unknown is not None:
        raise invalid_input(f"The policy template needs a value for the parameter {unknown}.")
    if math.prod(len(given[name].values) for name in names) > LONGEST:
        raise _too_long()  # each takes at least a character, and there may be too many combinations to expand
    combinations = itertools.product(*(given[name].values for name in names))
    texts = [_substituted(text, dict(zip(names, values, strict=True))) for values in combinations]
    return texts if any(given[name].many for name in names) else texts[0]


def _substituted(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


# --- reading policies --------------------------------------------------------------------------------------------


def statements(document: str) -> list[Mapping[str, Any]]:
    """The statements of a policy, in order."""
    found = json.loads(document)["Statement"]
    return found if isinstance(found, list) else [found]


def listed(value: Any) -> list[str]:
    """The values of an element that is a string or a list of strings."""
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def role_boundaries(document: str) -> list[str]:
    """The permissions boundaries that a policy requires of new roles: RolePermissionRestrictionArns."""
    return list(dict.fromkeys(itertools.chain.from_iterable(map(_boundaries, statements(document)))))


def _boundaries(statement: Mapping[str, Any]) -> Iterator[str]:
    actions = {action.lower() for action in listed(statement.get("Action", []))}
    if statement["Effect"] != "Allow" or actions.isdisjoint(_ROLE_ACTIONS):
        return
    for block in statement.get("Condition", {}).values():
        for key, values in block.items():
            if key.lower() == _BOUNDARY:
                yield from listed(values)
