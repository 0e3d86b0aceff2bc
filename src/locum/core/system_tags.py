"""Tags of AWS's own: those of stacks, `aws:cloudformation:`, which CloudFormation gives to resources, and all others.

CloudFormation User Guide, "Resource tag": "all stack-level tags, including automatically created tags, are propagated
to resources that CloudFormation supports." No call of anybody else that sets or removes them comes to a service
(`calls.system_tags`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

RESERVED: Final = "aws:"
"""The beginning of the keys of tags that AWS's services set."""
OF_STACKS: Final = "aws:cloudformation:"
"""The beginning of the keys of tags that CloudFormation sets."""


def is_refused(key: str) -> bool:
    """Whether a service refuses a tag with this key from everyone: one of AWS's, but for those of stacks."""
    return key.lower().startswith(RESERVED) and not key.startswith(OF_STACKS)


def without_system_tags(value: Any, name: str = "") -> Any:
    """The parameters `value` without tags of AWS's own: items of lists with such a key, or keys of maps of tags.

    Members that have nothing else are left out.
    """
    if isinstance(value, Mapping):
        of_tags = name.lower().endswith("tags")
        kept = {key: item for key, item in value.items() if not (of_tags and str(key).lower().startswith(RESERVED))}
        found = {key: without_system_tags(item, str(key)) for key, item in kept.items()}
        return {key: item for key, item in found.items() if item not in ([], {}) or kept[key] in ([], {})}
    if isinstance(value, (list, tuple)):
        return [without_system_tags(item, name) for item in value if not _is_system_tag(item)]
    return value


def _is_system_tag(item: Any) -> bool:
    keys = [item[name] for name in ("Key", "key", "TagKey") if name in item] if isinstance(item, Mapping) else []
    return any(str(key).lower().startswith(RESERVED) for key in keys)
