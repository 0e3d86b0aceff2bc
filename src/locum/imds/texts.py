"""The forms of texts in the metadata: JSON documents and times as EC2 writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import Any

from locum.core.clock import Instant, iso8601
from locum.credentials import TemporaryCredentials


def json_text(document: Mapping[str, Any] | Sequence[Any]) -> str:
    """`document` as EC2 writes it: `"Code" : "Success"`. Shell scripts of its users count on the spaces."""
    return json.dumps(document, indent=2, separators=(",", " : "))


def event_time(at: int) -> str:
    """An epoch second as events/maintenance has it: `21 Jan 2019 09:00:43 GMT`."""
    return formatdate(at, usegmt=True).partition(", ")[2]


def credentials_text(made: TemporaryCredentials, issued: float, at: Instant) -> str:
    """The document of credentials, read at `at`, its times by the clock of the instance, whose SDKs act on them.

    EC2 User Guide, "Retrieve security credentials from instance metadata".
    """
    return json_text(
        {
            "Code": "Success",
            "LastUpdated": iso8601(at.told(issued)),
            "Type": "AWS-HMAC",
            "AccessKeyId": made.access_key_id,
            "SecretAccessKey": made.secret_access_key,
            "Token": made.session_token,
            "Expiration": iso8601(at.told(made.expiration)),
        }
    )
