"""Tags of AWS's own: those of stacks, `aws:cloudformation:`, which CloudFormation gives to resources, and all others.

CloudFormation User Guide, "Resource tag": "all stack-level tags, including automatically created tags, are propagated
to resources that CloudFormation supports." No call of anybody else that sets or removes them comes to a service
(`calls.system_tags`).
"""

from __future__ import annotations

from typing import Final

RESERVED: Final = "aws:"
"""The beginning of the keys of tags that AWS's services set."""
OF_STACKS: Final = "aws:cloudformation:"
"""The beginning of the keys of tags that CloudFormation sets."""


def is_refused(key: str) -> bool:
    """Whether a service refuses a tag with this key from everyone: one of AWS's, but for those of stacks."""
    return key.lower().startswith(RESERVED) and not key.startswith(OF_STACKS)
