"""Sessions of the console: whose they are, and for how long they are kept."""

from __future__ import annotations

import os

from locum.console.sessions import MOST, Sessions
from locum.core.sign_in import Keys, SignedIn


def test_attack_one_who_signs_in_until_nobody_else_is() -> None:
    sessions = Sessions(lambda: 0.0, os.urandom)

    def signed(arn: str, kind: str) -> SignedIn:
        return SignedIn(Keys("ASIA", "secret", "token", 1.0), "1" * 12, arn, "name", kind)

    other = sessions.begin(signed("arn:aws:iam::111111111111:user/other", "user"), "eu-west-1")
    for number in range(MOST + 1):
        last = sessions.begin(
            signed(f"arn:aws:sts::111111111111:assumed-role/app/{number}", "role-session"), "eu-west-1"
        )
    assert sessions.find(other) is not None
    assert sessions.find(last) is not None
