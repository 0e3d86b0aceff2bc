"""The cache of compiled policies, for documents that are stored.

The key is the text and where it is attached: a changed document has another key, so that no entry is ever stale.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from locum import policy
from locum.policy import CompiledPolicy, MalformedPolicy, PolicyKind, Source

_CACHE_SIZE: Final = 8192
"""Enough for some thousand roles in daily use, at a few KiB each."""

_DENY_TEMPLATE: Final = (
    '{"Version": "2012-10-17", "Statement": [{"Sid": "Unreadable", "Effect": "Deny", %s"Action": %s}]}'
)
_DENY_ALL: Final = _DENY_TEMPLATE % ("", '"*", "Resource": "*"')
_DENY_EVERYONE: Final = _DENY_TEMPLATE % ('"Principal": "*", ', '"*", "Resource": "*"')
_DENY_ASSUMPTION: Final = _DENY_TEMPLATE % ('"Principal": "*", ', '"sts:*"')

_DENY_BY_KIND: Final = {
    PolicyKind.RESOURCE: _DENY_EVERYONE,
    PolicyKind.RCP: _DENY_EVERYONE,
    PolicyKind.TRUST: _DENY_ASSUMPTION,
}
_MISSING: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
_STAND_INS: Final = (_WITHOUT_PRINCIPAL, _WITH_PRINCIPAL, _TRUST, _MISSING)


@lru_cache(maxsize=_CACHE_SIZE)
def compiled(text: str, kind: PolicyKind, name: str, arn: str = "") -> CompiledPolicy:
    """The compiled form of `text`, attached as `name`. A document that cannot be parsed denies everything.

    The services refuse such a document when it is written; one that was stored all the same (in an older format, by a
    more lenient backend) may contain a Deny.
    """
    try:
        document = policy.parse(text, kind)
    except MalformedPolicy as error:
        document = policy.parse(_DENY_BY_KIND.get(kind, _DENY_ALL), kind)
        name = f"{name} (unreadable: {error.message})"
    return policy.compile(document, Source(kind, name, arn))


def missing(kind: PolicyKind, name: str, arn: str) -> CompiledPolicy:
    """What stands in for a limit (a boundary, a session policy) that is set and is no more: it denies everything."""
    return compiled(_MISSING, kind, f"{name} (not found)", arn)


def stands_in(found: CompiledPolicy) -> bool:
    """Whether `found` is not what was stored, but stands in for what cannot be read or is no more."""
    return any(found.document.text is text for text in _STAND_INS)
