"""The admission of a policy that a call puts: strict parsing, the service's rules, and principals in their stored form.

A policy that passes cannot fail when it is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from locum import policy
from locum.authz.call import Call, Check
from locum.authz.deciding import decide_further
from locum.authz.functions import account_of
from locum.authz.resource_policies.flaws import Flaw, FlawedPolicy, flawed
from locum.authz.resource_policies.rules import Rules
from locum.authz.resource_policies.table import PUTS, SHOWN_BY
from locum.authz.stored_principals import entity_with_id, stored_form, with_principals
from locum.core.arn import PARTITION, Arn, root_arn
from locum.core.identifiers import ACCOUNT_ID, ROLE_ID, USER_ID
from locum.core.resources import ResourceFacts
from locum.policy import Document, MalformedPolicy, PolicyKind
from locum.state import Account, State

_LARGEST_TEXT: Final = 1 << 20
"""Characters, white space among them, of a policy that is parsed at all."""

_NO_JSON: Final = "This policy contains invalid Json"

_SOME_KEY: Final = "key/00000000-0000-0000-0000-000000000000"
"""The resource of a key that is still to be created, or is named by an alias."""

_UNIQUE_ID: Final = re.compile(rb"(?<![A-Za-z0-9])(?:AIDA|AROA)[A-Z2-7]{17}(?![A-Za-z0-9])")
_PLAIN_ARN: Final = re.compile(r"[A-Za-z0-9+=,.@_/:-]+")
"""An ARN that is written alike in JSON, also within a string of JSON, and in XML. Paths may have other characters."""


def admitted(state: State, call: Call) -> Mapping[str, Any]:
    """The parameters with which a backend carries out `call`: its own, with each policy in its stored form.

    Raises the service's own Fault for a policy that it would refuse.
    """
    params = call.params
    for put in PUTS.get((call.service, call.operation), ()):
        try:
            text = put.place.read(params)
            if text is None or (text == "" and put.rules.removed_by_empty):
                continue
            stored = _stored(state, call, put.rules, text)
            _check_control(state, call, put.rules, stored)
        except FlawedPolicy as found:
            raise put.rules.words.fault(found) from found
        params = put.place.replaced(params, stored)
    return params


def shown(state: State, service: str, operation: str, body: bytes) -> bytes:
    """The body of an answer with the present ARNs of users and roles in place of unique ids in policies.

    Ids of deleted ones stay, as do those of the few whose ARN would have to be escaped.
    """
    if (service, operation) not in SHOWN_BY:
        return body

    def arn(found: re.Match[bytes]) -> bytes:
        entity = entity_with_id(state, found.group().decode("ascii"))
        if entity is None or not _PLAIN_ARN.fullmatch(entity.arn):
            return found.group()
        return entity.arn.encode("ascii")

    return _UNIQUE_ID.sub(arn, body)


def _stored(state: State, call: Call, rules: Rules, text: str) -> str:
    """The stored form of the policy `text`. Raises FlawedPolicy, or Fault for limits of the service's own."""
    _check_text(rules, text)
    document = _parsed(rules, text)
    if rules.check is not None:
        rules.check(document, call)
    return with_principals(text, lambda principal: _stored_principal(state, principal))


def _check_control(state: State, call: Call, rules: Rules, stored: str) -> None:
    """Raise FlawedPolicy where the caller could not change the policy again, unless the call says that this is meant.

    KMS API Reference, PutKeyPolicy: "The key policy must allow the calling principal to make a subsequent PutKeyPolicy
    request on the KMS key."
    """
    if not rules.kept_action or call.params.get("BypassPolicyLockoutSafetyCheck"):
        return
    arn = str(Arn(PARTITION, "kms", call.region, call.caller.account, _SOME_KEY))
    named = Arn.find(call.params.get("KeyId", ""))
    if named is not None and named.resource.startswith("key/"):
        arn = str(named)
    account = account_of(arn, call.caller.account)
    check = Check(rules.kept_action, arn)
    if not decide_further(state, call, check, lambda _: ResourceFacts(account, stored)).allowed:
        raise FlawedPolicy(Flaw.LOCKOUT, "The caller could not change the policy again")


def _check_text(rules: Rules, text: str) -> None:
    """Raise FlawedPolicy for a text that is no JSON object, is too long, or has no statements."""
    if not text.startswith("{") and Flaw.FIRST_BYTE in rules.words.texts:
        raise FlawedPolicy(Flaw.FIRST_BYTE, _NO_JSON)
    size, content = len(text), None
    if size <= _LARGEST_TEXT:
        try:
            content = json.loads(text)
            counted = text if rules.counts_space else json.dumps(content, separators=(",", ":"), ensure_ascii=False)
            size = len(counted.encode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            raise FlawedPolicy(Flaw.JSON, _NO_JSON) from error
    if size > rules.size:
        raise FlawedPolicy(Flaw.SIZE, f"The policy has {size} octets, more than {rules.size}", str(size))
    if isinstance(content, dict) and content.get("Statement") == []:
        raise FlawedPolicy(Flaw.EMPTY, "The policy has no statements")


def _parsed(rules: Rules, text: str) -> Document:
    """Parse the policy `text`, with the service's shorthand for ARNs written out. Raises FlawedPolicy."""
    short, full = rules.shorthand
    if short:
        text = text.replace(f'"{short}', f'"{full}')
    try:
        return policy.parse(text, PolicyKind.RESOURCE, resource=rules.resource)
    except MalformedPolicy as error:
        raise flawed(error) from error


def _stored_principal(state: State, name: str) -> str:
    """The stored form of an AWS principal of a resource policy.

    An account is its root ARN; a user or role is its unique id. Principals of accounts that this installation does not
    have cannot be looked up, and stay as they are. Raises FlawedPolicy where a user or role does not exist.
    """
    if name == "*":
        return name
    if ACCOUNT_ID.fullmatch(name):
        return root_arn(name)
    arn = Arn.find(name)
    if arn is not None and state.get(Account, arn.account, arn.account) is None:
        return name
    if arn is not None:
        found = stored_form(state, arn)
    else:
        found = name if name.startswith((USER_ID, ROLE_ID)) and entity_with_id(state, name) else None
    if found is None:
        raise FlawedPolicy(Flaw.PRINCIPAL, f'Invalid principal in policy: "AWS":"{name}"', f'"AWS" : "{name}"')
    return found
