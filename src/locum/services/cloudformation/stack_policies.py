"""Stack policies: which of a stack's resources an update may change, replace or delete.

CloudFormation User Guide, "Prevent updates to stack resources". They are read and matched by the policy engine; what is
refused, and its texts, are as AWS's recorded answers and events have them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import lru_cache
from typing import Any, Final

from locum import policy
from locum.core.calls import Ask
from locum.policy import CompiledPolicy, MalformedPolicy, PolicyKind, Request, Source, Statement
from locum.policy.compile import CompiledStatement
from locum.policy.patterns import glob, scan
from locum.policy.prepared import PreparedRequest
from locum.services.cloudformation.templates import invalid, object_text
from locum.services.verbs import Context, Params
from locum.state import Stack

LONGEST: Final = 16_384
"""Octets. API Reference, SetStackPolicy: "maximum size: 16 KB"."""

MODIFY: Final = "Update:Modify"
REPLACE: Final = "Update:Replace"
DELETE: Final = "Update:Delete"

_INVALID: Final = "Error validating stack policy: Invalid stack policy"
_NOTHING_ALLOWS: Final = "Action not allowed by stack policy"
_ACTIONS: Final = frozenset({"*", "update:*", MODIFY.lower(), REPLACE.lower(), DELETE.lower()})
_OPERATORS: Final = frozenset({"stringequals", "stringlike"})
"""User Guide, "Stack policy reference": "You must use the StringEquals or StringLike condition operators"."""
_KEY: Final = "resourcetype"
_EMPTY: Final = "{}"
"""A policy that AWS takes, and with which every update is allowed."""


def policy_given(
    ctx: Context, params: Params, name: str = "StackPolicy"
) -> Generator[Ask, Mapping[str, Any], str | None]:
    """The policy in `NAMEBody`, or the one that `NAMEURL` names; None where there is none. Raises Fault.

    Asks S3 for it, as the caller.
    """
    body, url = params.get(f"{name}Body"), params.get(f"{name}URL")
    if body is not None and url is not None:
        raise invalid(f"You cannot specify both {name}URL and {name}Body")
    if url is not None:
        body = yield from object_text(ctx, str(url), LONGEST, _INVALID)
    if body is not None:
        _check(body)
    return body


def _check(text: str) -> None:
    """Check a stack policy. Raises Fault ValidationError."""
    if len(text.encode()) > LONGEST:
        raise invalid(_INVALID)
    if text.strip() == _EMPTY:
        return
    try:
        statements = _compiled(text).document.statements
    except MalformedPolicy as error:
        raise invalid(_INVALID) from error
    if not statements or not all(_is_sound(it) for it in statements):
        raise invalid(_INVALID)


def _is_sound(it: Statement) -> bool:
    """Whether a statement says what one of a stack policy can: of updates, to everyone, by the types of resources."""
    everyone = it.principals is not None and it.principals.everyone
    actions = {action.lower() for action in it.actions or it.not_actions or ()}
    keys = {condition.key.lower() for condition in it.conditions}
    operators = {condition.operator.lower() for condition in it.conditions}
    return everyone and actions <= _ACTIONS and keys <= {_KEY} and operators <= _OPERATORS


@lru_cache(maxsize=64)
def _compiled(text: str) -> CompiledPolicy:
    """The compiled policy of `text`. Raises MalformedPolicy."""
    document = policy.parse(text, PolicyKind.RESOURCE, judge_values=False)
    return policy.compile(document, Source(PolicyKind.RESOURCE, "stack policy"))


def ruling(stack: Stack) -> str:
    """The policy that rules over the update of a stack that is under way; empty where none does."""
    return stack.ruling if stack.status == "UPDATE_IN_PROGRESS" else ""


def denial(stack: Stack, action: str, logical: str, kind: str) -> str:
    """Why the update of `stack` may not do `action` to a resource of type `kind`; empty where it may.

    User Guide: "a Deny statement always overrides an Allow statement", and what no statement allows is denied.
    """
    text = ruling(stack)
    if not text or text.strip() == _EMPTY:
        return ""
    request = Request(stack.caller.principal, action, f"LogicalResourceId/{logical}", stack.account, {_KEY: kind})
    prepared = PreparedRequest(request)
    denies, allows = _compiled(text).select(action.lower())
    denying = [it.statement for it in denies.statements if _applies(it, prepared)] if denies else []
    if denying:
        told = (f"{_told(number, it)};" for number, it in enumerate(denying, 1))
        return f"Action denied by stack policy: {' '.join(told)}"
    allowed = allows is not None and any(_applies(it, prepared) for it in allows.statements)
    return "" if allowed else _NOTHING_ALLOWS


def _applies(it: CompiledStatement, prepared: PreparedRequest) -> bool:
    """Whether a statement is about a resource, which has no ARN, and its conditions hold."""
    patterns, wanted = it.statement.resources, True
    if patterns is None:
        patterns, wanted = it.statement.not_resources or (), False
    named = any(glob(scan(text, variables=False))(prepared.resource) for text in patterns)
    return named is wanted and all(condition.holds(prepared) for condition in it.conditions)


def _told(number: int, it: Statement) -> str:
    """What a denying statement says. AWS counts those that deny, from 1, and shows what is written in them."""
    actions, resources = it.actions or it.not_actions or (), it.resources or it.not_resources or ()
    return f"Statement [#{number}] does not allow [{', '.join(actions)}] for resource [{', '.join(resources)}]"
