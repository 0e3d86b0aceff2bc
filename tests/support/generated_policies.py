"""Policies and requests that have much in common, for comparing proofs with the evaluator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from locum import policy
from locum.core.principal import ANONYMOUS, ContextValue, Principal, PrincipalKind
from locum.policy import Document, PolicyKind, Request

T = TypeVar("T")
ME, OTHER, THIRD = "111122223333", "444455556666", "777788889999"
USER = f"arn:aws:iam::{ME}:user/alice"
ROLE = f"arn:aws:iam::{ME}:role/Dev"
SESSION = f"arn:aws:sts::{ME}:assumed-role/Dev/run"
PROVIDER = f"arn:aws:iam::{ME}:oidc-provider/idp.example.com"
BUCKET = "arn:aws:s3:::b"
IS_SERVICE = "aws:principalisawsservice"


class Draws(Protocol):
    """Where the choices come from: Hypothesis, or a seeded generator."""

    def choice(self, options: Sequence[T], /) -> T: ...
    def randint(self, a: int, b: int, /) -> int: ...


ACTIONS = (
    "s3:GetObject",
    "s3:GetObjectAcl",
    "S3:Get*",
    "s3:*",
    "s3:?etObject",
    "*",
    "s3:PutObject",
    "sqs:*",
    "s3:*Object",
)
RESOURCES = (
    "*", BUCKET, f"{BUCKET}/*", f"{BUCKET}/a/*", f"{BUCKET}/?", f"{BUCKET}*", "arn:aws:s3:::*", "arn:aws:s3:*:*:b/a*",
    f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/alice/*", f"{BUCKET}/*/x", f"{BUCKET}/${{aws:PrincipalTag/team}}*",
    f"arn:aws:sqs:us-east-1:{ME}:q",
)  # fmt: skip
PRINCIPALS: tuple[Any, ...] = (
    "*", {"AWS": "*"}, {"AWS": ME}, {"AWS": f"arn:aws:iam::{OTHER}:root"}, {"AWS": USER}, {"AWS": ROLE},
    {"AWS": SESSION}, {"AWS": [ROLE, OTHER]}, {"Service": "sns.amazonaws.com"}, {"AWS": "AROAEXAMPLEID"},
    {"Federated": PROVIDER}, {"Service": "sqs.amazonaws.com", "AWS": USER},
)  # fmt: skip
CONDITIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("StringEquals", "aws:PrincipalOrgID", ("o-1",)),
    ("StringNotEquals", "aws:PrincipalOrgID", ("o-1", "o-2")),
    ("StringEqualsIfExists", "aws:PrincipalOrgID", ("o-1", "o-2")),
    ("StringLike", "aws:PrincipalOrgID", ("o-*",)),
    ("StringNotLike", "aws:PrincipalOrgID", ("o-?",)),
    ("StringEqualsIgnoreCase", "aws:PrincipalOrgID", ("O-1",)),
    ("Null", "aws:PrincipalOrgID", ("true",)),
    ("Null", "aws:PrincipalOrgID", ("false",)),
    ("IpAddress", "aws:SourceIp", ("10.0.0.0/8",)),
    ("IpAddress", "aws:SourceIp", ("10.1.0.0/16", "2001:db8::/32")),
    ("NotIpAddress", "aws:SourceIp", ("10.1.0.0/16",)),
    ("NumericLessThan", "s3:max-keys", ("10",)),
    ("NumericLessThanEquals", "s3:max-keys", ("9.5",)),
    ("NumericNotEquals", "s3:max-keys", ("10",)),
    ("DateGreaterThan", "aws:CurrentTime", ("2026-01-01T00:00:00Z",)),
    ("DateLessThan", "aws:CurrentTime", ("2026-06-01T00:00:00Z",)),
    ("Bool", "aws:SecureTransport", ("true",)),
    ("Bool", "aws:SecureTransport", ("false",)),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", ("true",)),
    ("StringEquals", "aws:MultiFactorAuthPresent", ("true",)),
    ("ArnLike", "aws:PrincipalArn", (f"arn:aws:iam::{ME}:role/*",)),
    ("ArnEquals", "aws:PrincipalArn", (ROLE, USER)),
    ("ArnNotLike", "aws:PrincipalArn", ("arn:aws:iam::*:role/Dev",)),
    ("StringLike", "aws:PrincipalArn", (f"arn:aws:iam::{ME}:*",)),
    ("StringEquals", "aws:PrincipalAccount", (ME,)),
    ("StringNotEquals", "aws:PrincipalAccount", (ME, OTHER)),
    ("StringEquals", "aws:username", ("alice",)),
    ("StringLike", "aws:userid", ("AROAEXAMPLEID:*",)),
    ("StringEquals", "aws:PrincipalType", ("User",)),
    ("ForAllValues:StringEquals", "aws:TagKeys", ("a", "b")),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ("a",)),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", ("a",)),
    ("ForAnyValue:StringNotLike", "aws:TagKeys", ("a*",)),
    ("ForAllValues:StringLike", "aws:TagKeys", ("*",)),
    ("Null", "aws:TagKeys", ("true",)),
    ("StringEquals", "aws:ResourceTag/team", ("${aws:PrincipalTag/team}",)),
    ("StringEquals", "aws:ResourceTag/team", ("red",)),
    ("StringNotEquals", "aws:ResourceTag/team", ("${aws:PrincipalTag/team, 'red'}",)),
    ("StringEquals", "aws:PrincipalTag/team", ("red",)),
    ("ArnLike", "aws:SourceArn", (f"arn:aws:sns:*:{ME}:*",)),
    ("ArnNotEquals", "aws:SourceArn", (f"arn:aws:sns:us-east-1:{ME}:t",)),
    ("StringEquals", "aws:SourceAccount", (ME,)),
    ("StringLike", "s3:prefix", ("", "a/*")),
    ("StringEquals", "s3:prefix", ("",)),
    ("BinaryEquals", "my:digest", ("QUJD",)),
    ("ForAllValues:StringEquals", "my:several", ("p", "q")),
    ("StringNotEquals", "my:several", ("p",)),
    ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", ("o-1/*",)),
    ("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths", ("o-1/*",)),
    ("BoolIfExists", "aws:PrincipalIsAWSService", ("false",)),
    ("Bool", "aws:PrincipalIsAWSService", ("true",)),
)  # fmt: skip

VALUES: Mapping[str, tuple[ContextValue | None, ...]] = {
    "aws:principalorgid": (None, "o-1", "O-1", "o-2", "o-33", "x"),
    "aws:sourceip": (None, "10.1.2.3", "10.9.9.9", "192.0.2.1", "2001:db8::7", "11.0.0.0"),
    "s3:max-keys": (None, "10", "9", "9.5", "9.7", "100"),
    "aws:currenttime": ("2026-01-01T00:00:00Z", "2025-05-05T00:00:00Z", "2026-03-01T00:00:00Z", "2026-06-01T00:00:00Z"),
    "aws:securetransport": ("true", "false"),
    "aws:multifactorauthpresent": (None, "true", "false"),
    "aws:tagkeys": (None, ("a",), ("b",), ("a", "b"), ("c",), ("a", "c"), ("ab",)),
    "aws:resourcetag/team": (None, "red", "blue", ""),
    "aws:principaltag/team": (None, "red", "blue", "a/x"),
    "aws:sourcearn": (
        None, f"arn:aws:sns:us-east-1:{ME}:t", f"arn:aws:sns:us-east-1:{ME}:u", f"arn:aws:sns:x:{OTHER}:t",
    ),
    "aws:sourceaccount": (None, ME, OTHER),
    "s3:prefix": (None, "", "a/", "a/b", "b"),
    "my:digest": (None, "QUJD", "WFla"),
    "my:several": (None, ("p",), ("q",), ("p", "q"), ("r",)),
    "aws:principalorgpaths": (None, ("o-1/r-1/",), ("o-2/r-2/",), ("o-3/r-1/",)),
    IS_SERVICE: ("false",),
}  # fmt: skip
WORDS = (
    "*", BUCKET, f"{BUCKET}/a/k", f"{BUCKET}/k", f"{BUCKET}/alice/x", f"{BUCKET}/zed/x", f"{BUCKET}/red/x",
    f"{BUCKET}2", "arn:aws:s3:::c/x", f"arn:aws:sqs:us-east-1:{ME}:q", f"arn:aws:sqs:us-east-1:{ME}:b/a1",
    f"{BUCKET}/redder",
)  # fmt: skip
CALLS = (
    "s3:getobject",
    "s3:getobjectacl",
    "s3:putobject",
    "sqs:sendmessage",
    "s3:getx",
    "s3:betobject",
    "iam:putobject",
)
IDENTITIES = (
    Principal.user(ME, USER, "AIDAALICE", "alice"),
    Principal.user(THIRD, f"arn:aws:iam::{THIRD}:user/zed", "AIDAZED", "zed"),
    Principal.role_session(ROLE, "AROADEV", "run"),
    Principal.role_session(f"arn:aws:iam::{ME}:role/Other", "AROAOTHER", "s"),
    Principal.role_session(f"arn:aws:iam::{OTHER}:role/Dev", "AROAEXAMPLEID", "s"),
    Principal.role_session(f"arn:aws:iam::{THIRD}:role/Ops", "AROAOPS", "s"),
)
CALLERS = (
    *IDENTITIES,
    Principal.role_session(ROLE, "AROADEV", "other"),
    Principal.root(ME),
    Principal.root(OTHER),
    Principal.service("sns.amazonaws.com"),
    Principal.service("sqs.amazonaws.com"),
    Principal.federated(PrincipalKind.WEB_IDENTITY, PROVIDER, ME, "id", "name"),
    ANONYMOUS,
)


def generated(draws: Draws, kind: PolicyKind, *, everyone: bool = False) -> str:
    """A policy. `everyone`: one that likely allows everyone under conditions."""
    statements = []
    for _ in range(draws.randint(1, 3)):
        statement: dict[str, Any] = {"Effect": draws.choice(("Allow", "Allow", "Deny"))}
        statement[draws.choice(("Action", "Action", "Action", "NotAction"))] = _some(draws, ACTIONS)
        statement[draws.choice(("Resource", "Resource", "Resource", "NotResource"))] = _some(draws, RESOURCES)
        if kind is not PolicyKind.IDENTITY:
            name = (
                draws.choice(("Principal", "Principal", "NotPrincipal"))
                if statement["Effect"] == "Deny"
                else "Principal"
            )
            statement[name] = draws.choice(("*", {"AWS": "*"}) if everyone and draws.randint(0, 3) else PRINCIPALS)
        block: dict[str, dict[str, list[str]]] = {}
        for _ in range(draws.choice((0, 0, 1, 1, 2))):
            operator, key, values = draws.choice(CONDITIONS)
            block.setdefault(operator, {})[key] = list(values)
        if block:
            statement["Condition"] = block
        statements.append(statement)
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _some(draws: Draws, options: Sequence[str]) -> list[str]:
    return [draws.choice(options) for _ in range(draws.choice((1, 1, 2)))]


def related(draws: Draws, text: str, kind: PolicyKind) -> str:
    """A policy that differs from `text` in one element, or has a further statement."""
    made = json.loads(text)
    other = json.loads(generated(draws, kind))["Statement"][0]
    statement = draws.choice(made["Statement"])
    change = draws.choice(("none", "condition", "resource", "statement", "wider"))
    if change == "condition":
        statement["Condition"] = other.get("Condition", {})
    elif change == "resource":
        statement.pop("NotResource", None)
        statement["Resource"] = _some(draws, RESOURCES)
    elif change == "statement":
        made["Statement"].append(other)
    elif change == "wider":
        statement.pop("Condition", None)
    return json.dumps(made)


def parsed(text: str, kind: PolicyKind) -> Document:
    """The parsed policy."""
    return policy.parse(text, kind, resource=None)


def sampled(draws: Draws, documents: Sequence[Document], count: int) -> Iterator[Request]:
    """Requests near what the documents say: `count` of them."""
    keys = {condition.key.lower() for document in documents for s in document.statements for condition in s.conditions}
    keys |= {"aws:principaltag/team"}
    options = {key: VALUES[key] for key in sorted(keys) if key in VALUES}
    callers = IDENTITIES if documents[0].kind is PolicyKind.IDENTITY else CALLERS
    for _ in range(count):
        context = {key: draws.choice(values) for key, values in options.items()}
        principal = draws.choice(callers)
        yield request(principal, draws.choice(CALLS), draws.choice(WORDS), context)


def request(principal: Principal, action: str, resource: str, context: Mapping[str, ContextValue | None]) -> Request:
    """A request. A key that is None, or that nobody has, is absent; whether a service calls is as it is."""
    nobody = principal is ANONYMOUS
    kept = {
        key: value
        for key, value in context.items()
        if value is not None and not (nobody and key.startswith("aws:principal"))
    }
    if IS_SERVICE in kept and principal.kind is PrincipalKind.SERVICE:
        kept[IS_SERVICE] = "true"
    return Request(principal, action, resource, ME, kept, provider=principal.provider)
