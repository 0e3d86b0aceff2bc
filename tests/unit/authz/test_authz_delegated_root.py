"""What a root user delegates is what it was asked for: the policy of the request limits its session."""

from __future__ import annotations

import pytest

from locum.core.principal import Caller, Principal, PrincipalKind, Session
from support.authority import HOME, NOW, World, allow, deny, document


def delegated(*statements: dict[str, object]) -> Caller:
    """A session that the root user delegated, under these statements."""
    root = Principal.root(HOME)
    session = Session(
        kind=PrincipalKind.ROOT,
        account=HOME,
        name=root.name,
        issuer_arn=root.arn,
        issuer_id=root.unique_id,
        issued_at=int(NOW),
        expires_at=int(NOW) + 3600,
        policy=document(*statements),
        delegate="999988887777",
    )
    return Caller(root, "ASIADELEGATED", session)


def test_a_root_users_delegated_session_may_do_what_was_asked_for_and_nothing_else() -> None:
    caller = delegated(allow("sqs:*"))
    assert World().allows(caller, "sqs:ListQueues")
    assert not World().allows(caller, "sns:ListTopics")
    assert (
        World().refusal(caller, "sns:ListTopics").endswith("because no session policy allows the sns:ListTopics action")
    )


@pytest.mark.parametrize("statement", [deny("sqs:*"), deny("iam:*", "arn:aws:iam::*:role/x")])
def test_a_request_that_only_denies_gives_the_root_users_permissions_to_nobody(statement: dict[str, object]) -> None:
    assert not World().allows(delegated(statement), "sns:ListTopics")


def test_a_long_term_root_key_is_under_no_session_policy() -> None:
    assert World().allows(Caller(Principal.root(HOME), "AKIAROOT"), "sns:ListTopics")
