"""The rules for the policies of one kind of resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from locum.authz import service_reference
from locum.authz.call import Call
from locum.authz.resource_policies.flaws import Flaw, FlawedPolicy, Words
from locum.core.errors import Fault
from locum.policy import Document
from locum.policy.compile import action_pattern

Check = Callable[[Document, Call], None]
"""A further check of a parsed policy, in the call that puts it. Raises FlawedPolicy, or Fault with an error of its own.
"""

ANY_SERVICE: Final = frozenset({"*", "*:*"})
"""The actions that name no service."""


class Rules(NamedTuple):
    """The rules for the policies of one kind of resource.

    `size` is the most octets that a policy may have, without insignificant white space unless `counts_space`.
    `resource`: whether statements need a Resource element (True), may have one (None) or may not (False).
    `removed_by_empty`: an empty text is no policy, but removes the one that is there. `shorthand` is how resources may
    begin, and the ARN that is meant. `kept_action`: the action that the caller must still be allowed with the new
    policy.
    """

    words: Words
    size: int = 20_480
    resource: bool | None = True
    check: Check | None = None
    removed_by_empty: bool = False
    shorthand: tuple[str, str] = ("", "")
    kept_action: str = ""
    counts_space: bool = False


def actions_of(prefix: str) -> Check:
    """The check that each action is one of the service `prefix` (`dynamodb`); a pattern must match one of them."""

    def check(document: Document, _call: Call) -> None:
        for statement in document.statements:
            for action in (*(statement.actions or ()), *(statement.not_actions or ())):
                if action not in ANY_SERVICE and not is_action_of(prefix, action):
                    raise FlawedPolicy(Flaw.ACTION, f"Invalid action {action}", action)

    return check


def is_action_of(prefix: str, action: str) -> bool:
    """Whether the pattern `action` matches an action of the service `prefix`, regardless of case."""
    pattern = action_pattern(action)
    if pattern.service != prefix:
        return False
    return any(pattern.matches(f"{prefix}:{name.lower()}") for name in service_reference.action_names(prefix))


def limits_of_queues(document: Document, call: Call) -> None:
    """The limits of queue policies. SQS Developer Guide, "Amazon SQS policy quotas".

    Raises Fault OverLimit for more than 20 statements, or 7 actions or 50 principals in one of them.
    """
    actions_of("sqs")(document, call)
    if len(document.statements) > 20:
        raise _over_limit(f"{len(document.statements)} statements were found in the submitted policy", 20)
    for statement in document.statements:
        actions = len(statement.actions or statement.not_actions or ())
        if actions > 7:
            raise _over_limit(f"{actions} actions were found in a statement from the submitted policy", 7)
        principals = len(statement.principals.aws) if statement.principals is not None else 0
        if principals > 50:
            raise _over_limit(f"{principals} principals were found in a statement from the submitted policy", 50)


def _over_limit(found: str, most: int) -> Fault:
    return Fault("OverLimit", f"{found}, max allowed is {most}", 403)
