"""Documents that were accepted once, compiled, and kept for as long as they are in use.

Keyed by their text and where they are attached: a document that changed is another key, so nothing is ever stale.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from locum import policy
from locum.policy import CompiledPolicy, MalformedPolicy, PolicyKind, Source

_KEPT: Final = 8192
"""Compiled policies kept: some thousand roles in daily use, at a few KiB each."""

_DENY: Final = '{"Version": "2012-10-17", "Statement": [{"Sid": "Unreadable", "Effect": "Deny", %s"Action": %s}]}'
_WITHOUT_PRINCIPAL: Final = _DENY % ("", '"*", "Resource": "*"')
_WITH_PRINCIPAL: Final = _DENY % ('"Principal": "*", ', '"*", "Resource": "*"')
_TRUST: Final = _DENY % ('"Principal": "*", ', '"sts:*"')

_DENIALS: Final = {
    PolicyKind.RESOURCE: _WITH_PRINCIPAL,
    PolicyKind.RCP: _WITH_PRINCIPAL,
    PolicyKind.TRUST: _TRUST,
}
_MISSING: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
_STAND_INS: Final = (_WITHOUT_PRINCIPAL, _WITH_PRINCIPAL, _TRUST, _MISSING)


@lru_cache(maxsize=_KEPT)
def compiled(text: str, kind: PolicyKind, name: str, arn: str = "") -> CompiledPolicy:
    """`text`, attached as `name`. What cannot be read denies everything.

    The services refuse such a document when it is written; one that is here all the same (an older format, a
    backend that reads more leniently) may have meant a Deny.
    """
    try:
        document = policy.parse(text, kind)
    except MalformedPolicy as error:
        document = policy.parse(_DENIALS.get(kind, _WITHOUT_PRINCIPAL), kind)
        name = f"{name} (unreadable: {error.message})"
    return policy.compile(document, Source(kind, name, arn))


def missing(kind: PolicyKind, name: str, arn: str) -> CompiledPolicy:
    """What stands in for a limit (a boundary, a session policy) that is set and is no more: it denies everything."""
    return compiled(_MISSING, kind, f"{name} (not found)", arn)


def stands_in(found: CompiledPolicy) -> bool:
    """Whether `found` is not what was stored, but stands in for what cannot be read or is no more."""
    return any(found.document.text is text for text in _STAND_INS)
