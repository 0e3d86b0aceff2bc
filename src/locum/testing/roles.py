"""Roles that tests make: what they may do, who may assume them, and the credentials of their sessions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from locum.testing.link import Keys

CARRIERS: Final = ("ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "lambda.amazonaws.com")
"""The services that may assume a role of which nothing else is said: those that applications run on."""

Document = Mapping[str, Any] | str


@dataclass(frozen=True, slots=True)
class LocumRole:
    """A role: what `LocumAccount.client` takes as `role`. Its text is its ARN."""

    name: str
    arn: str

    def __str__(self) -> str:
        return self.arn


Role = LocumRole | str | Mapping[str, Any]
"""A role, its ARN or name, or the Credentials that an operation of STS answered."""


def document_text(document: Document) -> str:
    """A policy document as JSON."""
    return document if isinstance(document, str) else json.dumps(document)


def trust_text(trust: Document | None) -> str:
    """A trust policy: a document, or one that lets in the service principal or the AWS principal that is named."""
    if isinstance(trust, Mapping) or (trust is not None and trust.lstrip().startswith("{")):
        return document_text(trust)
    if trust is None:
        principal: dict[str, Any] = {"Service": list(CARRIERS)}
    else:
        principal = {"Service" if trust.endswith(".amazonaws.com") else "AWS": trust}
    statement = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def keys_of(credentials: Mapping[str, Any]) -> Keys:
    """The keys in the Credentials of an answer of STS. Raises ValueError where these are none."""
    found = credentials.get("Credentials", credentials)
    try:
        return Keys(found["AccessKeyId"], found["SecretAccessKey"], found.get("SessionToken"))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("a role is given as a role, an ARN, a name, or the Credentials of an answer of STS") from error
