"""The cache of compiled policies, for documents that are stored.

The key is the text and where it is attached: a changed document has another key, so that no entry is ever stale.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from locum import policy
from locum.policy import CompiledPolicy, MalformedPolicy, PolicyKind, Source
from locum.policy.grammar import ACCOUNT

_CACHE_SIZE: Final = 8192
"""Enough for some thousand roles in daily use, at a few KiB each."""

_DENY_TEMPLATE: Final = (
    '{"Version": "2012-10-17", "Statement": [{"Sid": "Unreadable", "Effect": "Deny", %s"Action": %s}]}'
)
_DENY_ALL: Final = _DENY_TEMPLATE % ("", '"*", "Resource": "*"')
_DENY_EVERYONE: Final = _DENY_TEMPLATE % ('"Principal": "*", ', '"*", "Resource": "*"')
_DENY_ASSUMPTION: Final = _DENY_TEMPLATE % ('"Principal": "*", ', '"sts:*"')

_DENY_BY_KIND: Final = {
    PolicyKind.RCP: _DENY_EVERYONE,
    PolicyKind.TRUST: _DENY_ASSUMPTION,
}
_DENY_NOT_FOUND: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
_ACCOUNT_TEMPLATE: Final = (
    '{"Version": "2012-10-17", "Statement": [{"Sid": "Unreadable", "Effect": "Allow", '
    '"Principal": {"AWS": "%s"}, "Action": "*", "Resource": "*"}]}'
)
_NOTHING: Final = (
    '{"Version": "2012-10-17", "Statement": [{"Sid": "Unreadable", "Effect": "Deny", '
    '"Principal": "*", "NotAction": "*", "Resource": "*"}]}'
)
_REPLACEMENTS: Final = (_DENY_ALL, _DENY_EVERYONE, _DENY_ASSUMPTION, _DENY_NOT_FOUND)


@lru_cache(maxsize=_CACHE_SIZE)
def compiled(text: str, kind: PolicyKind, name: str, arn: str = "", resource: bool | None = True) -> CompiledPolicy:
    """The compiled form of `text`, attached as `name`. A document that cannot be parsed denies everything.

    `resource` is that of `policy.parse`: whether a resource policy needs Resource elements.

    The services refuse such a document when it is written; one that was stored all the same (in an older format, by a
    more lenient backend) may contain a Deny.

    A resource policy that cannot be parsed (a stack's template wrote it into the backend) grants nothing, and denies
    nothing to those whom the identity policies of the owning account allow: they, and the account's root, can repair
    or delete the resource. It fails closed for all others: callers of other accounts, services and anonymous callers
    need a grant, and have none.
    """
    try:
        document = policy.parse(text, kind, resource=resource)
    except MalformedPolicy as error:
        document = policy.parse(_replacement(kind, arn), kind)
        name = f"{name} (unreadable: {error.message})"
    return policy.compile(document, Source(kind, name, arn))


def _replacement(kind: PolicyKind, arn: str) -> str:
    """The policy in place of one that cannot be parsed, attached to the resource `arn`.

    That of a resource is KMS's default key policy, which leaves the decision to the account's identity policies; where
    the ARN has no account (a bucket's), a policy that matches nothing, which has the same effect.
    """
    if kind is not PolicyKind.RESOURCE:
        return _DENY_BY_KIND.get(kind, _DENY_ALL)
    fields = arn.split(":", 5)
    account = fields[4] if len(fields) == 6 else ""
    return _ACCOUNT_TEMPLATE % account if ACCOUNT.fullmatch(account) else _NOTHING


def not_found_policy(kind: PolicyKind, name: str, arn: str) -> CompiledPolicy:
    """The replacement for a boundary or session policy that is set but no longer exists: it denies everything."""
    return compiled(_DENY_NOT_FOUND, kind, f"{name} (not found)", arn)


def is_replacement(found: CompiledPolicy) -> bool:
    """Whether `found` is a replacement for a policy of the caller that cannot be parsed or no longer exists."""
    return any(found.document.text is text for text in _REPLACEMENTS)
