"""Amazon SQS: queue URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, is_arn_of
from locum.core.arn import PARTITION
from locum.core.errors import Fault
from locum.core.identifiers import ACCOUNT_ID
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State

# IAM User Guide, "Tasks that require root user credentials": "Edit or delete an Amazon SQS resource-based policy that
# denies all principals."
_OWNER_ROOT_ACTIONS: Final = frozenset({"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SetQueueAttributes"})

# Amazon SQS Developer Guide, "Basic examples of Amazon SQS policies": "Cross-account permissions don't apply to the
# following actions".
_UNSHARED_ACTIONS: Final = frozenset(
    f"sqs:{name}"
    for name in (
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueueTags",
        "ListQueues",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    )
)

_URL_OF_QUEUE: Final = re.compile(r"[^?#\x00-\x20]+")


def _queue(state: State, call: Call, values: Values) -> Iterable[str]:
    """A queue by its URL `https://host/account/name`, by name, or (GetQueueUrl) by name and account."""
    owner, url = values
    if url is not None and is_arn_of("sqs", url) and "/" not in url:
        return (url,)
    if url is not None and (url.startswith("arn:") or not _URL_OF_QUEUE.fullmatch(url)):
        raise Fault("InvalidAddress", f"The address {url[:200]} is not valid for this endpoint.", 404)
    account = owner or call.caller.account
    parts = [part for part in urlsplit(url or "").path.split("/") if part]
    if len(parts) >= 2 and ACCOUNT_ID.fullmatch(parts[-2]):
        account = parts[-2]
    return (arn_of(f"arn:{PARTITION}:sqs:{call.region}:{account}:", parts[-1] if parts else UNKNOWN),)


FUNCTIONS: Final = Functions(
    resolvers={"sqs_queue": _queue},
    owner_root_actions=_OWNER_ROOT_ACTIONS,
    unshared_actions=_UNSHARED_ACTIONS,
)
