"""Tags in requests of CloudTrail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from locum.core.errors import Fault
from locum.core.system_tags import is_refused
from locum.services.cloudtrail.faults import invalid_tag

MOST: Final = 50


def tags_of(given: Sequence[Mapping[str, Any]], present: Mapping[str, str] | None = None) -> dict[str, str]:
    """The tags `present` with those of a request. Raises Fault (InvalidTagParameterException and others)."""
    tags = {tag["Key"]: tag.get("Value", "") for tag in given}
    if len(tags) != len(given):
        raise invalid_tag("The tag keys must be unique.")
    if any(is_refused(key) for key in tags):
        raise invalid_tag("Tag keys must not begin with aws:.")
    tags = {**(present or {}), **tags}
    if len(tags) > MOST:
        raise Fault("TagsLimitExceededException", f"A resource can have up to {MOST} tags.")
    return tags
