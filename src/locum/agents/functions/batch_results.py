"""The outcome of a batch: which of its items the function did not process.

AWS Lambda Developer Guide, "Implementing partial batch responses".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def failed_items(answer: Mapping[str, Any], items: Sequence[str], *, reported: bool) -> list[str]:
    """The identifiers, out of `items`, of what failed: all of them where the function did.

    `reported`: the function tells in `batchItemFailures` which ones did; what it tells and is not understood counts as
    the failure of all.
    """
    if "FunctionError" in answer:
        return list(items)
    if not reported:
        return []
    try:
        told = json.loads(answer.get("Payload") or b"null")
    except (ValueError, RecursionError):
        return list(items)
    failures = told.get("batchItemFailures") if isinstance(told, dict) else None
    if not isinstance(failures, list):
        return [] if told is None or failures is None else list(items)
    named = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    known = set(items)
    understood = [name for name in named if isinstance(name, str) and name in known]
    return understood if len(understood) == len(named) else list(items)
