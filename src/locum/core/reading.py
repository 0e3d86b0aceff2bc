"""Which operations of AWS's services read only, going by their names."""

from __future__ import annotations

import re
from typing import Final

_READING: Final = re.compile(
    r"(Get|List|Describe|Head|Lookup|Search|Query|Scan|Select|BatchGet|TransactGet|AssumeRole|AssumeRoot|Simulate)"
    r"|(Decrypt|Encrypt|ReEncrypt|GenerateDataKey\w*|GenerateMac|GenerateRandom|Sign|Verify|VerifyMac)$"
)
"""AWS KMS Developer Guide, "AWS KMS log entries": cryptographic operations have `"readOnly": true`."""

_CHANGING: Final = frozenset({"GetActivityTask", "GetId", "GetTokensFromRefreshToken"})
"""Operations that read by their names alone: they take a task, make an identity, and use up a token."""


def reads_only(operation: str) -> bool:
    """Whether an operation changes nothing, going by its name, as CloudTrail's readOnly does."""
    return _READING.match(operation) is not None and operation not in _CHANGING
