"""A plane with an OpenID Connect provider on this machine, a role that trusts it, and the tokens of its issuer."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

from locum.core.principal import Session
from locum.credentials import open_session
from support.inprocess import InProcess, Key, refusal
from support.issuer import Issuer

ACCOUNT = "000000000000"
OTHER = "444455556666"
AUDIENCE = "sts.amazonaws.com"
ACTION = "sts:AssumeRoleWithWebIdentity"
DENIED = ("AccessDenied", 403, f"Not authorized to perform {ACTION}")


class World:
    """A provider for the issuer, and a role that trusts it."""

    def __init__(self, plane: InProcess, issuer: Issuer) -> None:
        self._numbers = itertools.count()
        self.plane = plane
        self.issuer = issuer
        self.iam = plane.client("iam")
        self.sts = plane.client("sts", parameter_validation=False)
        made = self.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=[AUDIENCE, "app"])
        self.provider = made["OpenIDConnectProviderArn"]
        self.role("trusting", self.trust())

    def trust(self, *actions: str, **condition: Any) -> dict[str, Any]:
        """A statement that lets the provider in."""
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Federated": self.provider},
            "Action": [ACTION, *actions],
        }
        return statement | ({"Condition": condition} if condition else {})

    def role(self, name: str, *statements: dict[str, Any], iam: Any = None) -> None:
        """A role with this trust policy."""
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        (iam or self.iam).create_role(RoleName=name, AssumeRolePolicyDocument=document)

    def role_that(self, *statements: dict[str, Any]) -> str:
        """The name of a new role with this trust policy."""
        name = f"role-{next(self._numbers)}"
        self.role(name, *statements)
        return name

    def claims(self, **claims: Any) -> dict[str, Any]:
        """Good ones, but for `claims`; those that are None are left out."""
        now = int(time.time())
        told = {"iss": self.issuer.url, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 600, **claims}
        return {name: value for name, value in told.items() if value is not None}

    def assume(self, token: str, role: str = "trusting", account: str = ACCOUNT, **params: Any) -> dict[str, Any]:
        """AssumeRoleWithWebIdentity, which no signature is asked for."""
        arn = f"arn:aws:iam::{account}:role/{role}"
        params = {"RoleArn": arn, "RoleSessionName": "session", "WebIdentityToken": token, **params}
        answer: dict[str, Any] = self.sts.assume_role_with_web_identity(**params)
        return answer

    def refused(self, token: str, role: str = "trusting", **params: Any) -> tuple[str, int, str]:
        """The refusal that the same is met with."""
        return refusal(self.assume, token=token, role=role, **params)

    def session(self, answer: dict[str, Any]) -> Session:
        """What the credentials in an answer carry."""
        attached = key_of(answer)
        assert attached.session_token is not None
        return open_session(self.plane.node.runtime.keyring, attached.access_key_id, attached.session_token)[0]


def key_of(answer: dict[str, Any]) -> Key:
    """The credentials in an answer."""
    told = answer["Credentials"]
    return Key(told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"])
