"""AWS KMS: keys, aliases, and the key of a ciphertext."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values, account_of, is_arn_of
from locum.authz.services.kms_conditions import CONDITIONS, FAMILIES
from locum.authz.services.kms_grants import granted
from locum.core.arn import PARTITION
from locum.core.partial_arn import UNKNOWN, UNKNOWN_RESOURCE, arn_of
from locum.state import State

# "To use an alias in a permission, you need permission on the KMS key". Where the backend does not tell which key that
# is, the caller needs permission on all keys.
_KEY_TYPES: Final = frozenset({"key", "source", "destination"})
"""The resource types of `kms.rules` that are keys. An operation on an alias itself is decided on the alias."""


def _key(state: State, call: Call, values: Values) -> Iterable[str]:
    key = values[0] or ""
    if key.startswith("arn:"):
        return (key if is_arn_of("kms", key, "key/", "alias/") else UNKNOWN_RESOURCE,)
    kind = "" if key.startswith("alias/") else "key/"
    return (arn_of(f"arn:{PARTITION}:kms:{call.region}:{call.caller.account}:{kind}", key or UNKNOWN),)


_KEY_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")


def _ciphertext(state: State, call: Call, values: Values) -> Iterable[str]:
    """The key of a ciphertext, which in local KMS backends begins with the key's id; else the given key, or all keys.

    The account is that of the given key: "To specify a KMS key in a different AWS account, you must use the key
    ARN or alias ARN".
    """
    ciphertext, key = values
    found = _KEY_ID.match(ciphertext or "")
    if found is not None:
        account = account_of(key or "", call.caller.account)
        return (f"arn:{PARTITION}:kms:{call.region}:{account}:key/{found.group()}",)
    return () if key else _key(state, call, (None,))


def _effective_arn(check: Check) -> str:
    """For an alias the ARN of a key that is not known."""
    head, alias, _ = check.resource.partition(":alias/")
    return arn_of(f"{head}:key/", UNKNOWN) if alias and check.kind in _KEY_TYPES else check.resource


FUNCTIONS: Final = Functions(
    resolvers={"kms_ciphertext": _ciphertext, "kms_key": _key},
    readers=CONDITIONS,
    tags=FAMILIES,
    effective_arn=_effective_arn,
    granted=granted,
    names=frozenset({"alias"}),
)
