"""AWS KMS: keys, aliases, and the key that a ciphertext tells of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values, account_of
from locum.core.arn import PARTITION
from locum.state import State

# "To use an alias in a permission, you need permission on the KMS key": which key that is, a backend has to say; who
# may not use every key is refused where it does not.
_ALIAS: Final = re.compile(r":alias/.*")
_OF_KEYS: Final = frozenset({"key", "source", "destination"})
"""The types of `kms.rules` that are keys: what is done to an alias itself is decided on the alias."""


def _key(state: State, call: Call, values: Values) -> Iterable[str]:
    key = values[0] or "*"
    if key.startswith("arn:"):
        return (key,)
    kind = key if key.startswith("alias/") else f"key/{key}"
    return (f"arn:{PARTITION}:kms:{call.region}:{call.caller.account}:{kind}",)


_KEY_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")


def _ciphertext(state: State, call: Call, values: Values) -> Iterable[str]:
    """Ciphertexts of local KMS backends begin with the id of their key. Without it or a key beside it: every key.

    The account is that of the key beside it: "To specify a KMS key in a different AWS account, you must use the key
    ARN or alias ARN".
    """
    ciphertext, key = values
    found = _KEY_ID.match(ciphertext or "")
    if found is not None:
        account = account_of(key or "", call.caller.account)
        return (f"arn:{PARTITION}:kms:{call.region}:{account}:key/{found.group()}",)
    return () if key else _key(state, call, ("*",))


def _meant(check: Check) -> str:
    """Of an alias, every key that it may be of."""
    return _ALIAS.sub(":key/*", check.resource) if check.kind in _OF_KEYS else check.resource


FUNCTIONS: Final = Functions(resolvers={"kms_ciphertext": _ciphertext, "kms_key": _key}, meant=_meant)
